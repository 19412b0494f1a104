package fuzz

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// absorb applies what the other nodes have used in the current minute, without ceilings.
func absorb(e *engine.Engine, v *virtual, id string, requests, tokens int64) {
	e.Absorb([]window.Share{{Tally: window.Tally{ID: id, Start: v.ns.Load() / minute * 60, Requests: requests, Tokens: tokens}}})
}

// TestAbsorbNeverLetsPastALimit: others' usage only grows while 64 goroutines
// admit. Own usage then stops exactly where it and the others' at the end fill
// the limit, unless the others alone have passed that.
func TestAbsorbNeverLetsPastALimit(t *testing.T) {
	each(t, ranked, []int{1, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		limit := int64(scale(40_000)/n + 20)
		v := newVirtual()
		e := start(t, v, s, same(n, "g", engine.Limits{TPM: limit, RPM: limit + 3}))
		g := group(t, e, "g")
		ids := make([]string, 0, n)
		for _, st := range e.AppendStates(nil) {
			ids = append(ids, st.ID)
		}
		var beyond atomic.Int64
		own := make([]atomic.Int64, n)
		others := make([]int64, n) // only the background's
		index := map[string]int{}
		for i, id := range ids {
			index[id] = i
		}
		absorbed := 0
		stop := background(func(round int) {
			i := round % n
			if others[i] < limit/2 {
				others[i]++
				absorbed++
				absorb(e, v, ids[i], others[i], others[i])
			}
			// An admission after this Absorb saw it; one before it fitted beside less
			// remote usage. So own usage never passes limit - others + what was
			// admitted before, which is checked at the end, exactly.
			if own[i].Load() > limit {
				beyond.Add(1)
			}
		})
		par(workers, func(int) {
			for misses := 0; misses < 3; {
				l, ok := g.TryAcquire(plain(1))
				if !ok {
					misses++
					continue
				}
				if own[index[l.Ref().ID()]].Add(1)%8 == 0 {
					runtime.Gosched() // let the others' usage grow
				}
			}
		})
		stop()
		require.Zero(t, beyond.Load())
		require.NotZero(t, absorbed)
		for id, st := range states(e) {
			i := index[id]
			require.Equal(t, own[i].Load()+others[i], st.Limit(engine.LimitTPM).Used, id)
			require.Equal(t, others[i], st.Limit(engine.LimitTPM).Remote, id)
			// Own usage alone filled it, or stopped when remote usage had filled it. Remote
			// usage that was applied after that is beyond the limit by itself.
			require.GreaterOrEqual(t, st.Limit(engine.LimitTPM).Used, limit, id)
			require.LessOrEqual(t, own[i].Load(), limit, id)
		}
	})
}

// TestOthersAlreadyKnownAreRespected: what others have used and what is admitted
// here never add up to more than the limit, if remote usage was applied first. The other
// nodes move tokens from one deployment to the other; the lower total is applied first.
func TestOthersAlreadyKnownAreRespected(t *testing.T) {
	each(t, ranked, []int{2, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		const limit, moving = 1000, 400
		v := newVirtual()
		e := start(t, v, s, same(n, "g", engine.Limits{TPM: limit}))
		g := group(t, e, "g")
		first, second := ref(t, e, "g0").ID(), ref(t, e, "g1").ID()
		absorb(e, v, first, 1, moving)
		absorb(e, v, second, 1, moving)
		// The others' usage of the two goes up and down below what it is at the end.
		stop := background(func(int) {
			absorb(e, v, first, 1, moving+rand.Int64N(50))
			absorb(e, v, second, 1, moving+rand.Int64N(50))
		})
		counts := make([]atomic.Int64, 2)
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(5, uint64(k)))
			for misses := 0; misses < 50; {
				tokens := 1 + random.Int64N(5)
				if tokens == 1 {
					runtime.Gosched()
				}
				l, ok := g.TryAcquire(plain(tokens))
				if !ok {
					misses++
					continue
				}
				switch l.Ref().ID() {
				case first:
					counts[0].Add(tokens)
				case second:
					counts[1].Add(tokens)
				}
			}
		})
		stop()
		for i := range counts {
			// Never less than moving was known of the others.
			require.LessOrEqual(t, counts[i].Load(), int64(limit-moving))
		}
		absorb(e, v, first, 0, moving)
		absorb(e, v, second, 0, moving)
		for range 2 * limit {
			if l, ok := g.TryAcquire(plain(1)); ok {
				switch l.Ref().ID() {
				case first:
					counts[0].Add(1)
				case second:
					counts[1].Add(1)
				}
			}
		}
		require.Equal(t, [2]int64{limit - moving, limit - moving}, [2]int64{counts[0].Load(), counts[1].Load()})
	})
}

// TestCeilingsThatMove: ceilings rise step by step while 64 goroutines want
// more, so that own usage must never be beyond the last one announced; when
// traffic has stopped it is exactly there.
func TestCeilingsThatMove(t *testing.T) {
	each(t, ranked, []int{1, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		v := newVirtual()
		e := start(t, v, s, same(n, "g", engine.Limits{TPM: 1 << 30, RPM: 1 << 30}))
		g := group(t, e, "g")
		share := func(id string, ceiling int64, others int64) window.Share {
			return window.Share{
				Tally:         window.Tally{ID: id, Start: epoch0 * 60, Requests: others, Tokens: others},
				CeilingTokens: ceiling, CeilingRequests: ceiling + 1000,
			}
		}
		ids := make([]string, 0, n)
		index := map[string]int{}
		shares := make([]window.Share, 0, n)
		for i, st := range e.AppendStates(nil) {
			ids, index[st.ID] = append(ids, st.ID), i
			shares = append(shares, share(st.ID, 1, 0))
		}
		e.Absorb(shares)
		announced, own := make([]atomic.Int64, n), make([]atomic.Int64, n)
		for i := range announced {
			announced[i].Store(1)
		}
		top := int64(scale(20_000)/n + 5)
		stop := background(func(round int) {
			i := round % n
			c := min(announced[i].Load()+3, top)
			announced[i].Store(c) // before the engine knows
			// What the others use must not matter to a ceiling on own usage.
			e.Absorb([]window.Share{share(ids[i], c, rand.Int64N(1000))})
		})
		var beyond atomic.Int64
		total := top * int64(n)
		var admitted atomic.Int64
		par(workers, func(int) {
			for admitted.Load() < total {
				l, ok := g.TryAcquire(plain(1))
				if !ok {
					runtime.Gosched() // let the other goroutine raise a ceiling
					continue
				}
				admitted.Add(1)
				i := index[l.Ref().ID()]
				if own[i].Add(1) > announced[i].Load() {
					beyond.Add(1)
				}
			}
		})
		stop()
		require.Zero(t, beyond.Load())
		_, ok := g.TryAcquire(plain(1))
		require.False(t, ok)
		for i := range own {
			require.Equal(t, top, own[i].Load())
		}
	})
}
