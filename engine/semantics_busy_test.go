package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func busy(limits ...engine.Limits) engine.Config {
	cfg := engine.Config{Strategy: engine.LeastBusy}
	for i, l := range limits {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: string(rune('a' + i)), Group: "chat", Limits: l})
	}
	return cfg
}

// hold holds so many leases on a deployment.
func hold(t *testing.T, g *engine.Group, e *engine.Engine, id string, n int) (leases []*engine.Lease) {
	t.Helper()
	var others []engine.Ref
	for _, s := range e.AppendStates(nil) {
		if s.ID != id {
			r, err := e.Ref(s.ID)
			require.NoError(t, err)
			others = append(others, r)
		}
	}
	for range n {
		d := exactly(1)
		d.Exclude = others
		leases = append(leases, acquire(t, g, d))
	}
	return leases
}

// TestLeastBusyRanks wants the deployments that LeastBusy ranks lowest for the leases
// held on each.
func TestLeastBusyRanks(t *testing.T) {
	most := func(n int64) engine.Limits { return engine.Limits{MaxInFlight: n} }
	none := engine.Limits{}
	tests := []struct {
		name   string
		limits []engine.Limits
		held   []int
		want   string
	}{
		{"without limits the count decides", []engine.Limits{none, none, none}, []int{3, 1, 2}, "b"},
		{"the share of the limit decides", []engine.Limits{most(10), most(100)}, []int{2, 19}, "b"},
		{"and not the count", []engine.Limits{most(10), most(100)}, []int{2, 21}, "a"},
		{"without a limit the group's largest is assumed", []engine.Limits{most(10), none, most(100)}, []int{3, 20, 25}, "b"},
		{"a limit on tokens does not rank", []engine.Limits{{TPM: 10, MaxInFlight: 4}, most(4)}, []int{1, 2}, "a"},
		{"one that is full is skipped", []engine.Limits{{RPM: 1}, none}, []int{1, 5}, "b"},
		{"with parts of minutes and days too", []engine.Limits{{RPD: 100, TPD: 1000, InputTPM: 50}, none}, []int{4, 3}, "b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, _ := start(t, busy(test.limits...))
			g := group(t, e, "chat")
			for i, n := range test.held {
				hold(t, g, e, string(rune('a'+i)), n)
			}
			require.Equal(t, []string{test.want}, picked(countPicks(g, exactly(1), 50)))
			x := e.Explain("chat", exactly(1))
			require.Equal(t, []string{test.want}, x.Acquire)
			require.Equal(t, test.want, acquire(t, g, exactly(1)).Ref().ID())
		})
	}
}

// TestLeastBusySeesEnds: an ended lease, and one that expired, is held no longer; among
// deployments as busy the tokens decide.
func TestLeastBusySeesEnds(t *testing.T) {
	e, clock := start(t, busy(engine.Limits{}, engine.Limits{}))
	g := group(t, e, "chat")
	a := hold(t, g, e, "a", 2)
	hold(t, g, e, "b", 1)
	require.Equal(t, []string{"b"}, picked(countPicks(g, exactly(1), 20)))
	a[0].Settle(engine.Usage{OutputTokens: 100})
	require.Equal(t, []string{"b"}, picked(countPicks(g, exactly(1), 20)), "as busy, with fewer tokens")
	a[1].Release()
	require.Equal(t, []string{"a"}, picked(countPicks(g, exactly(1), 20)))
	clock.Advance(25 * 60 * 60 * 1e9)
	require.ElementsMatch(t, []string{"a", "b"}, picked(countPicks(g, exactly(1), 100)), "nothing is held any more")
}

// TestLeastBusyOfMany spreads leases evenly over more deployments than are scanned at
// once, whatever ends in between.
func TestLeastBusyOfMany(t *testing.T) {
	const n = 300
	cfg := engine.Config{Strategy: engine.LeastBusy}
	for i := range n {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: fmt.Sprint(i), Group: "chat"})
	}
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	held := map[string]int{}
	var leases []*engine.Lease
	for range 3 * n {
		l := acquire(t, g, exactly(1))
		held[l.Ref().ID()]++
		leases = append(leases, l)
	}
	for id, k := range held {
		require.Equal(t, 3, k, id)
	}
	require.Len(t, held, n)
	for _, i := range []int{5, 300, 899} {
		id := leases[i].Ref().ID()
		leases[i].Release()
		require.Equal(t, id, acquire(t, g, exactly(1)).Ref().ID())
	}
}

// TestLeastBusyByApply counts the leases that were held before the strategy was.
func TestLeastBusyByApply(t *testing.T) {
	cfg := busy(engine.Limits{}, engine.Limits{})
	cfg.Strategy = engine.LeastUtilized
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	a := hold(t, g, e, "a", 2)
	hold(t, g, e, "b", 1)
	cfg.Strategy = engine.LeastBusy
	require.NoError(t, e.Apply(cfg))
	require.Equal(t, []string{"b"}, picked(countPicks(g, exactly(1), 20)))
	a[0].Release()
	a[1].Release()
	require.Equal(t, []string{"a"}, picked(countPicks(g, exactly(1), 20)))
	cfg.Strategy = engine.LeastUtilized
	require.NoError(t, e.Apply(cfg))
	l := acquire(t, g, exactly(1))
	cfg.Strategy = engine.LeastBusy
	require.NoError(t, e.Apply(cfg))
	l.Release()
	for _, s := range e.AppendStates(nil) {
		require.Equal(t, map[string]int64{"a": 0, "b": 1}[s.ID], s.Limit(engine.LimitInFlight).Used, s.ID)
		require.Zero(t, s.Limit(engine.LimitInFlight).Max)
	}
}
