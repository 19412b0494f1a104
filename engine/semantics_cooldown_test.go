package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// A deployment's own rule says how many failures in a row begin a cooldown, and how long
// one lasts that the provider does not measure.
func TestOwnRuleForCooldowns(t *testing.T) {
	kinds := map[provider.Kind][3]time.Duration{ // the cooldown after each of three in a row
		provider.Other:      {0, 0, time.Minute},
		provider.Overloaded: {0, 0, time.Minute},
		provider.RateLimit:  {time.Minute, time.Minute, time.Minute},
	}
	for kind, want := range kinds {
		cfg := two()
		cfg.Deployments[0].Failures, cfg.Deployments[0].Cooldown = 3, time.Minute
		e, _ := start(t, cfg)
		ref, err := e.Ref("a")
		require.NoError(t, err)
		for i, d := range want {
			ref.Observe(provider.Signal{Kind: kind}, engine.Mark{})
			require.Equal(t, d, state(t, e, "a").CoolingFor, "%v, failure %d", kind, i+1)
		}
	}

	cfg := two()
	cfg.Deployments[0].Failures = 1
	e, _ := start(t, cfg)
	ref, err := e.Ref("a")
	require.NoError(t, err)
	ref.Observe(provider.Signal{Kind: provider.Other}, engine.Mark{})
	require.Equal(t, time.Second, state(t, e, "a").CoolingFor)
	ref.Observe(limited(7*time.Second), engine.Mark{})
	require.Equal(t, 7*time.Second, state(t, e, "a").CoolingFor, "the provider knows better")

	cfg.Deployments[0].Failures = -1
	require.ErrorContains(t, e.Apply(cfg), "Deployments[0].Failures: is -1")
	cfg.Deployments[0].Failures, cfg.Deployments[0].Cooldown = 0, 25*time.Hour
	require.ErrorContains(t, e.Apply(cfg), "Deployments[0].Cooldown: is 25h0m0s")
}
