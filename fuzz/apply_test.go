package fuzz

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// shapes are configurations of the same n deployments: all in one group, every
// second one removed, every third one in another group, that and some more.
func shapes(n int, limits engine.Limits) [][]engine.Deployment {
	base := append(same(n, "g", limits), engine.Deployment{ID: "seed", Group: "h", Limits: limits})
	var half, moved []engine.Deployment
	for i, d := range base {
		if i%2 == 0 || d.ID == "seed" {
			half = append(half, d)
		}
		if i%3 == 1 {
			d.Group = "h"
		}
		moved = append(moved, d)
	}
	slices.Reverse(moved)
	more := slices.Clone(moved)
	for i := range 3 {
		more = append(more, engine.Deployment{ID: fmt.Sprint("x", i), Group: "gh"[i%2 : i%2+1], Limits: limits})
	}
	return [][]engine.Deployment{base, half, moved, base, more, half}
}

// A churn applies one shape after the other until it is stopped.
type churn struct {
	applies atomic.Int64
	err     error
	stop    func()
}

// enough is how many times a configuration is applied at least, while others work.
const enough = 6

func startChurn(e *engine.Engine, s engine.Strategy, all [][]engine.Deployment) *churn {
	c := &churn{}
	c.stop = background(func(round int) {
		if err := e.Apply(engine.Config{Deployments: all[round%len(all)], Strategy: s}); err != nil {
			c.err = err
		}
		c.applies.Add(1)
	})
	return c
}

func (c *churn) enough() bool { return c.applies.Load() >= enough }

// TestApplyDoublesNoLimit: deployments are removed, brought back and moved
// between groups while 64 goroutines want more than there is. In the one minute
// that this takes none admits more than its limit, and in the end, all are full.
func TestApplyDoublesNoLimit(t *testing.T) {
	each(t, ranked, []int{10, 65, 128}, func(t *testing.T, s engine.Strategy, n int) {
		per := int64(scale(60_000)/n + 10)
		limits := engine.Limits{TPM: per, RPM: per + 2}
		if n%2 != 0 {
			limits = engine.Limits{TPM: per + 4, InputTPM: per, RPD: per + 2, TPD: per + 1, MaxInFlight: 1 << 40}
		}
		all := shapes(n, limits)
		e := start(t, newVirtual(), s, all[0])
		groups := []*engine.Group{group(t, e, "g"), group(t, e, "h")}
		own := map[string]*atomic.Int64{}
		for _, ds := range all {
			for _, d := range ds {
				own[d.ID] = new(atomic.Int64)
			}
		}
		c := startChurn(e, s, all)
		want := func(int) {
			for i, misses := 0, 0; misses < 64 || !c.enough(); i++ {
				l, ok := groups[i%3/2].TryAcquire(plain(1))
				if !ok {
					misses++
					runtime.Gosched()
					continue
				}
				misses = 0
				own[l.Ref().ID()].Add(1)
				if i%64 == 0 {
					runtime.Gosched()
				}
			}
		}
		par(workers, want)
		c.stop()
		require.NoError(t, c.err)
		for id, n := range own {
			require.LessOrEqual(t, n.Load(), per, id)
		}
		require.NoError(t, e.Apply(engine.Config{Deployments: all[4], Strategy: s}))
		par(workers, want)
		for id, st := range states(e) {
			require.Equal(t, [3]int64{per, per, per}, [3]int64{own[id].Load(), st.Limit(engine.LimitTPM).Used, st.Limit(engine.LimitRPM).Used}, id)
		}
		require.Len(t, states(e), len(own))
	})
}

// TestApplyKeepsLeasesInFlight: a limit on leases holds across Apply: the leases
// of a deployment that leaves and comes back are still there.
func TestApplyKeepsLeasesInFlight(t *testing.T) {
	each(t, ranked, []int{10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		const limit = 5
		all := shapes(n, engine.Limits{MaxInFlight: limit})
		e := start(t, newVirtual(), s, all[0])
		groups := []*engine.Group{group(t, e, "g"), group(t, e, "h")}
		held := map[string]*atomic.Int64{}
		for _, ds := range all {
			for _, d := range ds {
				held[d.ID] = new(atomic.Int64)
			}
		}
		var beyond atomic.Int64
		c := startChurn(e, s, all)
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(8, uint64(k)))
			var mine []*engine.Lease
			end := func() {
				l := mine[0]
				mine = mine[1:]
				held[l.Ref().ID()].Add(-1)
				if random.IntN(2) == 0 {
					l.Release()
				} else {
					l.Settle(engine.Usage{OutputTokens: 3})
				}
			}
			for i := 0; i < scale(3000) || !c.enough(); i++ {
				l := new(engine.Lease)
				var ok bool
				if *l, ok = groups[i%2].TryAcquire(plain(1)); ok {
					if held[l.Ref().ID()].Add(1) > limit {
						beyond.Add(1)
					}
					mine = append(mine, l)
				}
				if len(mine) > 0 && (!ok || random.IntN(3) == 0) {
					end()
				}
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
			for len(mine) > 0 {
				end()
			}
		})
		c.stop()
		require.NoError(t, c.err)
		require.Zero(t, beyond.Load())
		require.NoError(t, e.Apply(engine.Config{Deployments: all[4], Strategy: s}))
		for id, st := range states(e) {
			require.Zero(t, st.Limit(engine.LimitInFlight).Used, id)
		}
		stats := e.Stats()
		require.Zero(t, stats.Held)
		require.Equal(t, stats.Admitted, stats.Settled+stats.Released)
	})
}

// TestApplyAndRolloverLoseNothing: deployments come, go and move while minutes
// pass, with a collector beside them. The totals are exact. Without rollovers so
// is the sum of what was collected; with them it is never less, as what a late
// end gives back is only in the totals. There are 2,000 rollovers of each, 12,000 in all,
// with PLIMSOLL_FULL.
func TestApplyAndRolloverLoseNothing(t *testing.T) {
	turns := int64(scale(150))
	if full {
		turns = 2000
	}
	each(t, ranked, []int{1, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		for _, rolls := range []bool{false, true} {
			all := shapes(n, lots)
			v := newVirtual()
			e := start(t, v, s, all[0])
			groups := []*engine.Group{group(t, e, "g"), group(t, e, "h")}
			c := collector{}
			c.collect(e)
			var b tab
			var p pacer
			stopCollect := background(func(int) { c.collect(e) })
			ch := startChurn(e, s, all)
			stopTime, least := func() {}, int64(0)
			if rolls {
				stopTime, least = hurry(v, e, &p), turns
			}
			par(workers, func(k int) {
				b.work(&p, k, groups, func(round int) bool {
					return round < scale(1500) || !ch.enough() || v.rolls.Load() < least
				})
			})
			stopTime()
			ch.stop()
			stopCollect()
			require.NoError(t, ch.err)
			require.GreaterOrEqual(t, v.rolls.Load(), least)
			c.collect(e)
			b.requireTotals(t, e.Stats())
			requests, tokens := c.sum()
			if !rolls {
				require.Equal(t, [2]int64{b.requests(), b.tokens.Load()}, [2]int64{requests, tokens})
			}
			require.GreaterOrEqual(t, requests, b.requests())
			require.GreaterOrEqual(t, tokens, b.tokens.Load())
		}
	})
}

// TestApplyForgetsWhatIsGone: deployments that come and go for good leave
// nothing behind once their minutes have passed.
func TestApplyForgetsWhatIsGone(t *testing.T) {
	v := newVirtual()
	stay := engine.Deployment{ID: "stay", Group: "g"}
	e := start(t, v, engine.LowestTPM, []engine.Deployment{stay})
	e.Collect(nil)
	serve := func(round int) {
		ds := append(same(20, fmt.Sprint("gone", round, "-"), lots), stay)
		require.NoError(t, e.Apply(engine.Config{Deployments: ds, Strategy: engine.LowestTPM}))
		for _, d := range ds[:20] {
			g := group(t, e, d.Group)
			l, err := g.Acquire(plain(1))
			require.NoError(t, err)
			l.SettleReserved()
		}
		v.add(time.Minute)
		e.Collect(nil)
	}
	for round := range 20 {
		serve(round)
	}
	before := heap()
	for round := range 200 {
		serve(20 + round)
	}
	require.Less(t, heap()-before, int64(512<<10), "the heap grew with deployments that are gone")
	require.EqualValues(t, 220*20, e.Stats().Admitted)
	_, err := e.Ref("gone5-3")
	require.ErrorIs(t, err, engine.ErrUnknownDeployment)
	_, err = e.Group("gone5-")
	require.ErrorIs(t, err, engine.ErrUnknownGroup)
}
