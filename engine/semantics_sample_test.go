package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestSamplesOfABusyMinute: of many calls of one minute some are learned from, and the mean
// is that of all of them, whatever the rhythm in which short and long answers alternate.
func TestSamplesOfABusyMinute(t *testing.T) {
	const short, long = 100, 900
	periods := 16
	if raceEnabled { // one goroutine: nothing to find but time to lose
		periods = 1
	}
	for period := range periods {
		e, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "g"}}})
		require.NoError(t, err)
		g, err := e.Group("g")
		require.NoError(t, err)
		sum, n := 0.0, 0
		for i := range 40_000 {
			l, ok := g.TryAcquire(engine.Demand{InputTokens: 1})
			require.True(t, ok)
			if i >= 20_000 { // learned long ago
				sum, n = sum+float64(l.Reserved()-1), n+1
			}
			output := int64(short)
			if i%(period+2) == 0 {
				output = long
			}
			l.Settle(engine.Usage{InputTokens: 1, OutputTokens: output})
		}
		mean := short + (long-short)/float64(period+2)
		require.InEpsilon(t, mean, sum/float64(n), 0.05, "every %dth answer is long", period+2)
		require.EqualValues(t, 40_000, e.Stats().Settled)
	}
}
