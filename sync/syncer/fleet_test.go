package syncer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// fleetStore says of the fleet what a test wants.
type fleetStore struct {
	syncer.Store
	nodes, named, outdated atomic.Int64
	down                   atomic.Bool
}

func (f *fleetStore) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	if f.down.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	err := f.Store.Exchange(ctx, b, r)
	r.Outdated, r.OutdatedKnown = int(f.outdated.Load()), true
	if n := f.nodes.Load(); n != 0 {
		r.Nodes, r.Members = int(n), r.Members[:0]
		for i := range f.named.Load() {
			r.Members = append(r.Members, fmt.Sprint("n-", i))
		}
	}
	return err
}

// TestFleetWithoutNames: a list of names from when the fleet was smaller gives no node a
// request that more nodes would take each.
func TestFleetWithoutNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		admitted := 0
		for i := range 20 {
			store := &fleetStore{Store: memstore.New(memstore.Config{})}
			store.nodes.Store(3)
			store.named.Store(3)
			n := newNode(t, store, engine.Limits{RPM: 6}, syncer.Config{Node: fmt.Sprint("n-", i)})
			run(t, n)
			time.Sleep(2 * time.Second)
			store.nodes.Store(100) // whose names the store does not return
			store.named.Store(0)
			time.Sleep(2 * time.Second)
			store.down.Store(true)
			rollover()
			admitted += n.use("a", 10, 0)
		}
		require.Zero(t, admitted)
	})
}

// TestOutdatedNodes: while nodes share by counters of an older format, a node holds its
// share of each limit among all of them.
func TestOutdatedNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fleetStore{Store: memstore.New(memstore.Config{})}
		n := newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{})
		run(t, n)
		store.outdated.Store(3)
		time.Sleep(2 * time.Second)
		require.Equal(t, 3, n.s.Stats().Outdated)
		require.True(t, n.s.Stats().Away)
		require.Equal(t, "nodes of an older version use the same store by other keys", n.s.Stats().Problem)
		for range 3 {
			rollover()
			require.Equal(t, 150, n.use("a", 700, 0))
			require.Equal(t, engine.LimitShare, n.refusal("a").Limit)
		}
		require.EqualValues(t, 0, n.s.Stats().Failures, "it goes on exchanging")
		store.outdated.Store(0)
		time.Sleep(5 * time.Second)
		require.False(t, n.s.Stats().Away)
		require.Empty(t, n.s.Stats().Problem)
		require.Equal(t, 450, n.use("a", 700, 0))
	})
}

// TestOutdatedNodesInANewBucket: a bucket whose first deployment is configured while nodes share by
// counters of an older format is decided by policy too.
func TestOutdatedNodesInANewBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const buckets = 16
		store := &fleetStore{Store: memstore.New(memstore.Config{Buckets: buckets})}
		n := newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{})
		run(t, n)
		store.outdated.Store(3)
		time.Sleep(2 * time.Second)
		require.NotEqual(t, syncer.BucketOf("a", buckets), syncer.BucketOf("b", buckets))
		require.NoError(t, n.e.Apply(cluster(engine.Limits{RPM: 600}, "a", "b")))
		n.use("b", 1, 0)
		time.Sleep(2 * time.Second)
		rollover()
		require.Equal(t, 150, n.use("b", 700, 0))
	})
}
