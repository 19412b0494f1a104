package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

var allStrategies = []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy}

// preferences returns where each of n affinities goes by Pick.
func preferences(t *testing.T, g *engine.Group, n int) []string {
	t.Helper()
	at := make([]string, n)
	for a := range at {
		r, ok := g.Pick(engine.Demand{InputTokens: 1, Affinity: uint64(a + 1)})
		require.True(t, ok)
		at[a] = r.ID()
	}
	return at
}

// TestAffinityIsTheSameEverywhere: what one build chooses another must choose
// too, or nodes of different versions would spread a conversation.
func TestAffinityIsTheSameEverywhere(t *testing.T) {
	var cfg engine.Config
	for _, id := range []string{"azure-eastus", "azure-westeurope", "openai", "bedrock:us-east-1"} {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat"})
	}
	e, _ := start(t, cfg)
	require.Equal(t, []string{
		"bedrock:us-east-1", "bedrock:us-east-1", "azure-eastus", "bedrock:us-east-1", "openai", "azure-westeurope",
	}, preferences(t, group(t, e, "chat"), 6))
}

// TestAffinityStays: an affinity stays where it is whatever is used, under any
// strategy, while there is headroom; then the strategy chooses.
func TestAffinityStays(t *testing.T) {
	for _, strategy := range allStrategies {
		for _, n := range []int{1, 10, 100} {
			t.Run(fmt.Sprint(strategy, "/", n), func(t *testing.T) {
				cfg := engine.Config{Strategy: strategy}
				for i := range n {
					cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: engine.Limits{TPM: 100}})
				}
				e, clock := start(t, cfg)
				g := group(t, e, "chat")
				d := engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput, Affinity: 42}
				first := acquire(t, g, d).Ref().ID()
				for range 9 {
					require.Equal(t, first, acquire(t, g, d).Ref().ID())
				}
				if n == 1 {
					require.Equal(t, engine.LimitTPM, refusal(t, g, d).Limit)
				} else {
					require.NotEqual(t, first, acquire(t, g, d).Ref().ID(), "the preferred deployment is full")
				}
				clock.Advance(time.Minute)
				require.Equal(t, first, acquire(t, g, d).Ref().ID(), "the next minute")
			})
		}
	}
}

// TestAffinityMovesLittle: a deployment that goes takes with it only what it
// had, one that comes takes only what is its share.
func TestAffinityMovesLittle(t *testing.T) {
	const n, affinities = 10, 4000
	cfg := fine()
	cfg.Deployments = nil
	for i := range n {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat"})
	}
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	all := preferences(t, g, affinities)
	counts := map[string]int{}
	for _, id := range all {
		counts[id]++
	}
	require.Len(t, counts, n)
	for id, got := range counts {
		require.InDelta(t, affinities/n, got, affinities/n*0.2, id)
	}
	requireMoved := func() {
		t.Helper()
		for a, id := range preferences(t, g, affinities) {
			require.NotEqual(t, "d00003", id)
			if all[a] != "d00003" {
				require.Equal(t, all[a], id)
			}
		}
	}
	gone := ref(t, e, id(3))
	gone.Cooldown(time.Second)
	requireMoved()
	gone.Cooldown(0)
	require.Equal(t, all, preferences(t, g, affinities))
	gone.SetEnabled(false)
	requireMoved()
	cfg.Deployments = append(cfg.Deployments[:3:3], cfg.Deployments[4:]...)
	require.NoError(t, e.Apply(cfg))
	requireMoved()
	cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(3), Group: "chat"})
	require.NoError(t, e.Apply(cfg))
	require.Equal(t, all, preferences(t, g, affinities), "order in the configuration does not matter")
}

// TestAffinityKeepsToCandidates: an affinity prefers only candidates by Order, Tags and Exclude.
func TestAffinityKeepsToCandidates(t *testing.T) {
	cfg := engine.Config{}
	for i := range 40 {
		d := engine.Deployment{ID: id(i), Group: "chat", Order: i % 2}
		if i%4 < 2 {
			d.Tags = []string{"eu"}
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	moved := 0
	for a := range uint64(200) {
		d := engine.Demand{Affinity: a + 1, Tags: []string{"eu"}}
		first, ok := g.Pick(d)
		require.True(t, ok)
		d.Exclude = []engine.Ref{first}
		second, ok := g.Pick(d)
		require.True(t, ok)
		d.Exclude = append(d.Exclude, second)
		for range 3 {
			third, _ := g.Pick(d)
			require.NotContains(t, d.Exclude, third)
		}
		for _, r := range d.Exclude {
			var i int
			_, err := fmt.Sscanf(r.ID(), "d%d", &i)
			require.NoError(t, err)
			require.Zero(t, i%4, r.ID())
		}
		if plain, _ := g.Pick(engine.Demand{Affinity: a + 1}); plain != first {
			moved++
		}
	}
	require.NotZero(t, moved)
}

// TestAffinityExplained: the preferred deployment of each Order is marked.
func TestAffinityExplained(t *testing.T) {
	cfg := engine.Config{}
	for i := range 20 {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Order: i % 2})
	}
	e, _ := start(t, cfg)
	d := engine.Demand{Affinity: 9}
	x := e.Explain("chat", d)
	r, ok := group(t, e, "chat").Pick(d)
	require.True(t, ok)
	require.Equal(t, []string{r.ID()}, x.Pick)
	require.Equal(t, []string{r.ID()}, x.Acquire)
	var marked []string
	orders := map[int]bool{}
	for _, c := range x.Candidates {
		if c.Preferred {
			marked = append(marked, c.ID)
			orders[c.Order] = true
		}
	}
	require.Len(t, marked, 2)
	require.Len(t, orders, 2)
	require.Contains(t, marked, r.ID())
}

// TestAffinityFollowsSize: deployments have affinities in proportion to their limits, by
// the first limit that all of them have.
func TestAffinityFollowsSize(t *testing.T) {
	for name, limits := range map[string][]engine.Limits{
		"TPM":       {{TPM: 1_000_000}, {TPM: 3_000_000}, {TPM: 4_000_000}},
		"input TPM": {{TPM: 9, InputTPM: 100_000}, {InputTPM: 300_000}, {InputTPM: 400_000}},
		"RPM":       {{RPM: 1000}, {RPM: 3000, TPM: 1 << 40}, {RPM: 4000, TPM: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg engine.Config
			for i, l := range limits {
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: l})
			}
			e, _ := start(t, cfg)
			g := group(t, e, "chat")
			const n = 8000
			got := map[string]int{}
			for a := range n {
				r, ok := g.Pick(engine.Demand{Affinity: uint64(a+1) * 0x9E3779B97F4A7C15})
				require.True(t, ok)
				got[r.ID()]++
			}
			for i, part := range []float64{1. / 8, 3. / 8, 4. / 8} {
				require.InDelta(t, part*n, got[id(i)], 0.03*n)
			}
		})
	}
}
