package syncer_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

var (
	boundWindows = flag.Int("bounds.windows", fullOr(2, 12), "minutes per run of TestBounds")
	boundSeeds   = flag.Int("bounds.seeds", 1, "seeds per run of TestBounds")
	boundNodes   = flag.Int("bounds.nodes", fullOr(10, 50), "most nodes in TestBounds, of 2, 10 and 50")
)

// fullOr returns what a flag is without PLIMSOLL_FULL, or with it.
func fullOr(short, whole int) int {
	if full {
		return whole
	}
	return short
}

// span is from when a node collects what a batch adds to when it learns of the
// answer to the batch after: a jittered interval and a round trip.
const (
	longestTrip = 5 * time.Millisecond
	span        = 110*time.Millisecond + longestTrip
)

// TestBounds offers twice the limit to nodes that share it: what they admit
// beyond it stays within what all but one of them admit in a span,
// (N-1) * r * (staleness + round trip).
func TestBounds(t *testing.T) {
	loads := []load{
		{name: "6 rpm", limits: engine.Limits{RPM: 6}, limit: 6},
		{name: "60 rpm", limits: engine.Limits{RPM: 60}, limit: 60},
		{name: "600 rpm", limits: engine.Limits{RPM: 600}, limit: 600},
		{name: "600k tpm", limits: engine.Limits{TPM: 600_000}, limit: 600_000, largest: 8000},
	}
	for _, l := range loads {
		for _, n := range []int{2, 10, 50} {
			for _, burst := range []bool{false, true} {
				if n > *boundNodes || (testing.Short() || raceEnabled) && n > 2 || raceEnabled && l.limit != 60 && l.largest == 0 {
					continue // under the race detector what takes the same steps
				}
				name := fmt.Sprintf("%s/%d nodes", l.name, n)
				if burst {
					name += ", burst"
				}
				t.Run(name, func(t *testing.T) {
					var r result
					for seed := range *boundSeeds {
						synctest.Test(t, func(t *testing.T) {
							l.play(t, n, burst, rand.New(rand.NewPCG(uint64(seed), uint64(n))), &r)
						})
					}
					percent := 100 / float64(l.limit) / float64(r.windows)
					most := 100 / float64(l.limit)
					if float64(l.limit)/l.mean() >= 60 { // of fewer, chance decides
						require.LessOrEqual(t, 5*r.swings, r.pairs, "minutes swing")
					}
					t.Logf("beyond the limit: %.2f %% (most %.2f %%), below it: %.2f %% (most %.2f %%), successive minutes more than 15 %% and a request apart: %d of %d, refused in spite of room: %.2f %% of requests",
						float64(r.over)*percent, float64(r.most)*most, float64(r.under)*percent, float64(r.least)*most, r.swings, r.pairs, 100*float64(r.wasted)/float64(r.requests))
				})
			}
		}
	}
}

// load is requests against one limit; largest is the tokens of the largest, 0
// where requests are limited.
type load struct {
	name    string
	limits  engine.Limits
	limit   int64
	largest int64
}

type result struct {
	windows, requests, wasted int
	over, most                int64 // beyond the limit, summed and in one window
	under, least              int64 // below the limit, or below what was offered if that is less
	pairs, swings             int   // of successive settled windows; those that differ too much
}

// settles is how many windows of a kind of load it takes until the nodes know it.
const settles = 6

// swing takes in how far two successive windows were from the limit, or from what was offered if
// that is less.
func (r *result) swing(l load, before, after int64) {
	r.pairs++
	if d := max(before-after, after-before); d > max(l.limit*15/100, l.largest, 1) {
		r.swings++
	}
}

// TestBurstsSettle: when a minute's load comes in its first instants, again and
// again, what the nodes admit comes to the limit and stays there.
func TestBurstsSettle(t *testing.T) {
	if raceEnabled {
		t.Skip("it is about sums: TestBounds plays bursts under the race detector")
	}
	for _, l := range []load{
		{name: "60 rpm", limits: engine.Limits{RPM: 60}, limit: 60},
		{name: "600 rpm", limits: engine.Limits{RPM: 600}, limit: 600},
		{name: "600k tpm", limits: engine.Limits{TPM: 600_000}, limit: 600_000, largest: 8000},
	} {
		for _, n := range []int{2, 10} {
			if n > 2 && (l.largest == 0 || !full) {
				continue // the same code, on more requests
			}
			t.Run(fmt.Sprintf("%s/%d nodes", l.name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var r result
					l.playWindows(t, n, 14, true, rand.New(rand.NewPCG(1, uint64(n))), &r)
					require.LessOrEqual(t, r.swings, 1, "of %d", r.pairs) // bursts are random
					require.Less(t, float64(r.over), 0.10*float64(l.limit)*float64(r.windows), "LiteLLM's rule: 0.5 to 1")
					require.Less(t, float64(r.under), 0.06*float64(l.limit)*float64(r.windows))
				})
			})
		}
	}
}

// next returns what a request costs.
func (l load) next(r *rand.Rand) int64 {
	if l.largest == 0 {
		return 1
	}
	return 500 + r.Int64N(l.largest-500+1)
}

func (l load) mean() float64 {
	if l.largest == 0 {
		return 1
	}
	return float64(500+l.largest) / 2
}

func (l load) admit(g *engine.Group, n *node, cost int64) bool {
	if l.largest == 0 {
		return n.use("a", 1, 0) == 1
	}
	lease, ok := g.TryAcquire(engine.Demand{InputTokens: cost, OutputTokens: engine.NoOutput})
	lease.SettleReserved()
	return ok
}

// recent is what one node has admitted within the last span, and the most ever.
type recent struct {
	at        []time.Time
	costs     []int64
	sum, most int64
}

func (r *recent) add(now time.Time, cost int64) {
	r.at, r.costs, r.sum = append(r.at, now), append(r.costs, cost), r.sum+cost
	for now.Sub(r.at[0]) > span {
		r.sum -= r.costs[0]
		r.at, r.costs = r.at[1:], r.costs[1:]
	}
	r.most = max(r.most, r.sum)
}

func (l load) play(t *testing.T, n int, burst bool, r *rand.Rand, res *result) {
	t.Helper()
	l.playWindows(t, n, *boundWindows, burst, r, res)
}

func (l load) playWindows(t *testing.T, n, windows int, burst bool, r *rand.Rand, res *result) {
	t.Helper()
	store := memstore.New(memstore.Config{})
	var nodes []*node
	var groups []*engine.Group
	for i := range n {
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: longestTrip})
		nodes = append(nodes, newNode(t, way, l.limits, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }}))
		g, err := nodes[i].e.Group("chat")
		require.NoError(t, err)
		groups = append(groups, g)
		time.Sleep(time.Duration(r.Int64N(int64(100 * time.Millisecond / time.Duration(n)))))
		run(t, nodes[i])
	}
	var before int64
	for w := range windows {
		rollover()
		start, begin := minute(), time.Now()
		length := time.Minute
		if burst {
			length = 200 * time.Millisecond
		}
		gap := float64(length) * l.mean() / float64(2*l.limit)
		seen := make([]recent, n)
		var admitted, offered int64
		for {
			time.Sleep(time.Duration(r.ExpFloat64() * gap))
			if time.Since(begin) >= length {
				break
			}
			i, cost := r.IntN(n), l.next(r)
			res.requests++
			offered += cost
			if l.admit(groups[i], nodes[i], cost) {
				admitted += cost
				seen[i].add(time.Now(), cost)
			} else if l.limit-admitted >= cost+l.limit/50 {
				res.wasted++
			}
		}
		if burst {
			time.Sleep(time.Second) // until all of it has been reported
		}
		var most int64
		for i := range seen {
			most = max(most, seen[i].most)
		}
		bound := int64(n-1) * most
		require.LessOrEqual(t, admitted-l.limit, bound, "admitted %d of %d, %d by one node in %v", admitted, l.limit, most, span)
		if total := store.Total("a", start); l.largest == 0 && burst {
			require.Equal(t, admitted, total.Requests)
		}
		res.windows++
		res.over += max(admitted-l.limit, 0)
		res.most = max(res.most, admitted-l.limit)
		under := max(min(l.limit, offered)-admitted, 0)
		res.under += under
		res.least = max(res.least, under)
		off := admitted - min(l.limit, offered)
		if w >= settles {
			res.swing(l, before, off)
		}
		before = off
	}
}
