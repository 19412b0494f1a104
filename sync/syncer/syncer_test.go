package syncer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// node is an engine with its syncer, on the bubble's clock.
type node struct {
	t     *testing.T
	e     *engine.Engine
	s     *syncer.Syncer
	clock *window.Clock
	p     *process
}

func cluster(limits engine.Limits, ids ...string) engine.Config {
	var cfg engine.Config
	for _, id := range ids {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Limits: limits})
	}
	return cfg
}

func newNode(t *testing.T, store syncer.Store, limits engine.Limits, cfg syncer.Config, ids ...string) *node {
	t.Helper()
	if len(ids) == 0 {
		ids = []string{"a"}
	}
	return newNodeOf(t, store, cluster(limits, ids...), cfg)
}

func newNodeOf(t *testing.T, store syncer.Store, ecfg engine.Config, cfg syncer.Config) *node {
	t.Helper()
	clock := cfg.Clock
	if clock == nil {
		clock = window.NewClockFrom(time.Now)
	}
	ecfg.Clock, cfg.Clock = clock, clock
	e, err := engine.New(ecfg)
	require.NoError(t, err)
	p := &process{Engine: e}
	s, err := syncer.New(p, store, cfg)
	require.NoError(t, err)
	return &node{t, e, s, clock, p}
}

// use admits n requests and records tokens, whatever the limits say of tokens.
// On the bubble's clock, that takes no time at all: nothing is waited for.
func (n *node) use(id string, requests int, tokens int64) (admitted int) {
	n.t.Helper()
	begun := time.Now()
	defer func() { require.Zero(n.t, time.Since(begun)) }()
	r, err := n.e.Ref(id)
	require.NoError(n.t, err)
	for range requests {
		if r.PreCheck(engine.Demand{}) {
			admitted++
		}
	}
	r.Record(engine.Usage{InputTokens: tokens})
	return admitted
}

func (n *node) state(id string) engine.State {
	n.t.Helper()
	for _, s := range n.e.AppendStates(nil) {
		if s.ID == id {
			return s
		}
	}
	n.t.Fatalf("no deployment %q", id)
	return engine.State{}
}

// others returns requests and tokens that the node believes the others used.
func (n *node) others(id string) syncer.Count {
	s := n.state(id)
	return syncer.Count{Requests: s.Limit(engine.LimitRPM).Remote, Tokens: s.Limit(engine.LimitTPM).Remote}
}

func (n *node) sync() { require.NoError(n.t, n.s.Sync(n.t.Context())) }

// run runs the syncers until the function it returns is called, which checks
// that they had nothing left to report, or the test ends.
func run(t *testing.T, nodes ...*node) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, len(nodes))
	var wg sync.WaitGroup
	for _, n := range nodes {
		wg.Go(func() { errs <- n.s.Run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return func() {
		t.Helper()
		cancel()
		for range nodes {
			require.NoError(t, <-errs)
		}
	}
}

func minute() int64 { return window.StartSeconds(window.EpochAt(time.Now().UnixNano())) }

func total(s *memstore.Store, id string, start int64) syncer.Count {
	return totalOf(s, window.KindMinute, id, start)
}

func totalOf(s *memstore.Store, kind window.Kind, id string, start int64) syncer.Count {
	t := s.TotalOf(kind, id, start)
	return syncer.Count{Requests: t.Requests, Tokens: t.Tokens, Input: t.Input, Output: t.Output}
}

func TestTwoNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		a := newNode(t, store, engine.Limits{RPM: 10}, syncer.Config{})
		b := newNode(t, store, engine.Limits{RPM: 10}, syncer.Config{})
		stop := run(t, a, b)
		time.Sleep(time.Second)
		require.Equal(t, 6, a.use("a", 6, 60))
		time.Sleep(300 * time.Millisecond)
		b.use("a", 0, 1) // a request asks
		time.Sleep(300 * time.Millisecond)
		require.Equal(t, syncer.Count{Requests: 6, Tokens: 60}, b.others("a"))
		require.Equal(t, 4, b.use("a", 6, 40))
		time.Sleep(300 * time.Millisecond)
		require.Equal(t, 0, a.use("a", 6, 0))
		require.Equal(t, 2, a.s.Stats().Nodes)
		require.Equal(t, syncer.Count{Requests: 10, Tokens: 101}, total(store, "a", minute()))
		stop()
	})
}
