package syncer_test

import (
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
)

// TestEscrowGrantsNothingByALoss: an answer that shows that the store has lost something grants
// nothing. Its total lacks what other nodes have reserved, who come back later than the node that
// notices.
func TestEscrowGrantsNothingByALoss(t *testing.T) {
	for name, lose := range map[string]func(*memstore.Store, memstore.Snapshot){
		"acknowledged batches": func(s *memstore.Store, before memstore.Snapshot) { s.Load(before) },
		"a counter":            func(s *memstore.Store, _ memstore.Snapshot) { s.Evict("a", minute()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				nodes, ways, _ := escrowNodesOf(t, store, 2, engine.Limits{RPM: 100}, syncer.Policies{})
				ways[1].SetPlan(storetest.Plan{MinDelay: 40 * time.Millisecond, MaxDelay: 40 * time.Millisecond})
				time.Sleep(2 * time.Second)
				before := store.Save()
				used := take(nodes[0], 50)
				used += take(nodes[1], 6)
				require.Greater(t, used, 50)
				time.Sleep(300 * time.Millisecond)
				// One exchange is under way when the store loses data, and the next one asks for much.
				go func() {
					time.Sleep(25 * time.Millisecond)
					ways[0].SetDown(true)
					lose(store, before)
				}()
				used += together(nodes[1], 90)
				time.Sleep(300 * time.Millisecond)
				ways[0].SetDown(false)
				for range 8 {
					time.Sleep(time.Second)
					used += take(nodes[0], 20) + take(nodes[1], 20)
				}
				require.LessOrEqual(t, used, 100)
				require.Greater(t, used, 85, "what others returned before the loss may count as used")
			})
		})
	}
}

// together offers requests to a node at once, and returns how many it admits.
func together(n *node, requests int) (admitted int) {
	var wg sync.WaitGroup
	var got atomic.Int64
	for range requests {
		wg.Go(func() {
			if ok, _ := offer(n, 1); ok {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	return int(got.Load())
}
