package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// firstMinute is where every test starts unless it says otherwise.
var firstMinute = time.Date(2025, 3, 4, 12, 34, 0, 0, time.UTC)

// handClock stands still until a test moves it.
type handClock struct{ ns atomic.Int64 }

func newHandClock(at time.Time) *handClock {
	c := new(handClock)
	c.Set(at)
	return c
}

func (c *handClock) Now() time.Time          { return time.Unix(0, c.ns.Load()).UTC() }
func (c *handClock) Set(at time.Time)        { c.ns.Store(at.UnixNano()) }
func (c *handClock) Advance(d time.Duration) { c.ns.Add(int64(d)) }

// seededRand is splitmix64: the same choices in every run, safe for concurrent use.
func seededRand(seed uint64) func() uint64 {
	var state atomic.Uint64
	state.Store(seed)
	return func() uint64 {
		z := state.Add(0x9e3779b97f4a7c15)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}

// id0 is the first deployment of a pool.
var id0 = id(0)

// start returns an engine for cfg at the first instant of firstMinute.
func start(t testing.TB, cfg engine.Config) (*engine.Engine, *handClock) {
	t.Helper()
	return startAt(t, firstMinute, cfg)
}

func startAt(t testing.TB, at time.Time, cfg engine.Config) (*engine.Engine, *handClock) {
	t.Helper()
	clock := newHandClock(at)
	cfg.Clock, cfg.TrackHeld = window.NewClockFrom(clock.Now), true
	if cfg.Rand == nil {
		cfg.Rand = seededRand(1)
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	return e, clock
}

// one is a config with a single deployment "a" in group "chat".
func one(limits engine.Limits) engine.Config {
	return engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: limits}}}
}

func group(t testing.TB, e *engine.Engine, name string) *engine.Group {
	t.Helper()
	g, err := e.Group(name)
	require.NoError(t, err)
	return g
}

func ref(t testing.TB, e *engine.Engine, id string) engine.Ref {
	t.Helper()
	r, err := e.Ref(id)
	require.NoError(t, err)
	return r
}

func state(t testing.TB, e *engine.Engine, id string) engine.State {
	t.Helper()
	for _, s := range e.AppendStates(nil) {
		if s.ID == id {
			return s
		}
	}
	require.Failf(t, "no state", "deployment %q", id)
	return engine.State{}
}

// others makes the usage of other nodes in the minute of at known to e.
func others(e *engine.Engine, at time.Time, id string, requests, tokens int64) {
	e.Absorb([]window.Share{{Tally: tally(at, id, requests, tokens)}})
}

func tally(at time.Time, id string, requests, tokens int64) window.Tally {
	return window.Tally{ID: id, Start: at.Truncate(time.Minute).Unix(), Requests: requests, Tokens: tokens}
}

// own is what e reports as its own usage in the minute of at.
func own(e *engine.Engine, at time.Time, id string) (requests, tokens int64) {
	for _, r := range e.Collect(nil) {
		if r.ID == id && r.Start == at.Truncate(time.Minute).Unix() {
			return r.Requests, r.Tokens
		}
	}
	return 0, 0
}

func acquire(t testing.TB, g *engine.Group, d engine.Demand) *engine.Lease {
	t.Helper()
	lease, err := g.Acquire(d)
	require.NoError(t, err)
	return &lease
}

// refusal acquires, which must fail with a LimitError.
func refusal(t testing.TB, g *engine.Group, d engine.Demand) *engine.LimitError {
	t.Helper()
	_, err := g.Acquire(d)
	require.ErrorIs(t, err, engine.ErrLimited)
	var limited *engine.LimitError
	require.ErrorAs(t, err, &limited)
	return limited
}

// countPicks picks n times and counts by deployment; refusals are under "".
func countPicks(g *engine.Group, d engine.Demand, n int) map[string]int {
	counts := map[string]int{}
	for range n {
		if r, ok := g.Pick(d); ok {
			counts[r.ID()]++
		} else {
			counts[""]++
		}
	}
	return counts
}

func picked(counts map[string]int) []string {
	ids := make([]string, 0, len(counts))
	for id := range counts {
		ids = append(ids, id)
	}
	return ids
}

// exactly is a demand of n tokens, no more expected.
func exactly(n int64) engine.Demand {
	return engine.Demand{InputTokens: n, OutputTokens: engine.NoOutput}
}

func id(i int) string { return fmt.Sprintf("d%05d", i) }
