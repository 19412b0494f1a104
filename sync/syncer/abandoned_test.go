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
	"github.com/plimsoll-dev/plimsoll/window"
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

// TestEmptyBatchIsNoLoss: a node that is cut off, or stands still, for longer than the store keeps
// markers has nothing to add again. That its markers are gone is no loss of the store.
func TestEmptyBatchIsNoLoss(t *testing.T) {
	for _, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
		for _, away := range []time.Duration{128 * time.Second, 140 * time.Second, 10 * time.Minute} {
			t.Run(mode.String()+" "+away.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := memstore.New(memstore.Config{})
					way := storetest.NewFaulty(store, 1, storetest.Plan{})
					limits := engine.Limits{RPM: 60}
					cut, other := newNode(t, way, limits, syncer.Config{Mode: mode}), newNode(t, store, limits, syncer.Config{Mode: mode})
					stop := run(t, cut, other)
					rollover()
					ok, _ := offer(cut, 1)
					require.True(t, ok)
					time.Sleep(90 * time.Second) // what it reserved has gone back
					way.SetDown(true)
					time.Sleep(away)
					way.SetDown(false)
					time.Sleep(3 * time.Second)
					require.False(t, cut.s.Stats().Away)
					require.Zero(t, cut.s.Stats().Reseeded)
					require.Zero(t, other.s.Stats().Reseeded)
					stop()
				})
			})
		}
	}
}

// TestLossWhileAway: a store loses what a node had used of a day, and gets as much from a node that
// joins, while the first one is away for longer than markers are kept. It adds its usage again.
func TestLossWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		limits := engine.Limits{RPD: 1000}
		cut := newNode(t, way, limits, syncer.Config{})
		stop := run(t, cut)
		time.Sleep(time.Second)
		before := store.Save()
		require.Equal(t, 5, cut.use("a", 5, 0))
		time.Sleep(time.Second)
		way.SetDown(true)
		store.Load(before)
		joins := newNode(t, store, limits, syncer.Config{})
		stop2 := run(t, joins)
		time.Sleep(time.Second)
		require.Equal(t, 10, joins.use("a", 10, 0))
		time.Sleep(4 * time.Minute)
		way.SetDown(false)
		time.Sleep(5 * time.Second)
		start, _ := window.KindDay.Span(time.Now().Unix())
		require.EqualValues(t, 15, totalOf(store, window.KindDay, "a", start).Requests)
		stop()
		stop2()
	})
}
