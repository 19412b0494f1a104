package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestSmallDeploymentsAreFilledAhead: where all minutes end at once, and calls are charged
// their input or one cost, the smaller of two deployments is filled ahead by the fourth
// root of their ratio, within its limit. Elsewhere both are filled alike.
func TestSmallDeploymentsAreFilledAhead(t *testing.T) {
	for name, c := range map[string]struct {
		p    provider.Profile
		left int64 // of the smaller one's 1000 when the larger has used 8000 of 16000
	}{
		"input":         {provider.Profile{Admit: provider.AdmitInput}, 0},
		"one cost":      {provider.Profile{Admit: provider.AdmitInputMax, EstimateStands: true}, 0},
		"expected":      {provider.Profile{}, 500},
		"given back":    {provider.Profile{Admit: provider.AdmitInputMax}, 500},
		"bucket":        {provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitInput}, 500},
		"phase unknown": {provider.Profile{LearnPhase: true, Admit: provider.AdmitInput}, 500},
		"with a phase":  {provider.Profile{Phase: time.Second, Admit: provider.AdmitInput}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := engine.Config{}
			for id, tpm := range map[string]int64{"small": 1000, "large": 16_000} {
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Limits: engine.Limits{TPM: tpm}, Profile: c.p})
			}
			e, _ := start(t, cfg)
			g := group(t, e, "chat")
			for state(t, e, "large").Limit(engine.LimitTPM).Used < 8000 {
				acquire(t, g, engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput})
			}
			used := state(t, e, "small").Limit(engine.LimitTPM).Used
			require.InDelta(t, 1000-c.left, used, 10)
		})
	}
}

// TestLimitsOfOneSizeAreFilledAlike, and a deployment without a limit goes first as ever.
func TestLimitsOfOneSizeAreFilledAlike(t *testing.T) {
	p := provider.Profile{Admit: provider.AdmitInput}
	cfg := engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: engine.Limits{TPM: 1000}, Profile: p},
		{ID: "b", Group: "chat", Limits: engine.Limits{TPM: 1000}, Profile: p},
		{ID: "free", Group: "free", Profile: p},
		{ID: "bound", Group: "free", Limits: engine.Limits{TPM: 1000}, Profile: p},
	}}
	e, _ := start(t, cfg)
	for range 100 {
		acquire(t, group(t, e, "chat"), engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput})
		acquire(t, group(t, e, "free"), engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput})
	}
	require.EqualValues(t, 500, state(t, e, "a").Limit(engine.LimitTPM).Used)
	require.EqualValues(t, 500, state(t, e, "b").Limit(engine.LimitTPM).Used)
	require.LessOrEqual(t, state(t, e, "bound").Limit(engine.LimitTPM).Used, int64(10))
}
