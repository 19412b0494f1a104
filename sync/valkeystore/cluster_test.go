package valkeystore_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

func TestCluster(t *testing.T) {
	cluster := servertest.StartCluster(t, 3)
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store { return open(t, cluster.URL(), valkeystore.Config{}) })
	})
	t.Run("client of the caller's", func(t *testing.T) {
		c, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{cluster.Nodes[0].Addr()}, DisableRetry: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		storetest.Run(t, func(*testing.T) syncer.Store { return valkeystore.New(c, valkeystore.Config{Namespace: "new"}) })
		broken := valkeystore.New(c, valkeystore.Config{KeyFormat: valkeystore.FormatLiteLLM, Model: func(string) string { return "m" }})
		if err := newNode(t, broken).try(syncer.Batch{Seq: 1}); err == nil || !strings.Contains(err.Error(), "cluster") {
			t.Errorf("error = %v, want one about the cluster", err)
		}
	})
	t.Run("single client", func(t *testing.T) {
		url, _, _ := strings.Cut(cluster.URL(), "?")
		n := newNode(t, open(t, url, valkeystore.Config{Buckets: 16}))
		failed := 0
		for b := range 16 { // two thirds of them lie elsewhere
			if err := n.try(syncer.Batch{Node: n.name, Seq: 1, Bucket: b}); err != nil {
				failed++
				if !strings.Contains(err.Error(), "cluster=true") {
					t.Errorf("error = %v, want a hint at cluster=true", err)
				}
			}
		}
		if failed == 0 {
			t.Error("a single client reached all of a cluster")
		}
	})
	t.Run("moving slot", func(t *testing.T) { testMovingSlot(t, cluster) })
	t.Run("failover", func(t *testing.T) { testClusterFailover(t, cluster) })
}

// testMovingSlot: batches go on while their slot moves from server to server,
// with their keys, and each counts once.
func testMovingSlot(t testing.TB, cluster *servertest.Cluster) {
	t.Helper()
	n := newNode(t, open(t, cluster.URL(), valkeystore.Config{Namespace: "move"}))
	at := begin()
	var deltas []window.Tally
	for i := 0; len(deltas) < 20; i++ {
		if id := fmt.Sprint("dep-", i); n.store.Bucket(id) == 0 {
			deltas = append(deltas, tally(id, at, 1, 10))
		}
	}
	n.add(deltas...)
	key := "plimsoll2:{move.0}:e"
	slot := strconv.FormatInt(cluster.Nodes[0].Do(t, "CLUSTER", "KEYSLOT", key).(int64), 10)
	rounds := int64(1)
	for range 3 {
		from := cluster.Owner(t, key)
		var to *servertest.Server
		for _, p := range cluster.Primaries(t) {
			if p != from {
				to = p
			}
		}
		to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.ID(t))
		from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.ID(t))
		keys := from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, "1000").([]any)
		b := n.next(deltas...)
		for i, key := range keys {
			if i%8 == 0 {
				if err := n.try(b); err == nil { // until the first key has gone
					rounds++
					b = n.next(deltas...)
				}
			}
			from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(to.Port), key.(string), "0", "1000")
		}
		for _, p := range []*servertest.Server{to, from} {
			p.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", to.ID(t))
		}
		n.resolve(b)
		rounds++
	}
	for _, d := range deltas {
		if got, want := n.total(d.ID, at), tally(d.ID, at, rounds, 10*rounds); got != want {
			t.Fatalf("total = %v, want %v", got, want)
		}
	}
}

// testClusterFailover kills the primary of a bucket.
func testClusterFailover(t testing.TB, cluster *servertest.Cluster) {
	t.Helper()
	n := newNode(t, open(t, cluster.URL(), valkeystore.Config{Namespace: "kill"}))
	at := begin()
	id := "a"
	n.add(tally(id, at, 1, 10))
	key := fmt.Sprintf("plimsoll2:{kill.%d}:e", n.store.Bucket(id))
	owner := cluster.Owner(t, key)
	servertest.Until(t, "the replica has it", func() bool { return owner.Do(t, "WAIT", "1", "100") == int64(1) })
	owner.Kill(t)
	for range 5 {
		n.add(tally(id, at, 1, 10))
	}
	if got, want := n.total(id, at), tally(id, at, 6, 60); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	owner.Run(t)
	owner.Await(t)
}

func TestSentinel(t *testing.T) {
	set := servertest.StartSentinels(t)
	t.Run("contract", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) syncer.Store { return open(t, set.URL(), valkeystore.Config{}) })
	})
	n := newNode(t, open(t, set.URL(), valkeystore.Config{Namespace: "kill"}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	primary := set.Primary(t)
	servertest.Until(t, "the replica has it", func() bool { return primary.Do(t, "WAIT", "1", "100") == int64(1) })
	primary.Kill(t)
	for range 5 {
		n.add(tally("a", at, 1, 10))
	}
	if got, want := n.total("a", at), tally("a", at, 6, 60); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
}
