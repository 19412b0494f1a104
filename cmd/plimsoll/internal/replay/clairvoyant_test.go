package replay_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// clairvoyants replays requests, whose arrivals it warps, under every
// clairvoyant. One that was refused would panic.
func clairvoyants(t *testing.T, requests trace.Trace, poolName string, kind provider.Kind, load float64) *replay.Report {
	t.Helper()
	pool, err := provider.Pool(poolName)
	require.NoError(t, err)
	o := replay.Options{Trace: requests, Pool: pool, Kind: &kind}
	require.NoError(t, replay.FitRule(requests, o, load))
	report, err := replay.Clairvoyants(t.Context(), o)
	require.NoError(t, err)
	requireConsistent(t, report)
	require.Zero(t, report.Provider429)
	require.Zero(t, report.RefusedProvider)
	require.Equal(t, replay.ClairvoyantName, report.Policy)
	require.Equal(t, report.TokensServed, report.Clairvoyant.TokensServed)
	require.InDelta(t, 1, report.Clairvoyant.Goodput, 0)
	require.GreaterOrEqual(t, report.Clairvoyant.Avoidable, int64(0))
	return report
}

func TestClairvoyantIsNeverRefused(t *testing.T) {
	for _, kind := range provider.Kinds {
		for _, load := range []float64{0.5, 0.95, 1.5} {
			for _, name := range provider.PoolNames {
				report := clairvoyants(t, generated(t, 1)[:3000], name, kind, load)
				t.Logf("%s, %s at %v: %s, %d of %d tokens, quota %d", kind.Name, name, load, report.Clairvoyant.Best,
					report.TokensServed, report.TokensOffered, report.QuotaTokens)
			}
		}
	}
}

// A policy that cannot see what the providers have counted serves about as much as one
// that can, and not more. More would mean that the replay reveals the providers' counts. (A
// call may overrun its minute, so the greedy clairvoyant is no strict bound.)
func TestEngineComesCloseToTheClairvoyant(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			pool, err := provider.Pool("standard")
			require.NoError(t, err)
			o := replay.Options{Trace: tr.load(t), Pool: pool, Policy: replay.Engine(engine.LeastUtilized), Kind: &provider.Kinds[0]}
			require.NoError(t, replay.FitLoad(o.Trace, pool, 0.95))
			got, err := replay.RunRule(t.Context(), o)
			require.NoError(t, err)
			require.InDelta(t, 1, got.Clairvoyant.Goodput, 0.05)
			t.Logf("%.2f %% of the clairvoyant's tokens", 100*got.Clairvoyant.Goodput)
		})
	}
}

func TestIdlePoolServesEverything(t *testing.T) {
	report := clairvoyants(t, generated(t, 1), "standard", provider.Kinds[0], 0.05)
	require.Equal(t, report.Offered, report.Served)
	require.Equal(t, report.TokensOffered, report.TokensServed)
	require.InEpsilon(t, 0.05, float64(report.TokensOffered)/float64(report.QuotaTokens), 0.01)
}

// generated is twenty minutes of the traffic that plimsoll replay generates.
func generated(t *testing.T, seed uint64) trace.Trace {
	t.Helper()
	traffic := trace.Generate(seed, 20*time.Minute, trace.Chat(), trace.Code())
	traffic.NameMaxOutput(seed)
	return traffic
}

// requireConsistent requires what holds of every report.
func requireConsistent(t *testing.T, r *replay.Report) {
	t.Helper()
	require.Equal(t, r.Offered, r.Served+r.RefusedLocal+r.RefusedProvider)
	require.LessOrEqual(t, r.RefusedProvider, r.Provider429)
	require.LessOrEqual(t, r.Provider429, 2*r.Offered)
	require.LessOrEqual(t, r.TokensServed, r.TokensOffered)
	var served, tokens, quota int64
	for _, d := range r.Deployments {
		served += d.Served
		tokens += d.Tokens
		quota += d.TPMLimit * r.Minutes
	}
	require.Equal(t, r.Served, served)
	require.Equal(t, r.TokensServed, tokens)
	require.Equal(t, r.QuotaTokens, quota)
}
