package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestCandidates wants exactly these deployments of a group picked and
// acquired, and this error where there are none.
func TestCandidates(t *testing.T) {
	small := engine.Limits{TPM: 100}
	eu, us := []string{"eu"}, []string{"us"}
	both := []string{"eu", "fast"}
	tests := []struct {
		name        string
		deployments []engine.Deployment
		prepare     func(t *testing.T, e *engine.Engine)
		d           engine.Demand
		exclude     []string
		want        []string
		err         error
	}{
		{name: "other groups are none", deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Group: "other"}}, want: []string{"a"}},
		{name: "lowest order first", deployments: []engine.Deployment{{ID: "a", Order: 1}, {ID: "b"}, {ID: "c", Order: 2}}, want: []string{"b"}},
		{name: "orders below zero", deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Order: -3}, {ID: "c", Order: -3}}, want: []string{"b", "c"}},
		{
			name:        "lowest order first however full",
			deployments: []engine.Deployment{{ID: "a", Limits: small}, {ID: "b", Order: 1, Limits: small}},
			prepare:     func(t *testing.T, e *engine.Engine) { record(t, e, "a", 99) },
			d:           exactly(1), want: []string{"a"},
		},
		{
			name:        "next order when the lower one has no headroom",
			deployments: []engine.Deployment{{ID: "a", Limits: small}, {ID: "b", Order: 1}, {ID: "c", Order: 2}},
			prepare:     func(t *testing.T, e *engine.Engine) { record(t, e, "a", 100) },
			d:           exactly(1), want: []string{"b"},
		},
		{
			name:        "next order when the demand is too large for the lower one",
			deployments: []engine.Deployment{{ID: "a", Limits: small}, {ID: "b", Order: 1}},
			d:           exactly(101), want: []string{"b"},
		},
		{
			name:        "next order when the lower one cools down",
			deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Order: 1}},
			prepare:     func(t *testing.T, e *engine.Engine) { ref(t, e, "a").Cooldown(time.Minute) },
			want:        []string{"b"},
		},
		{
			name:        "next order when the lower one is disabled",
			deployments: []engine.Deployment{{ID: "a", Disabled: true}, {ID: "b", Order: 1}},
			want:        []string{"b"},
		},
		{
			name:        "order among those with the tags",
			deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Order: 1, Tags: eu}, {ID: "c", Order: 2, Tags: eu}},
			d:           engine.Demand{Tags: eu}, want: []string{"b"},
		},
		{name: "order among those not excluded", deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Order: 1}}, exclude: []string{"a"}, want: []string{"b"}},
		{name: "no tags asked", deployments: []engine.Deployment{{ID: "a", Tags: eu}, {ID: "b"}}, want: []string{"a", "b"}},
		{name: "one tag", deployments: []engine.Deployment{{ID: "a", Tags: eu}, {ID: "b", Tags: us}, {ID: "c"}}, d: engine.Demand{Tags: eu}, want: []string{"a"}},
		{name: "all tags required", deployments: []engine.Deployment{{ID: "a", Tags: eu}, {ID: "b", Tags: both}}, d: engine.Demand{Tags: both}, want: []string{"b"}},
		{name: "tags in any order", deployments: []engine.Deployment{{ID: "a", Tags: both}}, d: engine.Demand{Tags: []string{"fast", "eu"}}, want: []string{"a"}},
		{name: "one tag twice", deployments: []engine.Deployment{{ID: "a", Tags: eu}}, d: engine.Demand{Tags: []string{"eu", "eu"}}, want: []string{"a"}},
		{name: "tag that no deployment has", deployments: []engine.Deployment{{ID: "a", Tags: eu}}, d: engine.Demand{Tags: []string{"mars"}}, err: engine.ErrNoCandidate},
		{name: "tags of different deployments", deployments: []engine.Deployment{{ID: "a", Tags: eu}, {ID: "b", Tags: us}}, d: engine.Demand{Tags: []string{"eu", "us"}}, err: engine.ErrNoCandidate},
		{
			name:        "tagged ones have no headroom",
			deployments: []engine.Deployment{{ID: "a", Tags: eu, Limits: small}, {ID: "b"}},
			d:           engine.Demand{InputTokens: 101, Tags: eu}, err: engine.ErrLimited,
		},
		{name: "excluded", deployments: []engine.Deployment{{ID: "a"}, {ID: "b"}, {ID: "c"}}, exclude: []string{"b", "b"}, want: []string{"a", "c"}},
		{name: "excluded from another group", deployments: []engine.Deployment{{ID: "a"}, {ID: "b", Group: "other"}}, exclude: []string{"b"}, want: []string{"a"}},
		{name: "all excluded", deployments: []engine.Deployment{{ID: "a"}, {ID: "b"}}, exclude: []string{"a", "b"}, err: engine.ErrNoCandidate},
		{name: "disabled by the configuration", deployments: []engine.Deployment{{ID: "a", Disabled: true}, {ID: "b"}}, want: []string{"b"}},
		{name: "all disabled", deployments: []engine.Deployment{{ID: "a", Disabled: true}}, err: engine.ErrLimited},
		{
			name:        "cooling",
			deployments: []engine.Deployment{{ID: "a"}, {ID: "b"}},
			prepare:     func(t *testing.T, e *engine.Engine) { require.NoError(t, e.Cooldown("b", time.Second)) },
			want:        []string{"a"},
		},
	}
	for _, test := range tests {
		for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy} {
			t.Run(test.name+"/"+strategy.String(), func(t *testing.T) {
				cfg := engine.Config{Strategy: strategy}
				for _, d := range test.deployments {
					if d.Group == "" {
						d.Group = "chat"
					}
					cfg.Deployments = append(cfg.Deployments, d)
				}
				e, _ := start(t, cfg)
				if test.prepare != nil {
					test.prepare(t, e)
				}
				d := test.d
				for _, id := range test.exclude {
					d.Exclude = append(d.Exclude, ref(t, e, id))
				}
				requireChoice(t, e, d, test.want, test.err)
			})
		}
	}
}

func requireChoice(t *testing.T, e *engine.Engine, d engine.Demand, want []string, wantErr error) {
	t.Helper()
	g := group(t, e, "chat")
	if wantErr != nil {
		_, ok := g.Pick(d)
		require.False(t, ok)
		_, ok = g.TryAcquire(d)
		require.False(t, ok)
		_, err := g.Acquire(d)
		require.ErrorIs(t, err, wantErr)
		_, err = e.Pick("chat", d)
		require.ErrorIs(t, err, wantErr)
		return
	}
	require.ElementsMatch(t, want, picked(countPicks(g, d, 60)))
	byName := map[string]int{}
	acquired := map[string]int{}
	for range 60 {
		id, err := e.Pick("chat", d)
		require.NoError(t, err)
		byName[id]++
		lease, ok := g.TryAcquire(d)
		require.True(t, ok)
		acquired[lease.Ref().ID()]++
		lease.Release()
	}
	require.ElementsMatch(t, want, picked(byName))
	require.ElementsMatch(t, want, picked(acquired))
}

func record(t testing.TB, e *engine.Engine, id string, tokens int64) {
	t.Helper()
	require.NoError(t, e.Record(id, engine.Usage{InputTokens: tokens}))
}

func TestAliases(t *testing.T) {
	e, _ := start(t, engine.Config{
		Deployments: []engine.Deployment{{ID: "a", Group: "gpt-4o"}, {ID: "b", Group: "haiku"}},
		Aliases:     map[string]string{"chat": "default", "default": "gpt-4o", "cheap": "haiku"},
	})
	for name, want := range map[string]string{"gpt-4o": "a", "chat": "a", "default": "a", "cheap": "b"} {
		r, ok := group(t, e, name).Pick(engine.Demand{})
		require.True(t, ok)
		require.Equal(t, want, r.ID(), name)
		id, err := e.Pick(name, engine.Demand{})
		require.NoError(t, err)
		require.Equal(t, want, id, name)
	}
	_, err := e.Group("nobody")
	require.ErrorIs(t, err, engine.ErrUnknownGroup)
	_, err = e.Ref("chat")
	require.ErrorIs(t, err, engine.ErrUnknownDeployment, "an alias is no deployment")
}

func TestSetEnabled(t *testing.T) {
	cfg := one(engine.Limits{})
	e, _ := start(t, cfg)
	a, g := ref(t, e, "a"), group(t, e, "chat")
	usable := func() bool {
		_, ok := g.Pick(engine.Demand{})
		lease, acquired := g.TryAcquire(engine.Demand{})
		lease.Release()
		require.Equal(t, ok, acquired)
		require.Equal(t, ok, a.PreCheck(engine.Demand{}))
		require.Equal(t, ok, state(t, e, "a").Enabled)
		return ok
	}
	apply := func(disabled bool) {
		cfg.Deployments[0].Disabled = disabled
		require.NoError(t, e.Apply(cfg))
	}
	require.True(t, usable())
	a.SetEnabled(false)
	require.False(t, usable())
	apply(false)
	require.False(t, usable(), "an Apply that does not change Disabled leaves the switch alone")
	a.SetEnabled(true)
	require.True(t, usable())

	apply(true)
	require.False(t, usable(), "an Apply that changes Disabled sets the switch")
	a.SetEnabled(true)
	require.True(t, usable(), "the switch overrides the configuration")
	apply(true)
	require.True(t, usable())
	a.SetEnabled(false)
	apply(false)
	require.True(t, usable())
}

func TestCooldown(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	a, g := ref(t, e, "a"), group(t, e, "chat")
	usable := func() bool {
		_, ok := g.Pick(engine.Demand{})
		lease, acquired := g.TryAcquire(engine.Demand{})
		lease.Release()
		require.Equal(t, ok, acquired)
		require.Equal(t, ok, a.PreCheck(engine.Demand{}))
		require.Equal(t, ok, state(t, e, "a").CoolingFor == 0)
		return ok
	}
	require.True(t, usable())
	a.Cooldown(30 * time.Second)
	require.False(t, usable())
	require.Equal(t, 30*time.Second, state(t, e, "a").CoolingFor)
	clock.Advance(29 * time.Second)
	require.False(t, usable())
	require.Equal(t, time.Second, state(t, e, "a").CoolingFor)
	clock.Advance(time.Second)
	require.True(t, usable(), "it ends by the clock")

	require.NoError(t, e.Cooldown("a", time.Hour))
	clock.Advance(10 * time.Minute)
	require.False(t, usable(), "it outlives minutes")
	require.Equal(t, 50*time.Minute, state(t, e, "a").CoolingFor)
	a.Cooldown(time.Minute)
	require.Equal(t, 50*time.Minute, state(t, e, "a").CoolingFor, "a shorter one does not shorten it")
	a.Cooldown(0)
	require.True(t, usable(), "zero ends it")
}
