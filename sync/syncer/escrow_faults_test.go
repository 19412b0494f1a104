package syncer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
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

// escrowNodesOf returns nodes in escrow mode, each with its way to the store, running
// and past the time in which a new store grants nothing.
func escrowNodesOf(t *testing.T, store syncer.Store, count int, limits engine.Limits, away syncer.Policies) (nodes []*node, ways []*storetest.Faulty, stops []func()) {
	t.Helper()
	for i := range count {
		way := storetest.NewFaulty(store, uint64(i), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 3 * time.Millisecond})
		n := newNode(t, way, limits, syncer.Config{Mode: syncer.Escrow, Away: away})
		nodes, ways, stops = append(nodes, n), append(ways, way), append(stops, run(t, n))
	}
	rollover()
	return nodes, ways, stops
}

// take offers requests to a node, one a millisecond, and returns how many it admits.
func take(n *node, requests int) (admitted int) {
	for range requests {
		if ok, _ := offer(n, 1); ok {
			admitted++
		}
		time.Sleep(time.Millisecond)
	}
	return admitted
}

func TestEscrowNeedsAReserver(t *testing.T) {
	_, err := syncer.New(plainSource{}, memstore.New(memstore.Config{}), syncer.Config{Mode: syncer.Escrow})
	require.ErrorContains(t, err, "Config.Mode")
	_, err = syncer.New(plainSource{}, memstore.New(memstore.Config{}), syncer.Config{Mode: 7})
	require.ErrorContains(t, err, "Config.Mode: 7 is no mode")
	require.Equal(t, "usage escrow Mode(7)", syncer.Usage.String()+" "+syncer.Escrow.String()+" "+syncer.Mode(7).String())
}

type plainSource struct{}

func (plainSource) Collect(dst []window.Report) []window.Report { return dst }
func (plainSource) Absorb([]window.Share)                       {}

// TestEscrowJoiner: a node admits nothing before it is granted something, and no node
// that joins when the limit is used up admits anything.
func TestEscrowJoiner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, _, _ := escrowNodesOf(t, store, 1, engine.Limits{RPM: 60}, syncer.Policies{})
		require.Equal(t, 60, take(nodes[0], 70))
		joined := newNode(t, store, engine.Limits{RPM: 60}, syncer.Config{Mode: syncer.Escrow})
		require.Zero(t, take(joined, 10))
		run(t, joined)
		require.Zero(t, take(joined, 100))
	})
}

// TestEscrowOpens: a new store grants nothing for two intervals and a second, in which
// nodes of a store that was emptied would add what they were granted; a node that joins
// later is granted something at once.
func TestEscrowOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		first := newNode(t, store, engine.Limits{RPM: 6000}, syncer.Config{Mode: syncer.Escrow})
		run(t, first)
		begun := time.Now()
		for ok := false; !ok; ok, _ = offer(first, 1) {
			time.Sleep(10 * time.Millisecond)
		}
		require.GreaterOrEqual(t, time.Since(begun), 1200*time.Millisecond)
		require.Less(t, time.Since(begun), 1350*time.Millisecond)
		joined := newNode(t, store, engine.Limits{RPM: 6000}, syncer.Config{Mode: syncer.Escrow})
		run(t, joined)
		begun = time.Now()
		for ok := false; !ok; ok, _ = offer(joined, 1) {
			time.Sleep(10 * time.Millisecond)
		}
		require.Less(t, time.Since(begun), 50*time.Millisecond)
	})
}

// TestEscrowLeave: a node that stops returns what it has not used, of the next minute
// too, so that the others use all of the limit.
func TestEscrowLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, _, stops := escrowNodesOf(t, store, 2, engine.Limits{RPM: 600}, syncer.Policies{})
		used := take(nodes[0], 100)
		require.NotZero(t, used)
		begun := time.Now()
		stops[0]()
		require.Less(t, time.Since(begun), 500*time.Millisecond)
		require.EqualValues(t, used, total(store, "a", minute()).Requests)
		require.Zero(t, total(store, "a", minute()+60).Requests)
		require.Equal(t, 600-used, take(nodes[1], 700))
	})
}

// TestEscrowCrash: what a node was granted that is gone is not used until the
// minute ends, and by all in the next.
func TestEscrowCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, ways, _ := escrowNodesOf(t, store, 2, engine.Limits{RPM: 600}, syncer.Policies{})
		used := take(nodes[0], 100)
		ways[0].SetDown(true) // for good: nothing is returned
		got := take(nodes[1], 700)
		require.LessOrEqual(t, used+got, 600)
		require.Greater(t, used+got, 450, "except what was granted to the other")
		require.EqualValues(t, 600, total(store, "a", minute()).Requests)
		rollover()
		require.Equal(t, 600, take(nodes[1], 700))
	})
}

// TestEscrowAway: a node that cannot reach the store admits what it was granted for two
// seconds, then by the policy; what it admitted beyond is committed when it is back.
func TestEscrowAway(t *testing.T) {
	for _, policy := range []syncer.Policy{syncer.Closed, syncer.Share} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New(memstore.Config{})
			nodes, ways, stops := escrowNodesOf(t, store, 2, engine.Limits{RPM: 600}, syncer.Policies{Requests: policy})
			used := take(nodes[0], 50)
			time.Sleep(1500 * time.Millisecond)
			for _, way := range ways {
				way.SetDown(true)
			}
			exact := take(nodes[0], 100) + take(nodes[1], 100)
			require.LessOrEqual(t, used+exact, 600)
			time.Sleep(3 * time.Second)
			after := take(nodes[0], 700) + take(nodes[1], 700)
			if policy == syncer.Closed {
				require.Zero(t, after)
			} else {
				require.Greater(t, after, 100)
				require.LessOrEqual(t, used+exact+after, 600)
			}
			for _, way := range ways {
				way.SetDown(false)
			}
			time.Sleep(time.Second)
			start := minute()
			stops[0]()
			stops[1]()
			require.EqualValues(t, used+exact+after, total(store, "a", start).Requests)
		})
	}
}

// TestEscrowEmptied: after the store was emptied nodes admit only what they were granted,
// until all have had the time to add it again; together they stay within the limit.
func TestEscrowEmptied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, _, stops := escrowNodesOf(t, store, 3, engine.Limits{RPM: 600}, syncer.Policies{})
		used := 0
		for range 8 {
			used += take(nodes[0], 25) + take(nodes[1], 10) + take(nodes[2], 3)
			store.Wipe()
		}
		for range 4 {
			time.Sleep(2 * time.Second)
			used += take(nodes[0], 250) + take(nodes[1], 200)
		}
		require.Equal(t, 600, used)
		start := minute()
		for _, stop := range stops {
			stop()
		}
		require.EqualValues(t, 600, total(store, "a", start).Requests)
	})
}

// TestEscrowLimitChanges: a limit that is lowered grants nothing beyond, and one that is
// raised is used.
func TestEscrowLimitChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, _, _ := escrowNodesOf(t, store, 2, engine.Limits{RPM: 100}, syncer.Policies{})
		apply := func(rpm int64) {
			for _, n := range nodes {
				require.NoError(t, n.e.Apply(cluster(engine.Limits{RPM: rpm}, "a")))
			}
			time.Sleep(300 * time.Millisecond)
		}
		used := take(nodes[0], 30)
		require.Equal(t, 30, used)
		apply(20)
		require.Zero(t, take(nodes[0], 30)+take(nodes[1], 30))
		apply(200)
		used = take(nodes[0], 100)
		time.Sleep(5 * time.Second) // what it was granted for more of the kind is returned
		require.GreaterOrEqual(t, used+take(nodes[1], 100), 168, "except a request that stands by elsewhere")
	})
}

// TestEscrowOverrun: a request that uses more than it reserved is committed in full.
func TestEscrowOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		nodes, _, stops := escrowNodesOf(t, store, 2, engine.Limits{TPM: 1000}, syncer.Policies{})
		g, err := nodes[0].e.Group("chat")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		lease, err := g.Wait(ctx, engine.Demand{InputTokens: 600, OutputTokens: engine.NoOutput})
		require.NoError(t, err)
		lease.Settle(engine.Usage{InputTokens: 1500})
		time.Sleep(300 * time.Millisecond)
		ok, _ := offer(nodes[1], 1)
		require.False(t, ok)
		require.NotZero(t, nodes[0].s.Stats().Overrun.Tokens)
		start := minute()
		stops[0]()
		stops[1]()
		require.EqualValues(t, 1500, total(store, "a", start).Tokens)
	})
}

// TestEscrowFixedNames: a store without epochs cannot hold limits exactly; nodes share
// usage then.
func TestEscrowFixedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{FixedNames: true})
		nodes, _, _ := escrowNodesOf(t, store, 1, engine.Limits{RPM: 60}, syncer.Policies{})
		require.Equal(t, 60, take(nodes[0], 70))
		require.Equal(t, syncer.Usage, nodes[0].s.Stats().Mode)
	})
}

// TestEscrowByUsage: what escrow cannot hold is kept together by usage, and Stats counts it.
func TestEscrowByUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := cluster(engine.Limits{RPM: 60}, "a", "b")
		cfg.Deployments[1].Profile = provider.Profile{Phase: 15 * time.Second, LearnPhase: true}
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "c", Group: "chat"})
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		n := newNodeOf(t, memstore.New(memstore.Config{}), cfg, syncer.Config{Mode: syncer.Escrow, Logger: logger})
		stop := run(t, n)
		rollover()
		rollover()
		require.Equal(t, 1, n.s.Stats().ByUsage)
		stop()
		require.Equal(t, 1, strings.Count(log.String(), "escrow cannot hold"), log.String())
		require.Contains(t, log.String(), "deployment=b window=minute")
		require.Positive(t, n.use("b", 10, 0))
	})
}
