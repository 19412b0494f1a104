package replay_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// compare replays requests, whose arrivals it warps, under every policy.
func compare(t *testing.T, requests trace.Trace, poolName string, load float64, seed uint64) map[string]replay.PolicyReport {
	t.Helper()
	pool, err := provider.Pool(poolName)
	require.NoError(t, err)
	require.NoError(t, replay.FitLoad(requests, pool, load))
	c, err := replay.Compare(t.Context(), replay.Options{Trace: requests, Pool: pool, Seed: seed}, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	reports := map[string]replay.PolicyReport{}
	for i, r := range c.Policies {
		require.Equal(t, replay.PolicyNames()[i], r.Policy)
		reports[r.Policy] = r
	}
	require.Len(t, reports, len(replay.PolicyNames()))
	return reports
}

// Whatever the policy: nothing offered is lost, and providers that take
// everything refuse nothing.
func TestEveryPolicyAccountsForEveryCall(t *testing.T) {
	for _, poolName := range provider.PoolNames {
		for _, load := range []float64{0.3, 0.95, 1.5} {
			for _, r := range compare(t, generated(t, 1)[:4000], poolName, load, 1) {
				requireConsistent(t, r.Report)
				require.Equal(t, r.Offered, r.SoftCap.Served+r.SoftCap.Refused, r.Policy)
				require.LessOrEqual(t, r.SoftCap.OverrunTokens, r.SoftCap.TokensServed, r.Policy)
				require.LessOrEqual(t, r.SoftCap.TokensServed, r.TokensOffered, r.Policy)
				require.GreaterOrEqual(t, r.Fairness, 0.1, r.Policy)
				require.LessOrEqual(t, r.Fairness, 1.0001, r.Policy)
			}
		}
	}
}

// What the comparison is for: near full load the engine reaches almost the
// goodput of the best policy without running into the providers' limits, and
// keeps caps that no provider enforces.
func TestEngineAgainstLiteLLM(t *testing.T) {
	var ran, ahead, ourOverrun, theirOverrun float64 // sums, the last three in percent of the quota
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			reports := compare(t, tr.load(t), "standard", 0.95, 1)
			ours, alone, cooled := reports["engine"], reports["litellm"], reports["litellm+cooldown"]
			require.LessOrEqual(t, 5*ours.Provider429, alone.Provider429)
			require.Less(t, ours.Provider429, cooled.Provider429)
			require.GreaterOrEqual(t, ours.Fairness, 0.999)
			ran++
			ahead += goodput(cooled) - goodput(ours)
			ourOverrun += overrun(ours)
			theirOverrun += overrun(cooled)
			t.Logf("provider 429s %d, %d, %d; goodput %.1f, %.1f, %.1f %%; over caps %.2f, %.2f, %.2f %%", ours.Provider429, alone.Provider429,
				cooled.Provider429, goodput(ours), goodput(alone), goodput(cooled), overrun(ours), overrun(alone), overrun(cooled))
		})
	}
	require.LessOrEqual(t, ahead/ran, 1.5)
	require.LessOrEqual(t, ourOverrun, theirOverrun/10)
}

// goodput is in percent of the quota.
func goodput(r replay.PolicyReport) float64 {
	return 100 * float64(r.TokensServed) / float64(r.QuotaTokens)
}

// overrun is of soft caps, in percent of the quota.
func overrun(r replay.PolicyReport) float64 {
	return 100 * float64(r.SoftCap.OverrunTokens) / float64(r.QuotaTokens)
}

// A policy that counts a call when it ends finds idle deployments full of calls
// under way; one that knows no limits sends more 429s than one that does.
func TestBaselinesAreInOrder(t *testing.T) {
	reports := compare(t, generated(t, 1), "standard", 0.95, 1)
	require.Greater(t, goodput(reports["litellm+cooldown"]), goodput(reports["litellm"]))
	require.Greater(t, goodput(reports["random"]), goodput(reports["round-robin"]))
	require.Greater(t, goodput(reports["round-robin"]), goodput(reports["least-in-flight"]))
	require.Equal(t, reports["litellm"].SoftCap, reports["litellm+cooldown"].SoftCap, "nothing is refused, nothing cools down")
	for _, name := range []string{"round-robin", "random", "least-in-flight"} {
		require.Zero(t, reports[name].RefusedLocal, name)
		require.Zero(t, reports[name].SoftCap.Refused, name)
	}
}

func TestSameSeedSameComparison(t *testing.T) {
	encoded := func(seed uint64) string {
		reports := compare(t, generated(t, 1)[:4000], "rpm-bound", 1.2, seed)
		for _, r := range reports {
			r.WallMS, r.DecisionsPerS = 0, 0
		}
		out, err := json.Marshal(reports)
		require.NoError(t, err)
		return string(out)
	}
	first := encoded(1)
	require.Equal(t, first, encoded(1))
	require.NotEqual(t, first, encoded(2))
}

func TestCompareReportsProgressOfAllRuns(t *testing.T) {
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	last := -1
	_, err = replay.Compare(t.Context(), replay.Options{
		Trace: make(trace.Trace, 300),
		Pool:  pool,
		Progress: func(done int) {
			require.GreaterOrEqual(t, done, last)
			last = done
		},
	}, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	require.Equal(t, 300*replay.CompareRuns(nil, nil), last)
}

func TestCompareStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	_, err = replay.Compare(ctx, replay.Options{Trace: make(trace.Trace, 1), Pool: pool}, replay.Engine(engine.LeastUtilized))
	require.ErrorIs(t, err, context.Canceled)

	_, err = replay.Compare(t.Context(), replay.Options{Trace: make(trace.Trace, 1)}, replay.Engine(engine.LeastUtilized))
	require.ErrorContains(t, err, "policy engine: ")
}

func TestPolicyNamed(t *testing.T) {
	for _, name := range replay.PolicyNames() {
		p, err := replay.PolicyNamed(name, replay.Engine(engine.LeastUtilized))
		require.NoError(t, err)
		now := replay.Start
		a, ok := policyAt(t, p, &now, provider.Deployment{ID: "a", RPM: 10, TPM: 1000}).Admit(trace.Request{Input: 1}, nil)
		require.True(t, ok, name)
		a.Served(trace.Request{Input: 1})
	}
	_, err := replay.PolicyNamed("best", nil)
	require.EqualError(t, err, `unknown policy "best"; use one of engine, litellm, litellm+cooldown, round-robin, random, least-in-flight`)
}

// Deployments without a limit, and with one of zero, go through every policy.
func TestPolicyOnOddLimits(t *testing.T) {
	pool := []provider.Deployment{
		{ID: "plain", RPM: 10, TPM: 1000, PerOutputToken: time.Millisecond},
		{ID: "blocked", RPM: engine.Blocked, TPM: 1000},
		{ID: "no tokens", TPM: engine.Blocked},
		{ID: "no request limit", TPM: 2000},
		{ID: "no token limit", RPM: 5},
	}
	requests := generated(t, 1)[:2000]
	require.NoError(t, replay.FitLoad(requests, pool, 0.95))
	c, err := replay.Compare(t.Context(), replay.Options{Trace: requests, Pool: pool, Seed: 1}, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	for _, r := range c.Policies {
		require.Equal(t, r.Offered, r.Served+r.RefusedLocal+r.RefusedProvider, r.Policy)
		mean := float64(r.TokensOffered) / float64(r.Offered) // what RPM allows where there is no TPM
		require.InEpsilon(t, (3000+5*mean)*float64(r.Minutes), r.QuotaTokens, 1e-6, r.Policy)
		require.Positive(t, r.Deployments[3].Served, r.Policy)
		for _, d := range r.Deployments[1:3] {
			require.Zero(t, d.Served, "%s: %s", r.Policy, d.ID)
		}
	}
}
