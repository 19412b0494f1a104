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

// pair is two nodes of which the first has used six requests, the second two,
// of ten a minute; then the store goes away.
func pair(t *testing.T, limits engine.Limits, away syncer.Policies) (a, b *node, ways []*storetest.Faulty, store *memstore.Store, stop func()) {
	t.Helper()
	store = memstore.New(memstore.Config{})
	for i := range 2 {
		ways = append(ways, storetest.NewFaulty(store, uint64(i), storetest.Plan{}))
	}
	a = newNode(t, ways[0], limits, syncer.Config{Away: away})
	b = newNode(t, ways[1], limits, syncer.Config{Away: away})
	stop = run(t, a, b)
	time.Sleep(200 * time.Millisecond)
	a.use("a", 60, 0)
	b.use("a", 20, 0)
	time.Sleep(300 * time.Millisecond)
	for _, w := range ways {
		w.SetDown(true)
	}
	time.Sleep(2 * time.Second)
	require.True(t, a.s.Stats().Away)
	require.True(t, b.s.Stats().Away)
	return a, b, ways, store, stop
}

func TestAway(t *testing.T) {
	rpm := engine.Limits{RPM: 160}
	tests := []struct {
		name         string
		limits       engine.Limits
		policies     syncer.Policies
		a, b         int // admitted in the minute in which the store went
		nextA, nextB int // and in each one after
	}{
		// Shares are ½·½ + ½·60/80 and ½·½ + ½·20/80; 80 were left.
		{"share", rpm, syncer.Policies{}, 50, 30, 100, 60},
		{"open", rpm, syncer.Policies{Requests: syncer.Open}, 80, 80, 160, 160},
		{"closed", rpm, syncer.Policies{Requests: syncer.Closed}, 0, 0, 0, 0},
		{"closed to tokens alone", rpm, syncer.Policies{Tokens: syncer.Closed}, 50, 30, 100, 60},
		{"no limit", engine.Limits{}, syncer.Policies{Requests: syncer.Closed, Tokens: syncer.Closed}, 300, 300, 300, 300},
		{"nothing was left", engine.Limits{RPM: 80}, syncer.Policies{}, 0, 0, 50, 30},
		{"blocked", engine.Limits{RPM: engine.Blocked}, syncer.Policies{}, 0, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, ways, store, stop := pair(t, test.limits, test.policies)
				require.Equal(t, test.a, a.use("a", 300, 0))
				require.Equal(t, test.b, b.use("a", 300, 0))
				old := minute()
				for range 2 {
					rollover()
					require.Equal(t, test.nextA, a.use("a", 300, 0), "from the first instant on")
					require.Equal(t, test.nextB, b.use("a", 300, 0))
					time.Sleep(time.Second)
				}
				require.InDelta(t, 120, a.s.Stats().Degraded.Seconds(), 3)
				for _, w := range ways {
					w.SetDown(false)
				}
				time.Sleep(time.Second)
				for _, n := range []*node{a, b} {
					require.False(t, n.s.Stats().Away)
				}
				for start := old + 60; start <= minute(); start += 60 {
					sum := own(a, start) + own(b, start)
					require.Equal(t, sum, store.Total("a", start).Requests, "healed exactly")
				}
				time.Sleep(time.Minute)
				if test.limits.RPM > 0 {
					require.Equal(t, int(test.limits.RPM), a.use("a", 300, 0), "no ceiling is left")
				}
				stop()
			})
		})
	}
}

// own returns the requests that a node has used in a window.
func own(n *node, start int64) int64 {
	for _, r := range n.e.Collect(nil) {
		if r.Start == start {
			return r.Requests
		}
	}
	return 0
}

// TestAwayTokens: the share of tokens goes by tokens.
func TestAwayTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		n := newNode(t, way, engine.Limits{TPM: 1000}, syncer.Config{})
		other := newNode(t, store, engine.Limits{TPM: 1000}, syncer.Config{})
		n.use("a", 1, 100)
		other.use("a", 9, 300)
		other.sync()
		stop := run(t, n, other)
		time.Sleep(300 * time.Millisecond)
		way.SetDown(true)
		time.Sleep(time.Second)
		// 600 were left, of which this node's share is ½·½ + ½·100/400.
		g, err := n.e.Group("chat")
		require.NoError(t, err)
		_, ok := g.TryAcquire(engine.Demand{InputTokens: 226, OutputTokens: engine.NoOutput})
		require.False(t, ok)
		lease, ok := g.TryAcquire(engine.Demand{InputTokens: 225, OutputTokens: engine.NoOutput})
		require.True(t, ok)
		lease.SettleReserved()
		way.SetDown(false)
		time.Sleep(time.Second)
		stop()
	})
}

// TestStartsAway: a node that has never met the store decides by what it was
// informed of the number of nodes, and catches up exactly.
func TestStartsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		way.SetDown(true)
		n := newNode(t, way, engine.Limits{RPM: 100}, syncer.Config{Nodes: 4})
		stop := run(t, n)
		time.Sleep(2 * time.Second)
		first := n.use("a", 1, 0) // the deployment is met only now
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, 25, first+n.use("a", 100, 0))
		start := minute()
		way.SetDown(false)
		time.Sleep(time.Second)
		require.Equal(t, int64(25), store.Total("a", start).Requests)
		require.Equal(t, 75, n.use("a", 100, 0))
		stop()
	})
}

// TestPartitionedNodes: nodes that are cut off stay within the shares they had,
// and the others within the limit; when all are cut off, the shares add up to it.
func TestPartitionedNodes(t *testing.T) {
	for name, cut := range map[string]int{"one": 1, "half": 3, "all": 6} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 600
				store := memstore.New(memstore.Config{})
				var nodes []*node
				var ways []*storetest.Faulty
				for i := range 6 {
					ways = append(ways, storetest.NewFaulty(store, uint64(i), storetest.Plan{}))
					nodes = append(nodes, newNode(t, ways[i], engine.Limits{RPM: limit}, syncer.Config{}))
				}
				stop := run(t, nodes...)
				admitted := map[int64]int{}
				for tick := range 2200 { // 220 s at 1.8 times the limit
					if tick == 800 {
						for _, w := range ways[:cut] {
							w.SetDown(true)
						}
					}
					if tick == 2000 {
						for _, w := range ways[:cut] {
							w.SetDown(false)
						}
					}
					for i, n := range nodes {
						if (tick+i)%2 == 0 {
							admitted[minute()] += n.use("a", 1, 0)
						}
						time.Sleep(time.Millisecond)
					}
					time.Sleep(94 * time.Millisecond)
				}
				stop()
				for start, sum := range admitted {
					shares := limit * cut / 6
					if cut == 6 {
						shares = 0 // of the limit itself
					}
					// Before the store counts as away, for half a second of load,
					// no node knows.
					require.LessOrEqual(t, sum, limit+shares+6*3, "%d", start)
					if start < minute() && start > minute()-120 {
						require.Equal(t, int64(sum), store.Total("a", start).Requests)
					}
				}
			})
		})
	}
}

// TestLimitChange: a ceiling follows the limit while the store is away.
func TestLimitChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _, _, _ := pair(t, engine.Limits{RPM: 160}, syncer.Policies{})
		for _, limit := range []int64{200, 120} {
			cfg := cluster(engine.Limits{RPM: limit}, "a")
			cfg.Clock = a.clock
			require.NoError(t, a.e.Apply(cfg))
			time.Sleep(200 * time.Millisecond)
			if limit == 120 {
				require.Zero(t, a.use("a", 300, 0), "lowered below what was used")
				continue
			}
			require.Equal(t, 75, a.use("a", 300, 0), "its share of the 120 that are left now")
		}
		require.True(t, a.s.Stats().Away)
	})
}

// TestFewRequestsAreLeft: where fewer requests are left than there are nodes, some
// nodes get one each, all of them together what is left.
func TestFewRequestsAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		var nodes []*node
		var ways []*storetest.Faulty
		for i := range 10 {
			ways = append(ways, storetest.NewFaulty(store, uint64(i), storetest.Plan{}))
			nodes = append(nodes, newNode(t, ways[i], engine.Limits{RPM: 6}, syncer.Config{}))
		}
		stop := run(t, nodes...)
		time.Sleep(3 * time.Second)
		require.Equal(t, 2, nodes[0].use("a", 2, 0))
		time.Sleep(time.Second + 200*time.Millisecond)
		for _, w := range ways {
			w.SetDown(true)
		}
		time.Sleep(2 * time.Second)
		all := func() (sum int) {
			for _, n := range nodes {
				sum += n.use("a", 20, 0)
			}
			return sum
		}
		require.Equal(t, 4, all(), "of the minute of the last contact")
		seen := map[int64]bool{}
		for range 4 {
			rollover()
			require.Equal(t, 6, all())
			for i, n := range nodes {
				if own(n, minute()) > 0 {
					seen[int64(i)] = true
				}
			}
		}
		require.Greater(t, len(seen), 6, "not always the same nodes")
		for _, w := range ways {
			w.SetDown(false)
		}
		time.Sleep(time.Second)
		stop()
	})
}
