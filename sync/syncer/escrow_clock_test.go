package syncer_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestEscrowClockSteps: the clock of one of three nodes steps by up to a second and a half, to and fro, also around
// the end of a minute. No window is admitted beyond its limit, each node naming windows by its own
// clock, and in the end the counters hold what was used.
func TestEscrowClockSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 600
		r := rand.New(rand.NewPCG(3, 4))
		store := memstore.New(memstore.Config{})
		var offset atomic.Int64
		var nodes []*node
		for i := range 3 {
			clock := window.NewClockFrom(time.Now)
			if i == 0 {
				clock = window.NewClockFrom(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) })
			}
			way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond})
			nodes = append(nodes, newNode(t, way, engine.Limits{RPM: limit}, syncer.Config{Mode: syncer.Escrow, Clock: clock}))
		}
		stop := run(t, nodes...)
		rollover()
		var mu sync.Mutex
		var wg sync.WaitGroup
		admitted := map[int64]int64{}
		for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
			time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Minute) / (2 * limit)))
			n := nodes[r.IntN(3)]
			wg.Go(func() {
				at := window.EpochAt(n.clock.Read())
				if ok, _ := offer(n, 1); ok && window.EpochAt(n.clock.Read()) == at {
					mu.Lock()
					admitted[at]++
					mu.Unlock()
				}
			})
			if second := time.Now().Second(); r.IntN(400) == 0 || (second == 59 || second == 0) && r.IntN(10) == 0 {
				offset.Store(r.Int64N(3e9) - 15e8)
			}
		}
		wg.Wait()
		for at, n := range admitted {
			require.LessOrEqual(t, n, int64(limit), "in %v", time.Unix(window.StartSeconds(at), 0).UTC())
		}
		require.GreaterOrEqual(t, len(admitted), 4)
		offset.Store(0)
		time.Sleep(3 * time.Second)
		start := minute()
		stop()
		used := int64(0)
		for _, n := range nodes {
			of := n.state("a").Limit(engine.LimitRPM)
			used += of.Used - of.Remote
		}
		require.Equal(t, used, total(store, "a", start).Requests)
	})
}
