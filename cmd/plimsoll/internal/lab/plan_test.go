package lab

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// runsOf counts the runs of a plan by a key of each cell.
func runsOf(p *Plan, key func(Cell) string) map[string]int {
	count := map[string]int{}
	for _, j := range p.cells() {
		count[key(j.Cell)]++
	}
	return count
}

// The full set runs what goals need everywhere with the first seed, every other policy in a
// third of the combinations, and every world and traffic with at least one further seed.
func TestFullIsAFractionalFactorial(t *testing.T) {
	p := Full(nil)
	dear := 0
	p.Worlds = slices.DeleteFunc(p.Worlds, func(w World) bool {
		if w.Dear {
			dear++
		}
		return w.Dear
	})
	places := len(p.Worlds) * len(p.Traffic)
	usual := func(policy string, seed uint64) (n int) {
		for _, j := range p.cells() {
			if j.Policy == policy && j.Load == UsualLoad && j.Seed == seed {
				n++
			}
		}
		return n
	}
	require.Equal(t, places, usual(OursName, 1))
	require.Equal(t, places, usual(LiteLLMName, 1))
	base := 0
	for i := range p.Worlds {
		if p.Worlds[i].base() {
			base++
		}
	}
	require.Equal(t, base*len(p.Traffic), usual(UnknownName, 1))
	for _, k := range p.Policies {
		if !goalPolicies[k.Name] && k.Name != WrongName {
			require.InDelta(t, base*len(p.Traffic)/rotation, usual(k.Name, 1), float64(len(p.Worlds)), k.Name)
			require.Zero(t, usual(k.Name, 2), k.Name)
		}
	}
	for seed := uint64(2); seed <= 5; seed++ {
		require.Equal(t, places/rotation, usual(OursName, seed))
		require.Equal(t, usual(OursName, seed), usual(LiteLLMName, seed))
	}
	further := runsOf(p, func(c Cell) string {
		if c.Policy != OursName || c.Load != UsualLoad || c.Seed == 1 {
			return ""
		}
		return c.World + " " + c.Traffic
	})
	delete(further, "")
	require.Len(t, further, places, "every world and traffic has another seed")

	// Wherever a policy runs, the bounds do: there is no goodput without them.
	bounded := runsOf(p, func(c Cell) string {
		if isBound(c.Policy) {
			return fmt.Sprint(c.at())
		}
		return ""
	})
	once := map[Cell]bool{}
	for _, j := range p.cells() {
		require.Positive(t, bounded[fmt.Sprint(j.at())], "%+v", j.Cell)
		require.False(t, once[j.Cell], "twice: %+v", j.Cell)
		once[j.Cell] = true
	}

	all := runsOf(Full(nil), func(c Cell) string {
		if c.Policy == OursName && c.Seed == 1 && c.Load == UsualLoad {
			return "ours"
		}
		return ""
	})
	require.Equal(t, places+dear*len(p.Traffic)/rotation, all["ours"], "dear worlds play a third of the traffic")

	whole := Full(nil)
	whole.Whole = true
	require.Greater(t, len(whole.cells()), 2*len(p.cells()))
}

// Each kind of traffic has the same weight, and leaving one out leaves the others.
func TestRowsAndLeavingOneOut(t *testing.T) {
	p := &Plan{Seeds: []uint64{1, 2, 3}, Traffic: []*Traffic{{Name: "a"}, {Name: "b"}}, Policies: Policies[:4]}
	w := world(t, "fixed")
	p.Worlds = []World{w}
	var results []Result
	add := func(traffic, policy string, seed uint64, served, refused int64) {
		results = append(results, Result{
			Cell:    Cell{"fixed", traffic, policy, UsualLoad, seed},
			Outcome: &Outcome{Offered: 1000, TokensOffered: 1000, TokensServed: served, Provider429: refused, Quota: 1000, Jain: 1},
		})
	}
	for seed, served := range []int64{970, 980, 990} { // a has three seeds, b one
		add("a", Bounds[0].Name, uint64(seed+1), 1000, 0)
		add("a", OursName, uint64(seed+1), served, 1)
		add("a", LiteLLMName, uint64(seed+1), 960, 50)
	}
	add("b", Bounds[0].Name, 1, 1000, 0)
	add("b", OursName, 1, 900, 9)
	add("b", LiteLLMName, 1, 950, 50)

	s := p.Summarize(results)
	r, ok := s.find("fixed", OursName)
	require.True(t, ok)
	require.InDelta(t, (0.98+0.9)/2, r.Goodput, 1e-9)
	require.InDelta(t, 5, r.Refusals, 1e-9)
	require.InDelta(t, 0.9, r.Worst, 1e-9)
	require.Equal(t, "b", r.WorstTraffic)
	require.InDelta(t, 0.02, r.Spread, 1e-9)
	require.InDelta(t, (0.02-0.05)/2, r.Gain, 1e-9)

	require.Len(t, s.Without, 1)
	o := s.Without[0]
	require.Equal(t, "a", o.LowTraffic)
	require.InDelta(t, 0.9, o.Low, 1e-9)
	require.Equal(t, "b", o.HighTraffic)
	require.InDelta(t, 0.98, o.High, 1e-9)
	require.Equal(t, "a", o.LowGainTraffic)
	require.InDelta(t, -0.05, o.LowGain, 1e-9)
	require.True(t, o.Judged)
	require.False(t, o.Met)
	require.Equal(t, []string{"b"}, o.Changes, "without b the goal of fixed is met")
}
