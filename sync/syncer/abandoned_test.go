package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestAbandonedBatchIsNoLoss: a node that is cut off until the windows of its batch in doubt no
// longer count gives the batch up. That the store never had it is no loss of the store, so no new
// epoch begins.
func TestAbandonedBatchIsNoLoss(t *testing.T) {
	for _, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				way := storetest.NewFaulty(store, 1, storetest.Plan{})
				limits := engine.Limits{RPM: 60}
				cut, other := newNode(t, way, limits, syncer.Config{Mode: mode}), newNode(t, store, limits, syncer.Config{Mode: mode})
				stop := run(t, cut, other)
				rollover()
				time.Sleep(40 * time.Second)
				ok, _ := offer(cut, 1)
				require.True(t, ok)
				time.Sleep(500 * time.Millisecond)
				ok, _ = offer(cut, 1)
				require.True(t, ok)
				way.SetDown(true)
				time.Sleep(20*time.Second + 80*time.Second)
				way.SetDown(false)
				time.Sleep(3 * time.Second)
				require.False(t, cut.s.Stats().Away)
				require.Positive(t, cut.s.Stats().Dropped.Requests, "its windows no longer count")
				require.Zero(t, cut.s.Stats().Reseeded)
				require.Zero(t, other.s.Stats().Reseeded)
				stop()
			})
		})
	}
}
