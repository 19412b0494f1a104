package syncer_test

import (
	"flag"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var leastTable = flag.Bool("least.table", false, "TestLeastSwing computes the table of docs/PROTOCOL.md")

// TestLeastSwing: where a limit holds few requests, no rule of nodes that learn of each other once a
// round makes successive minutes alike. What the best rule does is computed.
func TestLeastSwing(t *testing.T) {
	cells := []opened{{nodes: 2, rounds: 7, price: 0.3}, {nodes: 10, rounds: 7, price: 0.3}}
	if *leastTable {
		cells = nil
		for _, n := range []int{2, 10, 50} {
			for _, price := range []float64{0, 0.3} {
				cells = append(cells, opened{n, 7, price}, opened{n, 4, price}, opened{n, 3, price})
			}
		}
	}
	for _, c := range cells {
		swings, over, under := c.least(6, 12)
		t.Logf("%d nodes, %d rounds in a burst, a request unused costs %v swings: %.1f %% of successive minutes more than a request apart, %.1f %% beyond the limit, %.1f %% below it",
			c.nodes, c.rounds, c.price, 100*swings, 100*over, 100*under)
		if c.nodes == 10 {
			require.Greater(t, swings, 0.05, "then bursts of 6 requests a minute must settle too")
		}
	}
}

// opened is a burst at nodes that all learn, in each of so many rounds, what all others have admitted by
// then: more than they can. In between a node knows of itself alone, so all it can do is to admit
// up to a quota.
type opened struct {
	nodes, rounds int
	price         float64 // of a request that stays unused, in successive minutes that swing
}

// spread is the chances of so many admitted requests.
type spread []float64

func (a spread) plus(b spread, most int) spread {
	sum := make(spread, min(len(a)+len(b)-1, most+1))
	for i, x := range a {
		for j, y := range b {
			sum[min(i+j, most)] += x * y
		}
	}
	return sum
}

// quotas returns what a round may admit: q requests at each of m nodes, for every q and m.
func (o opened) quotas(limit int, offered float64) (of []spread) {
	mean := offered / float64(o.rounds*o.nodes)
	for q := 1; q <= limit; q++ {
		one, more, p := make(spread, q+1), 1.0, math.Exp(-mean)
		for k := range q {
			one[k] = p
			more -= p
			p *= mean / float64(k+1)
		}
		one[q] = more
		all := spread{1}
		for range o.nodes {
			of = append(of, all)
			all = all.plus(one, limit+6)
		}
		of = append(of, all)
	}
	return of
}

// least returns what the best rule comes to: how often successive minutes are more than one request
// apart, and what is admitted beyond and below the limit, in parts of it. It is the best answer to itself,
// from each pair of sums that minutes might keep to.
func (o opened) least(limit int, offered float64) (swings, over, under float64) {
	best := math.Inf(1)
	for pair := limit - 2; pair <= limit+1; pair++ {
		sums := make(spread, 2*limit+7)
		sums[pair], sums[pair+1] = 0.5, 0.5
		for range 10 {
			latest := o.answer(limit, o.quotas(limit, offered), sums)
			s, above, below := judge(latest, limit)
			if cost := s + o.price*below; cost < best {
				best, swings, over, under = cost, s, above/float64(limit), below/float64(limit)
			}
			for i := range sums {
				sums[i] = (sums[i] + latest[i]) / 2
			}
		}
	}
	return swings, over, under
}

// answer returns the sums of the rule that is the best one where other minutes come to the sums given.
func (o opened) answer(limit int, quotas []spread, sums spread) spread {
	most := len(sums) - 1
	value := make([]float64, most+1)
	for k := range value {
		value[k] = o.price*float64(max(limit-k, 0)) + 1e-5*math.Abs(float64(k-limit))
		for other, p := range sums {
			if max(k-other, other-k) > 1 {
				value[k] += p
			}
		}
	}
	choices := make([][]spread, o.rounds)
	for round := o.rounds - 1; round >= 0; round-- {
		next := append([]float64(nil), value...)
		choices[round] = make([]spread, most+1)
		for k := range limit + 3 {
			value[k] = math.Inf(1)
			for _, q := range quotas {
				v := 0.0
				for admitted, p := range q {
					v += p * next[min(k+admitted, most)]
				}
				if v < value[k] {
					value[k], choices[round][k] = v, q
				}
			}
		}
	}
	at := spread{1}
	for _, choice := range choices {
		to := make(spread, most+1)
		for k, p := range at {
			if choice[k] == nil {
				to[k] += p
			}
			for admitted, chance := range choice[k] {
				to[min(k+admitted, most)] += p * chance
			}
		}
		at = to
	}
	return at
}

func judge(sums spread, limit int) (swings, above, below float64) {
	for a, p := range sums {
		above, below = above+p*float64(max(a-limit, 0)), below+p*float64(max(limit-a, 0))
		for b, q := range sums {
			if max(a-b, b-a) > 1 {
				swings += p * q
			}
		}
	}
	return swings, above, below
}
