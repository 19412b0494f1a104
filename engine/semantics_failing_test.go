package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

var failure = provider.Signal{Kind: provider.Other}

// flaky plays calls of 100 tokens, one every 50 ms, of which every other one to the
// first deployment fails and costs nothing. It returns how many that one served and
// how many failed.
func flaky(t *testing.T, cfg engine.Config, calls int) (served, failed int, e *engine.Engine, clock *handClock) {
	t.Helper()
	e, clock = start(t, cfg)
	g := group(t, e, "chat")
	n := 0
	for range calls {
		clock.Advance(50 * time.Millisecond)
		l := acquire(t, g, exactly(100))
		if l.Ref().ID() != id0 {
			l.Observe(answered)
			l.Settle(engine.Usage{InputTokens: 100})
			continue
		}
		if n++; n%2 == 0 {
			failed++
			l.Observe(failure)
			l.Settle(engine.Usage{})
			continue
		}
		served++
		l.Observe(answered)
		l.Settle(engine.Usage{InputTokens: 100})
	}
	return served, failed, e, clock
}

// A deployment that fails every other call gets less than its share, whatever the
// strategy that ranks, with limits and without, in small groups and in large ones.
func TestFailingDeploymentsDoNotLookUnused(t *testing.T) {
	for name, limits := range map[string]engine.Limits{
		"no limits": {}, "tokens": {TPM: 200_000}, "requests": {RPM: 2000}, "in flight": {MaxInFlight: 50}, "a day": {TPD: 10_000_000},
	} {
		for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.LeastBusy} {
			sizes := []int{2, 100}
			if raceEnabled { // one goroutine: nothing to find but time to lose
				sizes = []int{2}
			}
			for _, n := range sizes {
				cfg := engine.Config{Strategy: strategy}
				for i := range n {
					cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: limits})
				}
				calls := 2000
				served, failed, _, _ := flaky(t, cfg, calls)
				most := calls / 4
				if n > 2 {
					most = calls / n
				}
				require.LessOrEqual(t, served+failed, most, "%s, strategy %v, %d deployments: %d served, %d failed", name, strategy, n, served, failed)
				require.Positive(t, served, "it is tried again")
			}
		}
	}
}

// The rate falls by itself, and then the deployment takes its share again.
func TestFailureRatesFall(t *testing.T) {
	e, clock := start(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}})
	g := group(t, e, "chat")
	for l := acquire(t, g, exactly(1)); ; l = acquire(t, g, exactly(1)) {
		if l.Ref().ID() == "a" {
			l.Observe(failure)
			break
		}
	}
	require.Zero(t, countPicks(g, exactly(1), 50)["a"], "behind one that does not fail")
	clock.Advance(time.Minute)
	require.InDelta(t, 100, countPicks(g, exactly(1), 200)["a"], 40)
}

// The rate ranks and does nothing else: no admission, state or count contains it.
func TestFailureRatesOnlyRank(t *testing.T) {
	e, _ := start(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}}})
	g := group(t, e, "chat")
	before := e.Stats()
	for range 5 {
		taken(t, g, "a").Observe(failure)
	}
	s := state(t, e, "a")
	require.Equal(t, 0.5, s.Utilization)
	require.Zero(t, s.CoolingFor, "it is the last of its group")
	for range 5 {
		taken(t, g, "a")
	}
	require.EqualValues(t, 10, e.Stats().Admitted-before.Admitted)
	require.Equal(t, engine.LimitRPM, refusal(t, g, exactly(1)).Limit)
}

// What is only assumed ranks, and cools nothing down.
func TestWeakEvidence(t *testing.T) {
	e, _ := start(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}})
	g := group(t, e, "chat")
	for range 10 {
		require.NoError(t, e.Observe("a", provider.Signal{Kind: provider.Other, Weak: true}))
	}
	require.Zero(t, state(t, e, "a").CoolingFor)
	require.Zero(t, countPicks(g, exactly(1), 20)["a"])
}

// Explain shows the rate in the score.
func TestExplainShowsTheFailureRate(t *testing.T) {
	e, _ := start(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}})
	require.NoError(t, e.Observe("a", failure))
	x := e.Explain("chat", exactly(1))
	require.Equal(t, []string{"b"}, x.Acquire)
	require.Equal(t, 0.25, x.Candidates[0].Score)
}
