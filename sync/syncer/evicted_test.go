package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEvictedAgainGrantsNothing: a total that lacks what this node alone has in it grants nothing, also
// within the five seconds in which another loss begins no epoch.
func TestEvictedAgainGrantsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits, cfg := engine.Limits{RPM: 600}, syncer.Config{Mode: syncer.Escrow}
		x, y := nodeIn(t, store, limits, cfg), nodeIn(t, store, limits, cfg)
		rollover()
		got := 0
		for got < 300 {
			got += take(x, 10) + take(y, 10)
			time.Sleep(20 * time.Millisecond)
		}
		offer := func(requests int, during time.Duration) {
			for begun := time.Now(); time.Since(begun) < during; time.Sleep(10 * time.Millisecond) {
				got += take(x, requests) + take(y, requests)
			}
		}
		for range 2 { // each node begins an epoch for one of them; it grants again after 1.2 s
			store.Evict("a", minute())
			offer(1, 1500*time.Millisecond)
		}
		store.Evict("a", minute())
		offer(10, time.Second)
		require.EqualValues(t, 2, x.s.Stats().Restored+y.s.Stats().Restored, "one in five seconds on each node")
		offer(10, 10*time.Second)
		require.LessOrEqual(t, got, 600)
	})
}
