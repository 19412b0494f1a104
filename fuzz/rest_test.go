package fuzz

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// atEdge are limits that traffic of small demands keeps running into.
var atEdge = engine.Limits{TPM: 100, RPM: 12, MaxInFlight: 9}

// TestAtRestWhatFitsIsAdmitted: acquire, settle and release traffic runs a group
// full; each time it stops, a demand is admitted if and only if it fits on some
// deployment. A search that trusts what it remembers would refuse for good.
func TestAtRestWhatFitsIsAdmitted(t *testing.T) {
	sizes := []int{1, 10, 65, 128, 1000}
	if testing.Short() {
		sizes = sizes[:4]
	}
	each(t, strategies, sizes, func(t *testing.T, s engine.Strategy, n int) {
		fitted, refused := 0, 0
		for round := range max(scale(4000)/(n+20), 1) {
			e := start(t, newVirtual(), s, same(n, "g", atEdge))
			g := group(t, e, "g")
			traffic(g, 4*n, uint64(round))
			for range 120 {
				tokens := 1 + rand.Int64N(30)
				fits := fitsAnywhere(e, tokens)
				_, picked := g.Pick(plain(tokens))
				l, ok := g.TryAcquire(plain(tokens))
				require.Equal(t, fits, picked, "Pick of %d tokens in round %d", tokens, round)
				require.Equal(t, fits, ok, "TryAcquire of %d tokens in round %d", tokens, round)
				if !ok {
					refused++
					continue
				}
				if fitted++; rand.IntN(8) == 0 {
					l.Settle(engine.Usage{InputTokens: rand.Int64N(tokens + 1)})
				}
			}
		}
		require.NotZero(t, fitted)
		require.NotZero(t, refused)
	})
}

// traffic runs 8 goroutines that acquire, and end leases when they are refused.
func traffic(g *engine.Group, each int, seed uint64) {
	par(8, func(k int) {
		random := rand.New(rand.NewPCG(seed, uint64(k)))
		var held []*engine.Lease
		for range each {
			tokens := 1 + random.Int64N(40)
			l := new(engine.Lease)
			var ok bool
			if *l, ok = g.TryAcquire(plain(tokens)); ok {
				held = append(held, l)
				continue
			}
			if len(held) == 0 {
				continue
			}
			i := random.IntN(len(held))
			switch random.IntN(3) {
			case 0:
				held[i].Release()
			case 1:
				held[i].Settle(engine.Usage{OutputTokens: held[i].Reserved() / 2})
			case 2:
				held[i].Settle(engine.Usage{OutputTokens: held[i].Reserved()})
			}
			held[i] = held[len(held)-1]
			held = held[:len(held)-1]
		}
	})
}

// fitsAnywhere reports whether a deployment can take one request of that size.
func fitsAnywhere(e *engine.Engine, tokens int64) bool {
	for _, st := range e.AppendStates(nil) {
		if !over(st.Limit(engine.LimitRPM).Used+1, st.Limit(engine.LimitRPM).Max) && !over(st.Limit(engine.LimitTPM).Used+tokens, st.Limit(engine.LimitTPM).Max) && !over(st.Limit(engine.LimitInFlight).Used+1, st.Limit(engine.LimitInFlight).Max) {
			return true
		}
	}
	return false
}

// TestRoomWhileMoving: one deployment always has headroom for what the goroutines
// together can want, all others are full. So every refusal, even of a demand that
// meets the others half way, is false.
func TestRoomWhileMoving(t *testing.T) {
	each(t, strategies, []int{1, 10, 65, 128, 1000}, func(t *testing.T, s engine.Strategy, n int) {
		for name, limits := range map[string]engine.Limits{
			"tokens": {TPM: workers * 10}, "in flight": {MaxInFlight: workers}, "requests": {RPM: workers},
			"all": {TPM: workers * 10, RPM: workers, MaxInFlight: workers},
		} {
			ds := same(n, "g", limits)
			for i := range ds {
				if i != n/2 {
					ds[i].Limits = engine.Limits{TPM: engine.Blocked, RPM: engine.Blocked}
				}
			}
			e := start(t, newVirtual(), s, ds)
			g := group(t, e, "g")
			var refused atomic.Int64
			par(workers, func(k int) {
				random := rand.New(rand.NewPCG(7, uint64(k)))
				for range scale(60_000) / (n + 200) {
					l, ok := g.TryAcquire(plain(1 + random.Int64N(10)))
					if !ok {
						refused.Add(1)
						continue
					}
					l.Release()
				}
			})
			require.Zero(t, refused.Load(), "%s: refused although there was headroom; %+v", name, e.Stats())
		}
	})
}

// TestRoomOpenedIsSeen: a group that is full, and known to be, admits as soon as
// anything frees capacity: whatever was remembered of it must not outlive that.
func TestRoomOpenedIsSeen(t *testing.T) {
	each(t, strategies, []int{1, 10, 65, 128}, func(t *testing.T, s engine.Strategy, n int) {
		limits := engine.Limits{TPM: 100, RPM: 5}
		v := newVirtual()
		cfg := engine.Config{Deployments: same(n, "g", limits), Strategy: s, Clock: v.clock()}
		e, err := engine.New(cfg)
		require.NoError(t, err)
		g := group(t, e, "g")
		leases := map[string]*engine.Lease{}
		for range n {
			l := new(engine.Lease)
			*l, err = g.Acquire(plain(100))
			require.NoError(t, err)
			leases[l.Ref().ID()] = l
		}
		full := func() {
			for range 3 {
				_, ok := g.TryAcquire(plain(1))
				require.False(t, ok)
			}
		}
		taken := func() {
			l, err := g.Acquire(plain(10))
			require.NoError(t, err)
			l.Release()
		}
		for id, l := range leases {
			full()
			l.Settle(engine.Usage{InputTokens: 90})
			taken()
			ref(t, e, id).SetEnabled(false)
			full()
			ref(t, e, id).SetEnabled(true)
			taken()
			ref(t, e, id).Cooldown(10e9)
			full()
			v.add(10e9 - 1)
			full()
			v.add(1)
			taken()
			absorb(e, v, id, 0, 10)
			full()
			absorb(e, v, id, 0, 0)
			taken()
			ref(t, e, id).Record(engine.Usage{InputTokens: 10})
			full()
			if len(leases) > 20 && id > "g2" {
				break // the rest is more of the same
			}
			if v.ns.Load()%minute > 45e9 {
				return
			}
		}
		full()
		cfg.Deployments[n-1].Limits.TPM = 110
		require.NoError(t, e.Apply(cfg))
		taken()
	})
}
