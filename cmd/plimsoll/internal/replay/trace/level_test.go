package trace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Each minute of levelled traffic has the tokens of the mean minute, the first one too.
func TestLevel(t *testing.T) {
	spread := func(r trace.Trace) (least, most, first float64) {
		minutes := make([]float64, int(r.Duration().Minutes()))
		sum := 0.0
		for _, q := range r {
			sum += float64(q.Tokens())
			if m := int(q.Arrival.Minutes()); m < len(minutes) {
				minutes[m] += float64(q.Tokens())
			}
		}
		mean := sum / r.Duration().Minutes()
		return slices.Min(minutes) / mean, slices.Max(minutes) / mean, minutes[0] / mean
	}
	for seed := range uint64(5) {
		requests := trace.Generate(seed, time.Hour, trace.Chat(), trace.Code())
		before, wanders := slices.Clone(requests), 0.0
		_, wanders, _ = spread(requests)
		require.Greater(t, wanders, 1.3, "it shows nothing otherwise")
		requests.Level(5 * time.Second)
		least, most, first := spread(requests)
		require.Greater(t, least, 0.85)
		require.Less(t, most, 1.15)
		require.InDelta(t, 1, first, 0.1)
		require.InDelta(t, before.Duration().Minutes(), requests.Duration().Minutes(), 0.2)
		require.True(t, slices.IsSortedFunc(requests, func(a, b trace.Request) int { return int(a.Arrival - b.Arrival) }))
		for i := range requests {
			require.Equal(t, before[i].Tokens(), requests[i].Tokens())
		}
	}
	empty := trace.Trace{{Arrival: time.Second}}
	empty.Level(time.Second) // nothing to go by
	require.Equal(t, time.Second, empty[0].Arrival)
}
