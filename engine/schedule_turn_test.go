//go:build invariants

package engine_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// TestSearchDuringATurn: at each point between two steps of a turn another caller
// searches the group, whose halves are partly of the new minute and partly of the one two
// minutes ago, in which every deployment was full. It goes on in the minute before. What
// it finds says nothing of the new minute: in that all deployments admit what they may.
func TestSearchDuringATurn(t *testing.T) {
	for _, s := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
		for _, n := range []int{2, 130} { // searched whole, and by blocks
			for at := range 12 {
				t.Run(fmt.Sprint(s, " ", n, " ", at), func(t *testing.T) {
					e, clock := start(t, chat(s, n, engine.Limits{RPM: 1}))
					g := group(t, e, "chat")
					for range 2 { // one minute of each parity
						for range n {
							acquire(t, g, exactly(1)).SettleReserved()
						}
						refusal(t, g, exactly(1))
						clock.Advance(time.Minute)
					}
					var points, searched atomic.Int64
					var wg sync.WaitGroup
					var early atomic.Int64
					remove := invariants.Hook(func() {
						if points.Add(1) != int64(at*n/4+1) || searched.Swap(1) != 0 {
							return
						}
						wg.Go(func() {
							if _, ok := g.TryAcquire(exactly(1)); ok { // it has waited for the end of the turn
								early.Add(1)
							}
						})
						for range 200 { // until it waits, or is through
							runtime.Gosched()
						}
					})
					_, ok := g.Pick(exactly(1)) // turns
					wg.Wait()
					remove()
					require.True(t, ok)
					require.NotZero(t, searched.Load(), "%d points", points.Load())
					for i := early.Load(); i < int64(n); i++ {
						acquire(t, g, exactly(1)).SettleReserved()
					}
					refusal(t, g, exactly(1))
				})
			}
		}
	}
}

// TestSearchOfAPastMinuteDuringATurn: a search begins in a minute in which every deployment is
// full, and is suspended between two of its steps. It goes on during the turn to the minute two
// later, which has the same halves and the same blocks. What it remembers of the halves says
// nothing of the new minute: in that all deployments admit what they may.
func TestSearchOfAPastMinuteDuringATurn(t *testing.T) {
	const n = 80 // deployments: blocks whose bounds a search may raise
	demand := exactly(1)
	demand.Exclude = []engine.Ref{{}} // not plain: one reading of the clock for all of its searches
	for _, s := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
		played := 0
		for from, ended := int64(1), false; !ended; from += 7 {
			for at := int64(1); at <= 5*n && !ended; at += 133 {
				e, clock := start(t, chat(s, n, engine.Limits{RPM: 1}))
				g := group(t, e, "chat")
				for range n {
					acquire(t, g, exactly(1)).SettleReserved()
				}
				var searched, turned, admitted atomic.Int64 // points that were met, and admissions
				var turning atomic.Bool
				suspended, resume := make(chan struct{}), make(chan struct{})
				goOn := sync.OnceFunc(func() { close(resume) })
				remove := invariants.Hook(func() {
					switch {
					case !turning.Load() && searched.Add(1) == from:
						close(suspended)
						<-resume
					case turning.Load() && turned.Add(1) == at:
						goOn()
						for range 200 { // until the search waits for the turn
							runtime.Gosched()
						}
					}
				})
				var wg sync.WaitGroup
				over := make(chan struct{})
				wg.Go(func() {
					defer close(over)
					if _, ok := g.TryAcquire(demand); ok {
						admitted.Add(1)
					}
				})
				select {
				case <-suspended:
				case <-over: // it has fewer points
					ended = true
				}
				clock.Advance(2 * time.Minute)
				turning.Store(true)
				_, found := g.Pick(exactly(1)) // turns
				goOn()
				wg.Wait()
				remove()
				for found && admitted.Load() < n {
					_, found = g.TryAcquire(exactly(1))
					admitted.Add(1)
				}
				require.True(t, found, "%v: suspended at point %d, resumed at point %d of the turn", s, from, at)
				played++
			}
		}
		require.Greater(t, played, 50, s)
	}
}

// TestSettleDuringATurn: leases that began two minutes ago are settled at each point between
// two steps of a turn. All usage is reported, in the pair and in the limits beside it, whichever
// of them are turned already.
func TestSettleDuringATurn(t *testing.T) {
	const n = 3
	played := 0
	for at, met := int64(1), true; met; at++ {
		e, clock := start(t, chat(engine.LeastUtilized, n, engine.Limits{TPM: 100, InputTPM: 100}))
		g := group(t, e, "chat")
		e.Collect(nil) // from now on folded windows are kept for the next one
		var leases []*engine.Lease
		for range n {
			leases = append(leases, acquire(t, g, exactly(1)))
		}
		clock.Advance(time.Minute)
		_, ok := g.Pick(exactly(1))
		require.True(t, ok)
		clock.Advance(time.Minute)
		var points atomic.Int64
		var wg sync.WaitGroup
		settle := sync.OnceFunc(func() {
			wg.Go(func() {
				for _, l := range leases {
					l.Settle(engine.Usage{InputTokens: 10})
				}
			})
		})
		remove := invariants.Hook(func() {
			if points.Add(1) == at {
				settle()
				for range 200 { // until it waits for the turn, or is through
					runtime.Gosched()
				}
			}
		})
		_, ok = g.Pick(exactly(1)) // turns
		require.True(t, ok)
		met = points.Load() >= at
		settle()
		wg.Wait()
		remove()
		var tokens, input int64
		for _, r := range e.Collect(nil) {
			tokens, input = tokens+r.Tokens, input+r.Input
		}
		require.Equal(t, int64(10*n), tokens, "at point %d", at)
		require.Equal(t, int64(10*n), input, "at point %d", at)
		played++
	}
	require.Greater(t, played, 10)
}

// TestNoRefusalDuringATurn: every deployment was full in the minute before. At each point
// between two steps of the turn to the next minute, or to the one after that, another caller
// wants one of them. It waits for the turn and is admitted.
func TestNoRefusalDuringATurn(t *testing.T) {
	const n = 3
	for _, minutes := range []time.Duration{1, 2} {
		played := 0
		for at, met := int64(1), true; met; at++ {
			e, clock := start(t, chat(engine.LeastUtilized, n, engine.Limits{RPM: 1}))
			g := group(t, e, "chat")
			for range n {
				acquire(t, g, exactly(1)).SettleReserved()
			}
			clock.Advance(minutes * time.Minute)
			var points, admitted atomic.Int64
			var wg sync.WaitGroup
			remove := invariants.Hook(func() {
				if points.Add(1) != at {
					return
				}
				wg.Go(func() {
					if _, ok := g.TryAcquire(exactly(1)); ok {
						admitted.Add(1)
					}
				})
				for range 200 { // until it waits for the turn, or is through
					runtime.Gosched()
				}
			})
			e.Stats() // turns
			met = points.Load() >= at
			wg.Wait()
			remove()
			require.Equal(t, met, admitted.Load() == 1, "%d minutes later, at point %d", minutes, at)
			played++
		}
		require.Greater(t, played, 10)
	}
}
