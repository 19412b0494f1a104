package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// TestEveryPresetHasARule: the slow model of each provider counts, by windows of the same kind,
// what its preset counts. A provider knows at admission what is cached, a gateway does not.
func TestEveryPresetHasARule(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range provider.Names() {
		r, ok := rule.Named(name)
		require.True(t, ok, "%s has no rule in fuzz/rule", name)
		for range 200 {
			c := rule.Call{Input: rng.Int64N(5000) + 1, Output: rng.Int64N(500), Model: "anthropic.claude-sonnet-4-5-v1:0"}
			c.MaxOutput = c.Output + 1 + rng.Int64N(5000)
			p, _ := provider.Preset(name, c.Model)
			require.Equal(t, r.Shape == rule.ShapeBucket, p.Shape == provider.Bucket, name)
			require.Equal(t, r.Phased, p.LearnPhase, name)
			require.Equal(t, r.Part, p.RequestWindow, name)
			require.Equal(t, r.PacificDays, p.Day == provider.DayPacific, name)
			require.Equal(t, r.Stands, p.EstimateStands, name)

			rates := p.Rates()
			in, out := rates.Admitted(c.Input, c.Output, c.MaxOutput)
			require.Equal(t, r.Admitted(c), rule.Charge{Input: in, Output: out}, "%s at admission: %+v", name, c)
			if r.Stands {
				continue
			}
			c.Cached = rng.Int64N(c.Input)
			c.CacheWrite = rng.Int64N(c.Input - c.Cached)
			in, out = rates.Used(c.Input, c.Cached, c.CacheWrite, c.Output)
			require.Equal(t, r.Charged(c), rule.Charge{Input: in, Output: out}, "%s in the end: %+v", name, c)
		}
	}
}
