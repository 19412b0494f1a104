package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestRoomComesBack: one deployment of a group in which all are equally used,
// or all full, gets headroom or loses usage, in every way there is. It is chosen at
// once, however large the group.
func TestRoomComesBack(t *testing.T) {
	eases := map[string]struct {
		prepare func(t *testing.T, e *engine.Engine, one engine.Ref) any // before the search has seen it
		ease    func(t *testing.T, e *engine.Engine, one engine.Ref, prepared any, cfg engine.Config, clock *handClock)
	}{
		"lease released": {
			prepare: func(t *testing.T, e *engine.Engine, one engine.Ref) any { return leaseOn(t, e, one) },
			ease: func(_ *testing.T, _ *engine.Engine, _ engine.Ref, lease any, _ engine.Config, _ *handClock) {
				lease.(*engine.Lease).Release()
			},
		},
		"lease settled lower": {
			prepare: func(t *testing.T, e *engine.Engine, one engine.Ref) any { return leaseOn(t, e, one) },
			ease: func(_ *testing.T, _ *engine.Engine, _ engine.Ref, lease any, _ engine.Config, _ *handClock) {
				lease.(*engine.Lease).Settle(engine.Usage{InputTokens: 1})
			},
		},
		"others lowered": {
			prepare: func(_ *testing.T, e *engine.Engine, one engine.Ref) any {
				others(e, firstMinute, one.ID(), 1, 1000)
				return nil
			},
			ease: func(_ *testing.T, e *engine.Engine, one engine.Ref, _ any, _ engine.Config, _ *handClock) {
				others(e, firstMinute, one.ID(), 1, 900)
			},
		},
		"limit raised": {
			prepare: func(t *testing.T, e *engine.Engine, one engine.Ref) any { record(t, e, one.ID(), 1000); return nil },
			ease: func(t *testing.T, e *engine.Engine, one engine.Ref, _ any, cfg engine.Config, _ *handClock) {
				for i := range cfg.Deployments {
					if cfg.Deployments[i].ID == one.ID() {
						cfg.Deployments[i].Limits.TPM = 2000
					}
				}
				require.NoError(t, e.Apply(cfg))
			},
		},
		"ceiling raised": {
			prepare: func(_ *testing.T, e *engine.Engine, one engine.Ref) any {
				e.Absorb([]window.Share{{Tally: tally(firstMinute, one.ID(), 1, 900), CeilingTokens: -1}})
				return nil
			},
			ease: func(_ *testing.T, e *engine.Engine, one engine.Ref, _ any, _ engine.Config, _ *handClock) {
				e.Absorb([]window.Share{{Tally: tally(firstMinute, one.ID(), 1, 900), CeilingTokens: 50}})
			},
		},
		"cooldown over": {
			prepare: func(_ *testing.T, _ *engine.Engine, one engine.Ref) any { one.Cooldown(time.Second); return nil },
			ease: func(_ *testing.T, _ *engine.Engine, _ engine.Ref, _ any, _ engine.Config, clock *handClock) {
				clock.Advance(time.Second)
			},
		},
		"cooldown ended": {
			prepare: func(_ *testing.T, _ *engine.Engine, one engine.Ref) any { one.Cooldown(time.Hour); return nil },
			ease: func(_ *testing.T, _ *engine.Engine, one engine.Ref, _ any, _ engine.Config, _ *handClock) {
				one.Cooldown(0)
			},
		},
		"enabled": {
			prepare: func(_ *testing.T, _ *engine.Engine, one engine.Ref) any { one.SetEnabled(false); return nil },
			ease: func(_ *testing.T, _ *engine.Engine, one engine.Ref, _ any, _ engine.Config, _ *handClock) {
				one.SetEnabled(true)
			},
		},
	}
	sizes := []int{10, 65, 200, 1000}
	if raceEnabled { // one goroutine: nothing to find but time to lose
		sizes = []int{10, 65}
	}
	for name, test := range eases {
		for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy} {
			for _, n := range sizes {
				for _, used := range []int64{950, 1000} { // of 1000: the rest has headroom, or has none
					ranked := strategy == engine.LeastUtilized || strategy == engine.LowestTPM
					if !ranked && used == 950 {
						continue // they need not choose the best
					}
					t.Run(fmt.Sprintf("%s/%s/%d/%d", name, strategy, n, used), func(t *testing.T) {
						cfg := tied(strategy, n, 0)
						e, clock := start(t, cfg)
						one := ref(t, e, id(n*2/3))
						prepared := test.prepare(t, e, one)
						for i := range n {
							if id(i) != one.ID() {
								record(t, e, id(i), used)
							}
						}
						g := group(t, e, "chat")
						require.Zero(t, countPicks(g, exactly(10), 30)[one.ID()])
						for range 30 {
							if lease, ok := g.TryAcquire(exactly(10)); ok {
								require.NotEqual(t, one.ID(), lease.Ref().ID())
								lease.Release()
							}
						}
						test.ease(t, e, one, prepared, cfg, clock)
						if ranked && used == 950 && name == "limit raised" && strategy == engine.LowestTPM {
							return // room, but not the fewest tokens
						}
						require.Equal(t, map[string]int{one.ID(): 20}, countPicks(g, exactly(10), 20))
						require.Equal(t, one.ID(), acquire(t, g, exactly(10)).Ref().ID())
					})
				}
			}
		}
	}
}

// leaseOn takes all the headroom of one deployment, which must be unused.
func leaseOn(t *testing.T, e *engine.Engine, one engine.Ref) *engine.Lease {
	t.Helper()
	d := exactly(1000)
	for _, s := range e.AppendStates(nil) {
		if s.ID != one.ID() {
			d.Exclude = append(d.Exclude, ref(t, e, s.ID))
		}
	}
	lease := acquire(t, group(t, e, "chat"), d)
	require.Equal(t, one.ID(), lease.Ref().ID())
	return lease
}
