package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func deployments(ds ...engine.Deployment) engine.Config { return engine.Config{Deployments: ds} }

func apply(t *testing.T, e *engine.Engine, ds ...engine.Deployment) {
	t.Helper()
	require.NoError(t, e.Apply(deployments(ds...)))
}

// TestApplyKeepsState: what a deployment has used, holds and has taught stays
// with its ID, whatever else of it changes.
func TestApplyKeepsState(t *testing.T) {
	a := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 50, TPM: 5000, MaxInFlight: 5}}
	with := func(change func(*engine.Deployment)) engine.Deployment {
		changed := a
		change(&changed)
		return changed
	}
	tests := []struct {
		name  string
		steps [][]engine.Deployment
		group string // of a at the end
	}{
		{"same", [][]engine.Deployment{{a}}, "chat"},
		{"others added before it", [][]engine.Deployment{{{ID: "0", Group: "chat", Disabled: true}, {ID: "1", Group: "chat", Disabled: true}, a}}, "chat"},
		{"others added and removed", [][]engine.Deployment{{{ID: "0", Group: "chat"}, a, {ID: "z", Group: "chat"}}, {a}}, "chat"},
		{"limits changed", [][]engine.Deployment{{with(func(d *engine.Deployment) { d.Limits = engine.Limits{RPM: 9, MaxInFlight: 2} })}}, "chat"},
		{"limits dropped", [][]engine.Deployment{{with(func(d *engine.Deployment) { d.Limits = engine.Limits{} })}}, "chat"},
		{"tags, order, weight, model", [][]engine.Deployment{{with(func(d *engine.Deployment) {
			d.Tags, d.Order, d.Weight, d.Model = []string{"eu"}, 3, 2.5, "gpt-4o"
		})}}, "chat"},
		{"regrouped", [][]engine.Deployment{{with(func(d *engine.Deployment) { d.Group = "other" })}}, "other"},
		{"regrouped and back", [][]engine.Deployment{{with(func(d *engine.Deployment) { d.Group = "other" })}, {a}}, "chat"},
		{"removed and added again", [][]engine.Deployment{{{ID: "b", Group: "chat"}}, {a}}, "chat"},
		{"removed with its group, added to another", [][]engine.Deployment{{{ID: "b", Group: "b"}}, {with(func(d *engine.Deployment) { d.Group = "other" })}}, "other"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, deployments(a))
			g, r := group(t, e, "chat"), ref(t, e, "a")
			settleOutputs(t, g, 8, 40)
			held := acquire(t, g, exactly(100))
			late := acquire(t, g, exactly(200))
			others(e, firstMinute, "a", 4, 300)
			before := state(t, e, "a")
			clock.Advance(time.Second)
			for _, step := range test.steps {
				apply(t, e, step...)
			}
			after := state(t, e, "a")
			require.Equal(t, test.group, after.Group)
			require.Equal(t, before.Limit(engine.LimitRPM).Used, after.Limit(engine.LimitRPM).Used)
			require.Equal(t, before.Limit(engine.LimitTPM).Used, after.Limit(engine.LimitTPM).Used)
			require.Equal(t, before.Limit(engine.LimitRPM).Remote, after.Limit(engine.LimitRPM).Remote)
			require.Equal(t, before.Limit(engine.LimitTPM).Remote, after.Limit(engine.LimitTPM).Remote)

			held.Settle(engine.Usage{InputTokens: 150})
			late.Release()
			after = state(t, e, "a")
			require.Equal(t, before.Limit(engine.LimitRPM).Used-1, after.Limit(engine.LimitRPM).Used)
			require.Equal(t, before.Limit(engine.LimitTPM).Used-150, after.Limit(engine.LimitTPM).Used)
			require.Zero(t, after.Limit(engine.LimitInFlight).Used)
			require.Zero(t, after.Limit(engine.LimitTPM).Held)
			r.Record(engine.Usage{InputTokens: 7})
			requests, tokens := own(e, firstMinute, "a")
			require.Equal(t, [2]int64{9, 8*41 + 150 + 7}, [2]int64{requests, tokens})
		})
	}
}

// TestApplySurvivors: in flight and learned means survive as well; a handle
// taken before serves what came after.
func TestApplySurvivors(t *testing.T) {
	a := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{MaxInFlight: 2}}
	e, _ := start(t, deployments(a))
	g := group(t, e, "chat")
	settleOutputs(t, g, 8, 40)
	acquire(t, g, exactly(100))
	a.Limits.MaxInFlight = 1
	apply(t, e, a)
	require.Equal(t, int64(1), state(t, e, "a").Limit(engine.LimitInFlight).Used)
	require.EqualValues(t, 100, state(t, e, "a").Limit(engine.LimitTPM).Held)
	require.Equal(t, engine.LimitInFlight, refusal(t, g, exactly(1)).Limit)
	a.Limits.MaxInFlight = 3
	apply(t, e, a, engine.Deployment{ID: "b", Group: "chat", Order: -1})
	require.Equal(t, "b", acquire(t, g, exactly(1)).Ref().ID())
	apply(t, e, a)
	require.Equal(t, int64(40), acquire(t, g, engine.Demand{}).Reserved())
}

func TestApplyTakesEffect(t *testing.T) {
	a := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 5}}
	b := engine.Deployment{ID: "b", Group: "chat", Limits: engine.Limits{RPM: engine.Blocked}}
	e, _ := start(t, deployments(a, b))
	g, r := group(t, e, "chat"), ref(t, e, "a")
	for range 5 {
		require.True(t, r.PreCheck(engine.Demand{}))
	}
	require.Equal(t, map[string]int{"": 10}, countPicks(g, engine.Demand{}, 10))
	a.Limits.RPM = 6
	apply(t, e, a, b)
	require.Equal(t, map[string]int{"a": 10}, countPicks(g, engine.Demand{}, 10), "limit raised")
	a.Limits.RPM = 4
	apply(t, e, a, b)
	require.Equal(t, map[string]int{"": 10}, countPicks(g, engine.Demand{}, 10), "limit below the usage")
	require.False(t, r.PreCheck(engine.Demand{}))
	b.Limits.RPM = 0
	apply(t, e, a, b)
	require.Equal(t, map[string]int{"b": 10}, countPicks(g, engine.Demand{}, 10), "limit lifted")

	cfg := deployments(a, b)
	cfg.Deployments[0].Limits = engine.Limits{TPM: 1000}
	cfg.Deployments[1].Limits = engine.Limits{TPM: 100}
	r.Record(engine.Usage{InputTokens: 60})
	record(t, e, "b", 50)
	require.NoError(t, e.Apply(cfg))
	require.Equal(t, map[string]int{"a": 10}, countPicks(g, engine.Demand{}, 10), "least utilized")
	cfg.Strategy = engine.LowestTPM
	require.NoError(t, e.Apply(cfg))
	require.Equal(t, map[string]int{"b": 10}, countPicks(g, engine.Demand{}, 10), "lowest tpm")
}

// TestApplyRemoves: every function refuses a deployment that was removed.
func TestApplyRemoves(t *testing.T) {
	a, b := engine.Deployment{ID: "a", Group: "chat"}, engine.Deployment{ID: "b", Group: "other"}
	e, clock := start(t, engine.Config{Deployments: []engine.Deployment{a, b}, Aliases: map[string]string{"mini": "other"}})
	g, r := group(t, e, "other"), ref(t, e, "b")
	apply(t, e, a)
	for _, name := range []string{"other", "mini"} {
		_, err := e.Group(name)
		require.ErrorIs(t, err, engine.ErrUnknownGroup)
		_, err = e.Pick(name, engine.Demand{})
		require.ErrorIs(t, err, engine.ErrUnknownGroup)
	}
	require.Error(t, e.PreCheck("b", engine.Demand{}))
	require.False(t, r.PreCheck(engine.Demand{}))
	_, ok := g.Pick(engine.Demand{})
	require.False(t, ok)
	_, err := g.Acquire(engine.Demand{})
	require.Error(t, err)
	require.Len(t, e.AppendStates(nil), 1)

	apply(t, e, a, b)
	require.Equal(t, map[string]int{"b": 5}, countPicks(g, engine.Demand{}, 5), "the handle is valid across Apply")
	require.True(t, ref(t, e, "b").PreCheck(engine.Demand{}))

	apply(t, e, a)
	clock.Advance(2 * time.Minute) // its windows have passed
	require.Equal(t, map[string]int{"a": 5}, countPicks(group(t, e, "chat"), engine.Demand{}, 5))
	e.Collect(nil)
	_, err = e.Ref("b")
	require.ErrorIs(t, err, engine.ErrUnknownDeployment)
	require.ErrorIs(t, e.PreCheck("b", engine.Demand{}), engine.ErrUnknownDeployment)
	require.ErrorIs(t, e.Record("b", engine.Usage{}), engine.ErrUnknownDeployment)
	require.False(t, r.PreCheck(engine.Demand{}))
}

// TestApplyWithinTheMinute: removing and adding again opens no second limit,
// and a new minute is a new one.
func TestApplyWithinTheMinute(t *testing.T) {
	a, b := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 3}}, engine.Deployment{ID: "b", Group: "other"}
	e, clock := start(t, deployments(a, b))
	admitted := 0
	for range 10 {
		if ref(t, e, "a").PreCheck(engine.Demand{}) {
			admitted++
		}
		apply(t, e, b)
		apply(t, e, a, b)
	}
	require.Equal(t, 3, admitted)
	apply(t, e, b)
	clock.Advance(time.Minute)
	apply(t, e, a, b)
	require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
}

// TestApplyBadConfig: a config with a mistake changes nothing, not even what is
// right in it.
func TestApplyBadConfig(t *testing.T) {
	a := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 5}}
	good := deployments(a)
	good.Aliases = map[string]string{"default": "chat"}
	e, _ := start(t, good)
	require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
	before := e.AppendStates(nil)

	other := engine.Deployment{ID: "b", Group: "other"}
	for name, bad := range map[string]engine.Config{
		"nothing":   {},
		"limit":     deployments(engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 9, TPM: -7}}, other),
		"duplicate": deployments(other, other),
		"strategy":  {Deployments: []engine.Deployment{other}, Strategy: 77},
		"alias":     {Deployments: []engine.Deployment{other}, Aliases: map[string]string{"x": "nobody"}},
		"lease ttl": {Deployments: []engine.Deployment{other}, LeaseTTL: 20 * time.Minute},
	} {
		require.Error(t, e.Apply(bad), name)
		require.Equal(t, before, e.AppendStates(nil), name)
		_, err := e.Group("other")
		require.ErrorIs(t, err, engine.ErrUnknownGroup, name)
		require.Equal(t, map[string]int{"a": 3}, countPicks(group(t, e, "default"), engine.Demand{}, 3), name)
	}
}
