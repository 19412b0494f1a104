package replay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// warnings keeps the warnings of a live replay.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) warn(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, message)
}

func (w *warnings) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.lines, "\n")
}

// steady is a request every so often, each of 100 tokens.
func steady(every, length time.Duration) trace.Trace {
	var t trace.Trace
	for at := time.Duration(0); at < length; at += every {
		t = append(t, trace.Request{Arrival: at, Input: 99, Output: 1, MaxOutput: 1})
	}
	return t
}

// live replays requests under the policies that nodes can share, and requires
// that every call is accounted for and nothing is left running.
func live(ctx context.Context, t *testing.T, l replay.Live, requests trace.Trace, pool []provider.Deployment, nodes int) *replay.LiveReport {
	t.Helper()
	before := runtime.NumGoroutine()
	r, err := replay.RunLive(ctx, replay.Options{
		Trace: requests, Pool: pool, Seed: 1, Nodes: &replay.Nodes{Count: nodes, Interval: 100 * time.Millisecond},
	}, l, replay.NodePolicyNames(), replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	require.Len(t, r.Policies, 2)
	for i, p := range r.Policies {
		require.Equal(t, replay.NodePolicyNames()[i], p.Policy)
		require.Equal(t, p.Offered, p.Served+p.Refused+p.UnderWay, p.Policy)
		require.Equal(t, p.Offered, p.Cluster.Offered, p.Policy)
		if !r.Interrupted {
			require.Equal(t, r.Policies[0].Offered, p.Offered, "the same arrivals")
		}
	}
	servertest.Until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	return r
}

// Nodes with a real server keep a limit that the original's nodes, which do not
// share tokens, pass as often as there are nodes; and share the limit that both
// share. Their keys expire.
func TestLive(t *testing.T) {
	server := servertest.Start(t)
	pool := []provider.Deployment{{ID: "a", RPM: 600, TPM: 5000, PerOutputToken: time.Millisecond}}
	var w warnings
	var played time.Duration
	r := live(t.Context(), t, replay.Live{
		Address: server.URL(), For: 3 * time.Second, Warn: w.warn, Progress: func(d time.Duration) { played = d },
	}, steady(10*time.Millisecond, time.Minute), pool, 5)
	require.NotContains(t, w.all(), "does not answer")
	require.False(t, r.Interrupted)
	require.GreaterOrEqual(t, r.Seconds, 2.99)
	require.GreaterOrEqual(t, played, 2*time.Second)
	ours, theirs := r.Policies[0], r.Policies[1]
	require.Greater(t, ours.Offered, int64(150))
	for _, p := range r.Policies {
		require.Positive(t, p.Sync.Exchanges, p.Policy)
		require.Greater(t, p.Sync.Exchanges, p.Sync.Failures, p.Sync.LastError) // a busy machine has some
		require.Len(t, p.Cluster.Limits, 2)
	}
	tokens, unshared := ours.Cluster.Limits[1], theirs.Cluster.Limits[1]
	require.Equal(t, "tpm", tokens.Kind)
	require.True(t, ours.Holds)
	require.LessOrEqual(t, tokens.OverMax, tokens.Bound)
	require.Less(t, tokens.OverMax, unshared.OverMax/3)
	require.Greater(t, unshared.OverMax, 1.0)
	require.Positive(t, ours.Refused)

	keys := server.Do(t, "KEYS", "*").([]any)
	pushed, counted := 0, 0
	for _, k := range keys {
		key := k.(string)
		require.True(t, strings.HasPrefix(key, "plimsoll2:"), key)
		require.Positive(t, server.Do(t, "TTL", key), key)
		if strings.Contains(key, ":a:a:rpm:") {
			var n int
			_, err := fmt.Sscan(server.Do(t, "GET", key).(string), &n)
			require.NoError(t, err)
			pushed += n
		} else if strings.Contains(key, ":c:a:r:") {
			counted++
		}
	}
	require.Positive(t, pushed, "by the original's nodes: %v", keys)
	require.LessOrEqual(t, int64(pushed), theirs.Offered)
	require.Positive(t, counted, "by ours: %v", keys)

	text, err := json.Marshal(r)
	require.NoError(t, err)
	for _, key := range []string{`"seconds":`, `"interrupted":false`, `"under_way":`, `"holds":true`, `"cluster":{"nodes":5`, `"staleness_ms":`} {
		require.Contains(t, string(text), key)
	}
}

// Nodes that find no server say so, go on alone and report it.
func TestLiveWithoutServer(t *testing.T) {
	var w warnings
	pool := []provider.Deployment{{ID: "a", TPM: 6000, PerOutputToken: time.Millisecond}}
	r := live(t.Context(), t, replay.Live{
		Address: fmt.Sprintf("valkey://:hunter2@127.0.0.1:%d", servertest.FreePort(t)), For: time.Second, Warn: w.warn,
	}, steady(5*time.Millisecond, time.Second), pool, 3)
	for _, p := range r.Policies {
		require.Zero(t, p.Sync.Exchanges)
		require.Positive(t, p.Sync.Failures)
		require.GreaterOrEqual(t, p.Sync.StalenessMS, 990.0, "no exchange has succeeded")
		require.Contains(t, p.Sync.LastError, "connection refused")
		require.NotContains(t, p.Sync.LastError, "hunter2")
	}
	require.GreaterOrEqual(t, r.Policies[0].Sync.AwayS, 1.0)
	require.Zero(t, r.Policies[0].Cluster.Limits[0].OverMax, "shares add up to the limit")
	require.Contains(t, w.all(), "the server does not answer (")
	require.Contains(t, w.all(), "of policy engine go on without it")
	require.Contains(t, w.all(), "of policy litellm go on without it")
	require.Contains(t, w.all(), "store away: deciding by policy")
	require.NotContains(t, w.all(), "hunter2")
	require.Less(t, len(w.lines), 6, w.all())

	var text strings.Builder
	require.NoError(t, r.WriteTable(&text))
	require.Contains(t, text.String(), "the nodes decided alone")
	require.Contains(t, text.String(), "goes on by policy share")
	require.NotContains(t, text.String(), "hunter2")
}

// A server that goes away and comes back is in the report.
func TestLiveServerRestarts(t *testing.T) {
	server := servertest.Start(t)
	var w warnings
	killed, restarted := false, false
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	pool := []provider.Deployment{{ID: "a", TPM: 600_000, PerOutputToken: time.Millisecond}}
	r := live(ctx, t, replay.Live{
		Address: server.URL(), For: time.Minute, Warn: w.warn,
		Progress: func(played time.Duration) {
			switch {
			case !killed && played > 500*time.Millisecond:
				killed = true
				server.Kill(t)
			case killed && !restarted && strings.Contains(w.all(), "store away"):
				restarted = true
				server.Run(t)
			case restarted && strings.Contains(w.all(), "store back"):
				enough()
			}
		},
	}, steady(20*time.Millisecond, time.Minute), pool, 3)
	require.True(t, restarted)
	ours := r.Policies[0].Sync
	require.Positive(t, ours.Failures)
	require.Positive(t, ours.Exchanges)
	require.Positive(t, ours.AwayS)
	require.Less(t, ours.AwayS, r.Seconds)
	require.Contains(t, w.all(), "store away: deciding by policy")
	require.Contains(t, w.all(), "store back")
}

// An interrupted replay reports what ran.
func TestLiveInterrupted(t *testing.T) {
	server := servertest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	pool := []provider.Deployment{{ID: "a", TPM: 600_000, PerOutputToken: time.Second}}
	r := live(ctx, t, replay.Live{
		Address: server.URL(), For: time.Hour, Warn: func(string) {},
		Progress: func(played time.Duration) {
			if played > 300*time.Millisecond {
				cancel()
			}
		},
	}, steady(10*time.Millisecond, time.Hour), pool, 3)
	require.True(t, r.Interrupted)
	require.Less(t, r.Seconds, 30.0)
	require.Positive(t, r.Policies[0].Offered)
	require.Positive(t, r.Policies[0].UnderWay)

	before := runtime.NumGoroutine()
	o := replay.Options{Trace: steady(1, 1), Pool: pool, Nodes: &replay.Nodes{Count: 2, Interval: 100 * time.Millisecond}}
	r, err := replay.RunLive(ctx, o, replay.Live{Address: server.URL(), For: time.Hour, Warn: func(string) {}}, []string{"engine"}, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	require.True(t, r.Interrupted, "before it began")
	servertest.Until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// A replay ends when the trace has.
func TestLiveEndsWithTheTrace(t *testing.T) {
	server := servertest.Start(t)
	pool := []provider.Deployment{{ID: "a", TPM: 600_000, PerOutputToken: time.Millisecond}}
	r := live(t.Context(), t, replay.Live{Address: server.URL(), For: time.Hour, Warn: func(string) {}}, steady(10*time.Millisecond, 200*time.Millisecond), pool, 2)
	require.False(t, r.Interrupted)
	for _, p := range r.Policies {
		require.EqualValues(t, 20, p.Offered)
		require.Positive(t, p.Served, "a node that starts late on a busy machine refuses the first")
		require.Zero(t, p.UnderWay)
	}
}

func TestLiveErrors(t *testing.T) {
	pool := []provider.Deployment{{ID: "a", TPM: 1000}}
	for _, tt := range []struct {
		want, address, policy string
		requests              trace.Trace
		nodes                 replay.Nodes
	}{
		{"the trace has no requests", "valkey://h", "engine", nil, replay.Nodes{Count: 2}},
		{"0 nodes are not from 1 to 1000", "valkey://h", "engine", steady(1, 1), replay.Nodes{}},
		{"policy random: the policy cannot be shared by several nodes", "valkey://h", "random", steady(1, 1), replay.Nodes{Count: 2}},
		{"policy engine: valkeystore: address: no host in it: write valkey://host:6379", "valkey://", "engine", steady(1, 1), replay.Nodes{Count: 2}},
		{"policy engine: syncer: Config.Interval: 5s is not from 10ms to 1s", "valkey://h", "engine", steady(1, 1), replay.Nodes{Count: 2, Interval: 5 * time.Second}},
	} {
		_, err := replay.RunLive(t.Context(), replay.Options{Trace: tt.requests, Pool: pool, Nodes: &tt.nodes},
			replay.Live{Address: tt.address, For: time.Second, Warn: func(string) {}}, []string{tt.policy}, replay.Engine(engine.LeastUtilized))
		require.EqualError(t, err, tt.want)
	}
}

func TestLiveTable(t *testing.T) {
	cluster := func(scale float64) *replay.ClusterReport {
		return &replay.ClusterReport{Nodes: 10, RefusedWithRoom: 12, Offered: 10_000, Limits: []replay.LimitReport{
			{Deployment: "small", Kind: "rpm", Limit: 6, OverMean: 0.01 * scale, OverMax: 0.5 * scale, Bound: 1},
			{Deployment: "small", Kind: "tpm", Limit: 30_000, OverMax: 0.02 * scale, Bound: 1.5},
		}}
	}
	golden(t, "live", &replay.LiveReport{Policies: []replay.LivePolicy{
		{
			Policy: "engine", Offered: 10_000, Served: 9000, Refused: 900, UnderWay: 100, Cluster: cluster(1),
			Sync: replay.SyncReport{Exchanges: 5000, StalenessMS: 123.4, RoundTripMS: 2.5, AwayS: 4.2},
		},
		{
			Policy: "litellm", Offered: 10_000, Served: 9900, UnderWay: 100, Cluster: cluster(3),
			Sync: replay.SyncReport{Failures: 12, LastError: "connection refused"},
		},
	}})
	golden(t, "livenothing", &replay.LiveReport{})
}
