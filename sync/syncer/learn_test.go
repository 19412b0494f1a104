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

// TestIdleNodeLearns: a node without requests knows within a second or so what
// the others have used, and reads no more often than that.
func TestIdleNodeLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		busy := newNode(t, store, unlimited, syncer.Config{})
		seen := &spy{Store: store}
		idle := newNode(t, seen, unlimited, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
		stop := run(t, busy, idle)
		for range 200 { // over two minutes
			busy.use("a", 1, 10)
			before := total(store, "a", minute())
			time.Sleep(1100 * time.Millisecond)
			if time.Now().Unix()%60 > 1 {
				require.GreaterOrEqual(t, idle.others("a").Requests, before.Requests)
			}
		}
		require.Less(t, len(seen.take()), 350)
		require.Equal(t, 2, idle.s.Stats().Nodes)
		stop()
	})
}

// TestJoin: a node that joins in mid-minute knows at once what is left.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		first := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{})
		first.sync()
		time.Sleep(30 * time.Second)
		require.Equal(t, 60, first.use("a", 60, 0))
		first.sync()
		second := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
		second.sync()
		require.Equal(t, 40, second.use("a", 100, 0))
		for range 50 { // many at once
			n := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
			require.Zero(t, n.use("a", 1, 0), "before its first exchange")
			second.sync()
			n.sync()
			require.Zero(t, n.use("a", 1, 0))
		}
	})
}

// TestRollover: what a minute's last requests used goes to that minute's key,
// whenever it is reported.
func TestRollover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		n := newNode(t, way, unlimited, syncer.Config{})
		old := minute()
		time.Sleep(59*time.Second + 950*time.Millisecond)
		stop := run(t, n)
		n.use("a", 7, 70)
		time.Sleep(60 * time.Millisecond)
		n.use("a", 5, 50)
		way.SetDown(true)
		time.Sleep(50 * time.Second)
		n.use("a", 1, 1)
		way.SetDown(false)
		time.Sleep(2 * time.Second)
		require.Equal(t, syncer.Count{Requests: 7, Tokens: 70}, total(store, "a", old))
		require.Equal(t, syncer.Count{Requests: 6, Tokens: 51}, total(store, "a", old+60))
		stop()
	})
}
