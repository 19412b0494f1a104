package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

const everyField = `
strategy: weighted
expected_output: 512
output_quantile: 0.95
priority_share: [1, 0.8, 0.5]
max_waiters: 50
lease_ttl: 20m
profiles: auto
deployments:
  - id: east:1
    group: chat
    model: gpt-4o
    rpm: 600
    tpm: 100_000
    max_in_flight: 50
    input_tpm: 80000
    output_tpm: 20000
    rph: 3000
    tph: 1000000
    rpd: 9000
    tpd: 5_000_000
    margin: 0.01
    default_max_output: 4096
    weight: 2.5
    order: 1
    tags: [eu, premium]
    disabled: true
    provider: azure
    profile: {preset: azure, shape: minute, phase: 5s, learn_phase: false, request_window: 1s, admit: input, estimate_stands: false,
      weights: {input: 1, cached_input: 0.5, cache_write: 2, output: 3}, counts_refused: false, day: pacific, pool: shared}
    endpoint: {url: "https://east.openai.azure.com", api: azure, model: gpt-4o-east, api_version: "2024-10-21", key: s3cret-key, bearer: true, no_stream_usage: true}
  - {id: west, group: chat, model: groq/llama, rpm: 0, endpoint: {key_file: /run/key}}
aliases: {gpt-4: chat, best: gpt-4}
store:
  url: redis://me:s3cret-pw@localhost:6379/2?addr=other:6379
  namespace: prod
  key_format: litellm
  buckets: 4
  nodes: 3
  outage: closed
  ttl: 2m
  interval: 200ms
  timeout: 1s
`

func wantEveryField(t *testing.T, f *config.File) {
	t.Helper()
	require.Empty(t, f.Warnings)
	groq, _ := provider.Preset("groq", "llama")
	require.Equal(t, config.FormatPlimsoll, f.Format)
	require.Equal(t, engine.Config{
		Strategy: engine.Weighted, ExpectedOutput: 512, LeaseTTL: 20 * time.Minute,
		OutputQuantile: 0.95, PriorityShare: []float64{1, 0.8, 0.5}, MaxWaiters: 50,
		Deployments: []engine.Deployment{
			{
				ID: "east:1", Group: "chat", Model: "gpt-4o", Limits: engine.Limits{
					RPM: 600, TPM: 100_000, InputTPM: 80_000, OutputTPM: 20_000, RPH: 3_000, TPH: 1_000_000, RPD: 9_000, TPD: 5_000_000, MaxInFlight: 50,
				},
				Margin: 0.01, DefaultMaxOutput: 4096,

				Weight: 2.5, Order: 1, Tags: []string{"eu", "premium"}, Disabled: true,
				Profile: provider.Profile{
					Phase: 5 * time.Second, RequestWindow: time.Second, Admit: provider.AdmitInput,
					Weights: provider.Weights{Input: 1, CachedInput: 0.5, CacheWrite: 2, Output: 3}, Day: provider.DayPacific, Pool: "shared",
				},
			},
			{ID: "west", Group: "chat", Model: "groq/llama", Limits: engine.Limits{RPM: engine.Blocked}, Profile: groq},
		},
		Aliases: map[string]string{"gpt-4": "chat", "best": "gpt-4"},
	}, f.Engine)
	require.Equal(t, map[string]config.Counting{
		"east:1": {Provider: "azure", Preset: "azure", Changed: true},
		"west":   {Provider: "groq", Preset: "groq"},
	}, f.Counting)
	require.Len(t, f.Endpoints, 2)
	require.Equal(t, shown{"azure", "azure", "https://east.openai.azure.com", "gpt-4o-east", "2024-10-21", "(hidden)", true, true}, shownOf(f.Endpoints["east:1"]))
	require.Equal(t, shown{"groq", "openai", "https://api.groq.com/openai/v1", "llama", "", "file /run/key", false, false}, shownOf(f.Endpoints["west"]))
	require.Equal(t, "valkey://me:s3cret-pw@localhost:6379/2?addr=other:6379", string(f.Store.URL))
	require.Equal(t, "valkey://localhost:6379/2 and further servers", f.Store.String())
	require.Equal(t, "prod", f.Store.Namespace)
	require.Equal(t, "litellm", f.Store.KeyFormat)
	require.Equal(t, 3, f.Store.Nodes)
	require.Equal(t, "closed", f.Store.Outage)
	require.Equal(t, 4, f.Store.Buckets)
	require.Equal(t, 2*time.Minute, f.Store.TTL)
	require.Equal(t, 200*time.Millisecond, f.Store.Interval)
	require.Equal(t, time.Second, f.Store.Timeout)
}

func TestEveryField(t *testing.T) {
	wantEveryField(t, mustParse(t, everyField))
	const asJSON = `{
		"strategy": "weighted", "expected_output": 512, "output_quantile": 0.95, "priority_share": [1, 0.8, 0.5], "max_waiters": 50, "lease_ttl": "20m", "profiles": "auto",
		"deployments": [
			{"id": "east:1", "group": "chat", "model": "gpt-4o", "rpm": 600, "tpm": 1e5, "max_in_flight": 50,
			 "input_tpm": 80000, "output_tpm": 20000, "rph": 3000, "tph": 1000000, "rpd": 9000, "tpd": 5000000, "margin": 0.01, "default_max_output": 4096,
			 "weight": 2.5, "order": 1, "tags": ["eu", "premium"], "disabled": true, "provider": "azure",
			 "profile": {"preset": "azure", "shape": "minute", "phase": "5s", "learn_phase": false, "request_window": "1s", "admit": "input", "estimate_stands": false,
				"weights": {"input": 1, "cached_input": 0.5, "cache_write": 2, "output": 3}, "counts_refused": false, "day": "pacific", "pool": "shared"},
			 "endpoint": {"url": "https://east.openai.azure.com", "api": "azure", "model": "gpt-4o-east", "api_version": "2024-10-21", "key": "s3cret-key", "bearer": true, "no_stream_usage": true}},
			{"id": "west", "group": "chat", "model": "groq/llama", "rpm": 0, "endpoint": {"key_file": "/run/key"}}
		],
		"aliases": {"gpt-4": "chat", "best": "gpt-4"},
		"store": {"url": "valkey://me:s3cret-pw@localhost:6379/2?addr=other:6379", "namespace": "prod", "key_format": "litellm",
			"buckets": 4, "nodes": 3, "outage": "closed", "ttl": "2m", "interval": "200ms", "timeout": "1s"}
	}`
	f, err := config.Parse("f.JSON", []byte(asJSON), environ(nil))
	require.NoError(t, err)
	wantEveryField(t, f)
}

// What a smallest file leaves out is zero: the engine's and the store's defaults.
func TestDefaults(t *testing.T) {
	f := mustParse(t, "deployments: [{id: a, group: g}]")
	require.Equal(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "g"}}}, f.Engine)
	require.Equal(t, config.Store{}, f.Store)
	require.Empty(t, f.Store.String())
	_, err := engine.New(f.Engine)
	require.NoError(t, err)
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	f := mustParse(t, `
deployments:
  - &first {id: a, group: g, rpm: 10, tags: &tags [x]}
  - {<<: *first, id: b, rpm: 20}
  - {<<: [{tpm: 5, rpm: 1}, *first], id: c, tags: *tags}
`)
	require.Equal(t, []engine.Deployment{
		{ID: "a", Group: "g", Limits: engine.Limits{RPM: 10}, Tags: []string{"x"}},
		{ID: "b", Group: "g", Limits: engine.Limits{RPM: 20}, Tags: []string{"x"}},
		{ID: "c", Group: "g", Limits: engine.Limits{RPM: 1, TPM: 5}, Tags: []string{"x"}},
	}, f.Engine.Deployments)
}

func TestVariables(t *testing.T) {
	text := []byte(`
deployments:
  - {id: os.environ/ID, group: g, rpm: os.environ/RPM, order: os.environ/ORDER, disabled: os.environ/OFF, weight: os.environ/W, tags: [os.environ/ID]}
store: {url: os.environ/URL}
`)
	f, err := config.Parse("f.yaml", text, environ(map[string]string{
		"ID": "east", "RPM": "1_000", "ORDER": "2", "OFF": " TRUE ", "W": "1.5", "URL": "valkeys://:pw@host",
	}))
	require.NoError(t, err)
	require.Equal(t, []engine.Deployment{{
		ID: "east", Group: "g", Limits: engine.Limits{RPM: 1000}, Order: 2, Disabled: true, Weight: 1.5,
		Tags: []string{"os.environ/ID"}, // items of lists are taken as they are
	}}, f.Engine.Deployments)
	require.Equal(t, "valkeys://:pw@host", string(f.Store.URL))
	require.Equal(t, "os.environ/URL", f.Store.String())
	require.Equal(t, "os.environ/ID", f.Mask("east"))
	require.Equal(t, "os.environ/RPM", f.Mask("1_000"))

	_, err = config.Parse("f.yaml", text, environ(nil))
	for _, name := range []string{"ID", "RPM", "ORDER", "OFF", "W"} {
		require.ErrorContains(t, err, "the environment variable "+name+" is not set; want ")
	}
	require.Contains(t, warningsOf(nil, err), "store.url: the environment variable URL is not set: serve needs it for the store")
}

// TestBadKnobs: what the engine would refuse is reported where it stands.
func TestBadKnobs(t *testing.T) {
	for text, want := range map[string]string{
		"output_quantile: 0.3":                                "output_quantile: found 0.3; want a number from 0.5 to 0.99",
		"output_quantile: .nan":                               "output_quantile",
		"output_quantile: high":                               "output_quantile",
		"priority_share: 0.5":                                 "priority_share: found 0.5; want a list of shares",
		"priority_share: [0.9, 0.5]":                          "priority_share[0]",
		"priority_share: [1, 0]":                              "priority_share[1]",
		"priority_share: [1, .nan]":                           "priority_share[1]",
		"priority_share: [1, half]":                           "priority_share[1]",
		"priority_share: [1, 0.5, 0.6]":                       "priority_share[2]",
		"priority_share: [1, 1.5]":                            "priority_share[1]",
		"max_waiters: -1":                                     "max_waiters: found -1; want a whole number from 0 to 1000000",
		"max_waiters: 1000001":                                "max_waiters",
		"priority_share: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]": "at most 16",
	} {
		_, err := config.Parse("f.yaml", []byte(text+"\ndeployments: [{id: a, group: g}]\n"), environ(nil))
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "f.yaml:1", text)
	}
	f := mustParse(t, "priority_share: []\nmax_waiters: 0\ndeployments: [{id: a, group: g}]\n")
	require.Empty(t, f.Engine.PriorityShare)
	require.NoError(t, f.Engine.Validate())
}

// Keys that were written one level too deep mean nothing there: the warning says where they go.
func TestNestedKeys(t *testing.T) {
	t.Parallel()
	f, err := config.Parse("g.yaml", []byte("deployments:\n  - id: a\n    group: chat\n    limits:\n      rpm: 60\nstore:\n  url: valkey://x\n  tuning:\n    interval: 200ms\n"), config.Options{})
	require.NoError(t, err)
	require.Len(t, f.Warnings, 2)
	require.Equal(t, "g.yaml:4: deployments[0].limits: is no key that is known here and is ignored; write rpm beside it, not under it", f.Warnings[0].String())
	require.Equal(t, "g.yaml:8: store.tuning: is no key that is known here and is ignored; write interval beside it, not under it", f.Warnings[1].String())
}
