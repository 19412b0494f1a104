package syncer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestClockFollowsStore: whatever a node's clock shows, it ends up at the
// store's, a millisecond per exchange at most and never past it.
func TestClockFollowsStore(t *testing.T) {
	for _, skew := range []time.Duration{-500 * time.Millisecond, -3 * time.Millisecond, 0, 500 * time.Millisecond} {
		if raceEnabled && skew < -100*time.Millisecond {
			continue // as 500 ms
		}
		t.Run(fmt.Sprint(skew), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 15 * time.Millisecond})
				seen := &spy{Store: way}
				clock := window.NewClockFrom(func() time.Time { return time.Now().Add(skew) })
				n := newNode(t, seen, unlimited, syncer.Config{Clock: clock})
				stop := run(t, n)
				off := func() time.Duration { return time.Duration(clock.Read() - time.Now().UnixNano()) }
				worst, before := off().Abs(), off()
				for range 100 + skew.Abs().Milliseconds()*11/10 {
					n.use("a", 1, 0)
					exchanges := n.s.Stats().Exchanges
					time.Sleep(100 * time.Millisecond)
					exchanges = n.s.Stats().Exchanges - exchanges
					require.LessOrEqual(t, (off() - before).Abs(), time.Duration(exchanges+1)*time.Millisecond)
					require.LessOrEqual(t, off().Abs(), worst+time.Millisecond, "it only comes closer")
					before = off()
				}
				require.Less(t, off().Abs(), 2*time.Millisecond)
				require.InDelta(t, float64(-skew), float64(n.s.Stats().Offset), float64(2*time.Millisecond))
				kept := n.s.Stats().Offset
				way.SetDown(true)
				time.Sleep(time.Minute)
				require.Equal(t, kept, n.s.Stats().Offset, "kept while the store is away")
				way.SetDown(false)
				time.Sleep(time.Second)
				stop()
			})
		})
	}
}

// TestClockSteps: steps of a node's clock, or of the store's, lose no count and
// send no window back.
func TestClockSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nodeStep, storeStep time.Duration
		store := memstore.New(memstore.Config{Now: func() time.Time { return time.Now().Add(storeStep) }})
		clock := window.NewClockFrom(func() time.Time { return time.Now().Add(nodeStep) })
		n := newNode(t, store, unlimited, syncer.Config{Clock: clock})
		var used, latest int64
		for i := range 3000 {
			switch i {
			case 600:
				nodeStep = 500 * time.Millisecond
			case 1200:
				nodeStep = -500 * time.Millisecond
			case 1800:
				storeStep = 400 * time.Millisecond
			case 2400:
				storeStep = -400 * time.Millisecond
			}
			n.use("a", 1, 0)
			used++
			n.sync()
			now := window.EpochAt(clock.Read())
			require.GreaterOrEqual(t, now, latest)
			latest = now
			time.Sleep(20 * time.Millisecond)
			require.False(t, n.s.Stats().Away)
		}
		var sum int64
		for start := window.StartSeconds(latest - 1); start <= window.StartSeconds(latest); start += 60 {
			sum += store.Total("a", start).Requests
		}
		require.Equal(t, used, sum)
		require.Zero(t, n.s.Stats().Dropped)
	})
}
