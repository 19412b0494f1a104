package counter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// TestGrainOfAFigure: a figure that differs from the count by its grain corrects nothing, and one
// that differs by more does, up and down.
func TestGrainOfAFigure(t *testing.T) {
	at := counter.At{Epoch: epoch0, Now: epoch0 * minute}
	for _, r := range []counter.Rule{
		{Shape: counter.Spans, Length: minute, Phase: int64(7 * time.Second)}, {Shape: counter.Level},
	} {
		for figure, want := range map[int64]int64{497: 500, 503: 500, 496: 496, 504: 504} {
			l := counter.NewLimit(r, counter.Tokens, 1000, at)
			require.Equal(t, counter.Taken, l.Take(0, at, 500))
			lower, above := l.Correct(&counter.Figure{At: at, Used: figure, Most: 1000, Grain: 3}, at)
			require.EqualValues(t, want, l.Used(at), "%+v: a figure of %d", r, figure)
			require.Equal(t, want < 500, lower)
			require.Equal(t, max(want-figure, 0), max(above, 0))
		}
	}
}
