package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestOverrunOfEveryKind: the part of a charge that lies above a limit is counted,
// whatever shape the limit has.
func TestOverrunOfEveryKind(t *testing.T) {
	for name, d := range map[string]engine.Deployment{
		"minute":            {Limits: engine.Limits{TPM: 1000}},
		"input":             {Limits: engine.Limits{InputTPM: 1000}},
		"output":            {Limits: engine.Limits{OutputTPM: 1000}},
		"day":               {Limits: engine.Limits{TPD: 1000}},
		"several":           {Limits: engine.Limits{TPM: 1000, InputTPM: 4000, TPD: 3000}},
		"bucket":            {Limits: engine.Limits{TPM: 1000}, Profile: provider.Profile{Shape: provider.Bucket}},
		"phase":             {Limits: engine.Limits{TPM: 1000}, Profile: provider.Profile{Phase: 7 * time.Second}},
		"pool":              {Limits: engine.Limits{TPM: 1000}, Profile: provider.Profile{Pool: "account"}},
		"day of a pool":     {Limits: engine.Limits{TPD: 1000}, Profile: provider.Profile{Pool: "account"}},
		"day beside bucket": {Limits: engine.Limits{TPM: 9000, TPD: 1000}, Profile: provider.Profile{Shape: provider.Bucket}},
	} {
		t.Run(name, func(t *testing.T) {
			d.ID, d.Group = "a", "chat"
			e, _ := start(t, engine.Config{Deployments: []engine.Deployment{d}})
			used := engine.Usage{InputTokens: 5000}
			if d.Limits.OutputTPM != 0 {
				used = engine.Usage{OutputTokens: 5000}
			}
			require.NoError(t, e.Record("a", engine.Usage{InputTokens: used.InputTokens / 10, OutputTokens: used.OutputTokens / 10}))
			require.Zero(t, e.Stats().Overrun)
			require.NoError(t, e.Record("a", used))
			require.EqualValues(t, 4500, e.Stats().Overrun)
		})
	}
}

// TestOverrunOfALease: what a call uses above the limit counts once, streamed or
// settled.
func TestOverrunOfALease(t *testing.T) {
	for name, profile := range map[string]provider.Profile{"minute": {}, "bucket": {Shape: provider.Bucket}, "pool": {Pool: "account"}} {
		t.Run(name, func(t *testing.T) {
			cfg := one(engine.Limits{TPM: 1000})
			cfg.Deployments[0].Profile = profile
			e, _ := start(t, cfg)
			lease := acquire(t, group(t, e, "chat"), exactly(900))
			lease.Add(300)
			require.EqualValues(t, 200, e.Stats().Overrun)
			lease.Settle(engine.Usage{InputTokens: 900, OutputTokens: 350})
			require.EqualValues(t, 250, e.Stats().Overrun)
		})
	}
}

// TestOverrunOnlyGrows: neither another limit nor the end of a minute takes back what
// was above a limit, and none of it counts again.
func TestOverrunOnlyGrows(t *testing.T) {
	cfg := one(engine.Limits{TPM: 1000})
	e, clock := start(t, cfg)
	require.NoError(t, e.Record("a", engine.Usage{InputTokens: 5000}))
	for _, tpm := range []int64{10_000, 10, 1000} {
		cfg.Deployments[0].Limits.TPM = tpm
		require.NoError(t, e.Apply(cfg))
		require.EqualValues(t, 4000, e.Stats().Overrun)
		clock.Advance(time.Minute)
		require.EqualValues(t, 4000, e.Stats().Overrun)
	}
}
