package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// twoNodes runs two nodes that share a limit of 60 requests a minute. Way can fail for the first.
func twoNodes(t *testing.T, mode syncer.Mode) (way *storetest.Faulty, cut, other *node, stop func()) {
	t.Helper()
	store := memstore.New(memstore.Config{})
	way = storetest.NewFaulty(store, 1, storetest.Plan{})
	limits, cfg := engine.Limits{RPM: 60}, syncer.Config{Mode: mode}
	cut, other = newNode(t, way, limits, cfg), newNode(t, store, limits, cfg)
	return way, cut, other, run(t, cut, other)
}

// TestAbandonedBatchIsNoLoss: a node that is cut off until the windows of its batch in doubt no
// longer count gives the batch up. That the store never had it is no loss of the store, so no new
// epoch begins.
func TestAbandonedBatchIsNoLoss(t *testing.T) {
	for _, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				way, cut, other, stop := twoNodes(t, mode)
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
				dropped := int64(0)
				if mode == syncer.Usage {
					dropped = 1 // the request while the node was cut off: by escrow it had been reserved
				}
				require.Equal(t, dropped, cut.s.Stats().Dropped.Requests)
				require.Zero(t, cut.s.Stats().Reseeded)
				require.Zero(t, other.s.Stats().Reseeded)
				stop()
			})
		})
	}
}

// TestAskIsNotDropped: of a batch in doubt that is given up, usage that no total contains is
// dropped, and nothing that the node has asked for and not used.
func TestAskIsNotDropped(t *testing.T) {
	for name, test := range map[string]struct {
		profile provider.Profile
		away    time.Duration // before the node uses the share that Config.Away gives it
		used    int
	}{
		"asked":                  {provider.Profile{}, 0, 0},
		"used by policy":         {provider.Profile{}, 5 * time.Second, 20},
		"in a pool":              {provider.Profile{Pool: "account"}, 5 * time.Second, 20},
		"in a minute of its own": {provider.Profile{Phase: 50 * time.Second}, 5 * time.Second, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				way := storetest.NewFaulty(store, 1, storetest.Plan{})
				cfg := cluster(engine.Limits{RPM: 60, TPM: 6000}, "a")
				cfg.Deployments[0].Profile = test.profile
				n := newNodeOf(t, way, cfg, syncer.Config{Mode: syncer.Escrow})
				stop := run(t, n)
				rollover()
				rollover()
				require.Equal(t, 10, reserve(n, 10))
				time.Sleep(2 * time.Second)
				known := total(store, "a", minute()).Requests
				way.SetPlan(storetest.Plan{LoseReply: 1})
				used := int64(10 + test.used)
				for range 10 { // asks for what it does not get to know of
					used += int64(together(n, 10))
				}
				way.SetDown(true)
				time.Sleep(test.away)
				require.Equal(t, test.used, n.use("a", test.used, 0))
				time.Sleep(time.Until(time.Unix(minute()+127, 0))) // its windows were over for 65 s two seconds ago
				require.Zero(t, n.s.Stats().Reseeded)
				require.Equal(t, syncer.Count{Requests: max(used-known, 0)}, n.s.Stats().Dropped)
				require.Zero(t, n.s.Stats().DroppedOfDays)
				way.SetDown(false)
				way.SetPlan(storetest.Plan{})
				time.Sleep(5 * time.Second)
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
					way, cut, other, stop := twoNodes(t, mode)
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
