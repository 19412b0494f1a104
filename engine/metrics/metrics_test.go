package metrics_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/metrics"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func noon() time.Time { return time.Date(2025, 6, 2, 12, 0, 30, 0, time.UTC) }

func newEngine(t *testing.T, deployments ...engine.Deployment) *engine.Engine {
	t.Helper()
	eng, err := engine.New(engine.Config{Deployments: deployments, TrackHeld: true, Clock: window.NewClockFrom(noon)})
	require.NoError(t, err)
	return eng
}

func newCollector(t *testing.T, cfg metrics.Config) *metrics.Collector {
	t.Helper()
	c, err := metrics.New(cfg)
	require.NoError(t, err)
	return c
}

func newSyncer(t *testing.T, eng *engine.Engine, store syncer.Store) *syncer.Syncer {
	t.Helper()
	s, err := syncer.New(eng, store, syncer.Config{Clock: window.NewClockFrom(noon)})
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context())) // until then the node admits nothing
	return s
}

func TestDeployment(t *testing.T) {
	eng := newEngine(t,
		engine.Deployment{ID: "a", Group: "chat", Model: "gpt-4o", Limits: engine.Limits{RPM: 10, TPM: 1000, MaxInFlight: 4}},
		engine.Deployment{ID: "b", Group: "chat", Order: 1, Limits: engine.Limits{RPM: engine.Blocked}, Disabled: true},
		engine.Deployment{ID: "c", Group: "embed"},
	)
	chat, err := eng.Group("chat")
	require.NoError(t, err)
	lease, err := chat.Acquire(engine.Demand{InputTokens: 200, OutputTokens: 50})
	require.NoError(t, err)
	defer lease.Release()
	require.NoError(t, eng.PreCheck("c", engine.Demand{}))
	require.NoError(t, eng.Record("c", engine.Usage{InputTokens: 7}))
	require.NoError(t, eng.Cooldown("c", 90*time.Second))

	want := `
# HELP plimsoll_deployment_cooldown_seconds Seconds until the cooldown ends; 0 = none is in force.
# TYPE plimsoll_deployment_cooldown_seconds gauge
plimsoll_deployment_cooldown_seconds{deployment="a",group="chat"} 0
plimsoll_deployment_cooldown_seconds{deployment="b",group="chat"} 0
plimsoll_deployment_cooldown_seconds{deployment="c",group="embed"} 90
# HELP plimsoll_deployment_enabled 1 if the deployment is enabled, else 0.
# TYPE plimsoll_deployment_enabled gauge
plimsoll_deployment_enabled{deployment="a",group="chat"} 1
plimsoll_deployment_enabled{deployment="b",group="chat"} 0
plimsoll_deployment_enabled{deployment="c",group="embed"} 1
# HELP plimsoll_deployment_held_tokens The part of the tokens used that calls reserve which have not ended.
# TYPE plimsoll_deployment_held_tokens gauge
plimsoll_deployment_held_tokens{deployment="a",group="chat"} 250
plimsoll_deployment_held_tokens{deployment="b",group="chat"} 0
plimsoll_deployment_held_tokens{deployment="c",group="embed"} 0
# HELP plimsoll_deployment_info 1, with the provider's name of the model.
# TYPE plimsoll_deployment_info gauge
plimsoll_deployment_info{deployment="a",group="chat",model="gpt-4o"} 1
plimsoll_deployment_info{deployment="b",group="chat",model=""} 1
plimsoll_deployment_info{deployment="c",group="embed",model=""} 1
# HELP plimsoll_deployment_limit The limit; absent if the deployment has none.
# TYPE plimsoll_deployment_limit gauge
plimsoll_deployment_limit{deployment="a",group="chat",limit="in_flight"} 4
plimsoll_deployment_limit{deployment="a",group="chat",limit="rpm"} 10
plimsoll_deployment_limit{deployment="a",group="chat",limit="tpm"} 1000
plimsoll_deployment_limit{deployment="b",group="chat",limit="rpm"} 0
# HELP plimsoll_deployment_usage Requests, tokens or calls of all nodes that count towards the limit in its current window, reservations included; in_flight is this node's alone.
# TYPE plimsoll_deployment_usage gauge
plimsoll_deployment_usage{deployment="a",group="chat",limit="in_flight"} 1
plimsoll_deployment_usage{deployment="a",group="chat",limit="rpm"} 1
plimsoll_deployment_usage{deployment="a",group="chat",limit="tpm"} 250
plimsoll_deployment_usage{deployment="b",group="chat",limit="in_flight"} 0
plimsoll_deployment_usage{deployment="b",group="chat",limit="rpm"} 0
plimsoll_deployment_usage{deployment="b",group="chat",limit="tpm"} 0
plimsoll_deployment_usage{deployment="c",group="embed",limit="in_flight"} 0
plimsoll_deployment_usage{deployment="c",group="embed",limit="rpm"} 1
plimsoll_deployment_usage{deployment="c",group="embed",limit="tpm"} 7
# HELP plimsoll_deployment_utilization_ratio Usage divided by limit, the largest of all limits except in_flight; absent without such limits.
# TYPE plimsoll_deployment_utilization_ratio gauge
plimsoll_deployment_utilization_ratio{deployment="a",group="chat"} 0.25
plimsoll_deployment_utilization_ratio{deployment="b",group="chat"} 1
`
	require.NoError(t, testutil.CollectAndCompare(newCollector(t, metrics.Config{Engine: eng}), strings.NewReader(want),
		"plimsoll_deployment_cooldown_seconds", "plimsoll_deployment_enabled",
		"plimsoll_deployment_held_tokens", "plimsoll_deployment_info", "plimsoll_deployment_limit",
		"plimsoll_deployment_usage", "plimsoll_deployment_utilization_ratio"))
}

// Limits that few deployments have cost series only there.
func TestSplitAndDayLimits(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{
		RPM: 9, TPM: 1000, MaxInFlight: 9, InputTPM: 100, OutputTPM: 50, RPD: 20, TPD: 500,
	}})
	require.NoError(t, eng.PreCheck("a", engine.Demand{}))
	require.NoError(t, eng.Record("a", engine.Usage{InputTokens: 40, OutputTokens: 10}))
	shared := newSyncer(t, eng, memstore.New(memstore.Config{}))
	now := noon().Unix()
	eng.Absorb([]window.Share{
		{Tally: window.Tally{ID: "a", Start: now / 60 * 60, Input: 5, Output: 3}},
		{Tally: window.Tally{ID: "a", Start: now / 86400 * 86400, Kind: window.KindDay, Requests: 2, Tokens: 30}},
	})
	got := values(t, newCollector(t, metrics.Config{Engine: eng, Syncer: shared}))
	of := 0
	for name := range got {
		if strings.HasPrefix(name, "plimsoll_deployment_") {
			of++
		}
	}
	require.Equal(t, 21, of)
	for limit, want := range map[string]float64{"input_tpm": 55, "output_tpm": 37, "rpd": 17, "tpd": 420} {
		require.InDelta(t, want, got[`plimsoll_deployment_limit{deployment="a",group="chat",limit="`+limit+`"}`]-got[`plimsoll_deployment_usage{deployment="a",group="chat",limit="`+limit+`"}`], 0, limit)
	}
}

// Cooldowns are counted once each, by their cause; a cause that never was has no
// series.
func TestCooldowns(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat"}, engine.Deployment{ID: "b", Group: "chat"})
	a, err := eng.Ref("a")
	require.NoError(t, err)
	a.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Minute}, engine.Mark{})
	a.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Hour}, engine.Mark{})
	a.Cooldown(2 * time.Hour)
	a.Cooldown(0)
	a.Cooldown(time.Second)
	a.Cooldown(0)
	a.Observe(provider.Signal{Kind: provider.NoMoney}, engine.Mark{})
	got := values(t, newCollector(t, metrics.Config{Engine: eng}))
	for cause, want := range map[string]float64{"rate_limit": 1, "no_money": 1, "reported": 1} {
		name := `plimsoll_deployment_cooldowns_total{cause="` + cause + `",deployment="a",group="chat"}`
		require.Contains(t, got, name)
		require.InDelta(t, want, got[name], 0, name)
	}
	for name := range got {
		require.NotContains(t, name, `cooldowns_total{cause="failure"`)
		require.NotContains(t, name, `cooldowns_total{cause="rate_limit",deployment="b"`)
	}
}

func TestEngine(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 3, TPM: 1000}})
	c := newCollector(t, metrics.Config{Engine: eng})
	chat, err := eng.Group("chat")
	require.NoError(t, err)
	acquire := func() *engine.Lease {
		lease, err := chat.Acquire(engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
		require.NoError(t, err)
		return &lease
	}
	settled, released := acquire(), acquire()
	settled.Settle(engine.Usage{InputTokens: 100, OutputTokens: 1000})
	released.Release()
	_, err = chat.Acquire(engine.Demand{InputTokens: 1})
	require.ErrorIs(t, err, engine.ErrLimited)
	require.Error(t, eng.PreCheck("a", engine.Demand{InputTokens: -1}))

	got := values(t, c)
	for name, want := range map[string]float64{
		`plimsoll_requests_admitted_total`: 2, `plimsoll_tokens_total`: 1100, `plimsoll_overrun_tokens_total`: 200, // with what was released later
		`plimsoll_requests_refused_total{limit="tpm"}`: 1, `plimsoll_requests_refused_total{limit="rpm"}`: 0,
		`plimsoll_requests_refused_total{limit="cooldown"}`: 0, `plimsoll_leases`: 0,
		`plimsoll_leases_settled_total`: 1, `plimsoll_leases_released_total`: 1,
		`plimsoll_leases_expired_total`: 0, `plimsoll_leases_late_total`: 0, `plimsoll_counts_invalid_total`: 1,
		`plimsoll_requests_waiting`: 0, `plimsoll_requests_waited_total`: 0, `plimsoll_requests_gave_up_total`: 0, `plimsoll_requests_turned_away_total`: 0,
		`plimsoll_contended_total`: 0, `plimsoll_windows_dropped_total`: 0, `plimsoll_deployments`: 1, `plimsoll_deployments_omitted`: 0,
	} {
		require.Contains(t, got, name)
		require.InDelta(t, want, got[name], 0, name)
	}
	require.False(t, slices.ContainsFunc(keys(got), func(name string) bool { return strings.HasPrefix(name, "plimsoll_sync_") }))
}

// What is reserved is no consumption yet, and a lease that ends below its
// reservation takes nothing back from a counter.
func TestTokensNeverGoBack(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{TPM: 1000}})
	c := newCollector(t, metrics.Config{Engine: eng})
	chat, err := eng.Group("chat")
	require.NoError(t, err)
	lease, err := chat.Acquire(engine.Demand{InputTokens: 500, OutputTokens: 400})
	require.NoError(t, err)
	require.Zero(t, values(t, c)["plimsoll_tokens_total"])
	require.InDelta(t, 900, values(t, c)[`plimsoll_deployment_usage{deployment="a",group="chat",limit="tpm"}`], 0)
	lease.Settle(engine.Usage{InputTokens: 10})
	require.InDelta(t, 10, values(t, c)["plimsoll_tokens_total"], 0)
}

func TestSyncer(t *testing.T) {
	store := memstore.New(memstore.Config{Now: noon})
	deployment := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10, TPM: 1000}}
	one, two := newEngine(t, deployment), newEngine(t, deployment)
	oneSync, twoSync := newSyncer(t, one, store), newSyncer(t, two, store)
	require.NoError(t, one.PreCheck("a", engine.Demand{}))
	require.NoError(t, one.Record("a", engine.Usage{InputTokens: 30}))
	require.NoError(t, oneSync.Sync(t.Context()))
	require.NoError(t, two.PreCheck("a", engine.Demand{}))
	require.NoError(t, twoSync.Sync(t.Context()))

	got := values(t, newCollector(t, metrics.Config{Engine: two, Syncer: twoSync}))
	for name, want := range map[string]float64{
		`plimsoll_deployment_usage{deployment="a",group="chat",limit="rpm"}`:        2,
		`plimsoll_deployment_others_usage{deployment="a",group="chat",limit="rpm"}`: 1,
		`plimsoll_deployment_others_usage{deployment="a",group="chat",limit="tpm"}`: 30,
		`plimsoll_sync_nodes`: 2, `plimsoll_sync_away`: 0, `plimsoll_sync_failures_total`: 0,
		`plimsoll_sync_interval_seconds`: 0.1, `plimsoll_sync_staleness_seconds`: 0,
	} {
		require.Contains(t, got, name)
		require.InDelta(t, want, got[name], 1e-9, name)
	}
	require.Positive(t, got["plimsoll_sync_exchanges_total"])
	require.Positive(t, got["plimsoll_sync_keys"])
}

func TestCardinality(t *testing.T) {
	var deployments []engine.Deployment
	for i := range 600 {
		deployments = append(deployments, engine.Deployment{
			ID: "d" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), Group: "chat",
			Limits: engine.Limits{RPM: 10, TPM: 10, MaxInFlight: 10},
		})
	}
	eng := newEngine(t, deployments...)
	for _, tt := range []struct{ most, want int }{{0, 500}, {-1, 0}, {20, 20}, {600, 600}, {1000, 600}} {
		c := newCollector(t, metrics.Config{Engine: eng, Syncer: newSyncer(t, eng, memstore.New(memstore.Config{})), MaxDeployments: tt.most})
		got := values(t, c)
		of := 0
		for name := range got {
			if strings.HasPrefix(name, "plimsoll_deployment_") {
				of++
			}
		}
		require.Equal(t, 13*tt.want, of)
		require.LessOrEqual(t, len(got)-of, 70)
		require.InDelta(t, 600, got["plimsoll_deployments"], 0)
		require.InDelta(t, 600-tt.want, got["plimsoll_deployments_omitted"], 0)
	}
}

// A scrape survives any name, and what is masked is not seen.
func TestNames(t *testing.T) {
	eng := newEngine(t,
		engine.Deployment{ID: "\xff", Group: "g\xfe", Model: "m\xfd"},
		engine.Deployment{ID: "\xfe", Group: "g\xfe"},
		engine.Deployment{ID: "\uFFFD#2", Group: "g\xfe"},
		engine.Deployment{ID: "sk-secret", Group: "sk-secret", Model: "sk-secret"},
	)
	mask := func(text string) string { return strings.ReplaceAll(text, "sk-secret", "(hidden)") }
	got := values(t, newCollector(t, metrics.Config{Engine: eng, Mask: mask}))
	ids := map[string]bool{}
	for name := range got {
		require.NotContains(t, name, "sk-secret")
		if rest, ok := strings.CutPrefix(name, `plimsoll_deployment_enabled{deployment="`); ok {
			id, _, _ := strings.Cut(rest, `"`)
			ids[id] = true
		}
	}
	require.Len(t, ids, 4)
	require.Contains(t, ids, "(hidden)")
}

func TestNewWithoutEngine(t *testing.T) {
	_, err := metrics.New(metrics.Config{})
	require.ErrorContains(t, err, "Config.Engine is nil")
}

func TestLint(t *testing.T) {
	eng := newEngine(t, engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 1}})
	problems, err := testutil.CollectAndLint(newCollector(t, metrics.Config{Engine: eng, Syncer: newSyncer(t, eng, memstore.New(memstore.Config{}))}))
	require.NoError(t, err)
	require.Empty(t, problems)
}

// values gathers, which also checks that what is collected was described.
func values(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			name := f.GetName()
			if labels != nil {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			value := math.NaN()
			switch {
			case m.Counter != nil:
				value = m.Counter.GetValue()
			case m.Gauge != nil:
				value = m.Gauge.GetValue()
			}
			out[name] = value
		}
	}
	return out
}

func keys(m map[string]float64) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	return out
}

// Callers have metrics of the limits that they have, up to the bound.
func TestCallers(t *testing.T) {
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "a", Group: "chat"}},
		Callers: []engine.Caller{
			{ID: "team", Limits: engine.Limits{RPM: 5, TPD: engine.Blocked}}, {ID: "free"}, {ID: "third", Limits: engine.Limits{TPM: 1}},
		},
	})
	require.NoError(t, err)
	g, err := e.Group("chat")
	require.NoError(t, err)
	for most, want := range map[int]map[string]float64{
		0: {
			`plimsoll_caller_usage{caller="team",limit="rpm"}`: 0, `plimsoll_caller_limit{caller="team",limit="rpm"}`: 5,
			`plimsoll_caller_usage{caller="team",limit="tpd"}`: 0, `plimsoll_caller_limit{caller="team",limit="tpd"}`: 0,
			`plimsoll_caller_usage{caller="third",limit="tpm"}`: 0, `plimsoll_caller_limit{caller="third",limit="tpm"}`: 1,
		},
		2: {
			`plimsoll_caller_usage{caller="team",limit="rpm"}`: 0, `plimsoll_caller_limit{caller="team",limit="rpm"}`: 5,
			`plimsoll_caller_usage{caller="team",limit="tpd"}`: 0, `plimsoll_caller_limit{caller="team",limit="tpd"}`: 0,
		},
		-1: {},
	} {
		c, err := metrics.New(metrics.Config{Engine: e, MaxCallers: most})
		require.NoError(t, err)
		got := map[string]float64{}
		for name, v := range values(t, c) {
			if strings.HasPrefix(name, "plimsoll_caller_") {
				got[name] = v
			}
		}
		require.Equal(t, want, got)
	}
	team, err := e.CallerRef("team")
	require.NoError(t, err)
	_, err = g.Acquire(engine.Demand{InputTokens: 1, Caller: team})
	require.ErrorIs(t, err, engine.ErrLimited)
}
