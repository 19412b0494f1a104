package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestScenarioOffers: every scenario offers what its load says of each limit, in order and
// in its part of each minute.
func TestScenarioOffers(t *testing.T) {
	for _, name := range ScenarioNames {
		s := Scenario{Name: name, Nodes: Nodes{Count: 10}, Load: 2, Minutes: 3, Seed: 1}
		sums, nodes := make([]int64, len(scenarioLimits)), map[int]int{}
		last := time.Duration(0)
		for _, o := range s.offers() {
			require.GreaterOrEqual(t, o.at, last, name)
			into := o.at%time.Minute - openMargin
			require.GreaterOrEqual(t, into, time.Duration(0), name)
			if name == "burst" {
				require.Less(t, into, burstLength)
			}
			require.Less(t, into, time.Minute-openMargin-turnMargin)
			if name == "moving" {
				require.Equal(t, int(into/movesEvery)%10, o.node)
			}
			last = o.at
			sums[o.limit] += o.cost
			nodes[o.node]++
		}
		for i, l := range scenarioLimits {
			require.InEpsilon(t, 3*2*(l.rpm+l.tpm), sums[i], 0.2, name)
		}
		require.Len(t, nodes, 10, name)
	}
}

// TestScenarioBooks: what is admitted beyond a limit and what stays unused of what was
// offered within it are of each minute on its own.
func TestScenarioBooks(t *testing.T) {
	b := scenarioBooks{admitted: []int64{120, 90, 40}, offered: []int64{200, 200, 40}, requests: 440, refused: 190, waited: 44, vain: 22, wait: 66 * time.Millisecond}
	r := b.rule("x", 100, 3)
	require.InDelta(t, 0.2/3, r.OverMean, 1e-9)
	require.InDelta(t, 0.2, r.OverMax, 1e-9)
	require.InDelta(t, 0.1/3, r.Unused, 1e-9)
	require.InDelta(t, 0.1, r.Waited, 1e-9)
	require.InDelta(t, 0.05, r.Vain, 1e-9)
	require.InDelta(t, 3, r.WaitMS, 1e-9)
}
