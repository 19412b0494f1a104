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
