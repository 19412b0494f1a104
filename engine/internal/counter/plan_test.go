package counter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestPlannedSteps: a step that was planned before something else was counted counts on top
// of that where it still fits, and is refused where it does not.
func TestPlannedSteps(t *testing.T) {
	at := counter.At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	for _, r := range []counter.Rule{
		{Shape: counter.Minutes},
		{Shape: counter.Hours},
		{Shape: counter.Days},
		{Shape: counter.Spans, Length: window.Minute, Phase: 7},
		{Shape: counter.Spans, Length: window.Minute, Granted: true},
		{Shape: counter.Dates},
		{Shape: counter.Level},
		{Shape: counter.Gauge},
	} {
		for _, meanwhile := range []int64{0, 5, 6} {
			l := counter.NewLimit(r, counter.Tokens, 10, at)
			s, o := l.Plan(0, at, 5)
			require.Equal(t, counter.Taken, o, r)
			require.Zero(t, l.Used(at), "%v: a plan counts nothing", r)
			if meanwhile != 0 {
				require.Equal(t, counter.Taken, l.Take(0, at, meanwhile), r)
			}
			want, used := counter.Taken, meanwhile+5
			if used > 10 {
				want, used = counter.Refused, meanwhile
			}
			require.Equal(t, want, l.Do(s, 0, at, 5), "%v after %d", r, meanwhile)
			require.Equal(t, used, l.Used(at), "%v after %d", r, meanwhile)
			_, o = l.Plan(0, at, 10-used+1)
			require.Equal(t, counter.Refused, o, r)
		}
	}
}
