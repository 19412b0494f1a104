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

// TestEscrowTakesNoAskForUsage: after a store was emptied, a node that has gone can no longer add
// what it used. Another node knew of it, and takes what a third one asks for at its first total after
// that for no part of it.
func TestEscrowTakesNoAskForUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		limits, cfg := engine.Limits{RPM: 100}, syncer.Config{Mode: syncer.Escrow}
		gone, stays, asks := newNode(t, store, limits, cfg), newNode(t, store, limits, cfg), newNode(t, way, limits, cfg)
		exchange := func(rounds int, nodes ...*node) {
			for range rounds {
				for _, n := range nodes {
					n.sync()
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		rollover()
		exchange(20, gone, stays, asks) // a new store grants nothing at first
		used := reserve(gone, 50) + reserve(stays, 20) + reserve(asks, 10)
		require.Equal(t, 80, used)
		exchange(1, stays)
		store.Wipe()
		exchange(12, stays, asks)
		time.Sleep(100 * time.Millisecond)
		way.SetPlan(storetest.Plan{MinDelay: 40 * time.Millisecond, MaxDelay: 40 * time.Millisecond})
		used += asks.use("a", 50, 0)
		go asks.sync()
		time.Sleep(30 * time.Millisecond) // the store has the ask, and the node no answer yet
		stays.sync()
		time.Sleep(100 * time.Millisecond)
		exchange(2, asks) // returns what is not granted
		used += reserve(stays, 50)
		used += reserve(asks, 50)
		require.LessOrEqual(t, used, 100)
	})
}

// TestEscrowCountsLateNodesOnce: what a node adds to a new epoch just before the nodes may ask is
// not missing, also where another node had read the total before.
func TestEscrowCountsLateNodesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits, cfg := engine.Limits{RPM: 100}, syncer.Config{Mode: syncer.Escrow, Deployments: func(dst []string) []string { return append(dst, "a") }}
		idle, late := newNode(t, store, limits, cfg), newNode(t, store, limits, cfg)
		exchange := func(rounds int, nodes ...*node) {
			for range rounds {
				time.Sleep(100 * time.Millisecond)
				for _, n := range nodes {
					n.sync()
				}
			}
		}
		rollover()
		exchange(20, idle, late)
		require.Equal(t, 60, reserve(late, 60))
		exchange(30, idle, late)
		store.Wipe()
		exchange(11, idle) // the first one begins the epoch
		exchange(5, late, idle)
		require.GreaterOrEqual(t, reserve(idle, 40), 20, "all but what late had reserved and returned before the loss")
	})
}

// reserve has a node admit up to n requests, exchanging for the grants, and returns how many.
func reserve(n *node, requests int) (admitted int) {
	for range 6 {
		admitted += n.use("a", requests-admitted, 0)
		n.sync()
		time.Sleep(100 * time.Millisecond)
	}
	return admitted
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
