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

// clairvoyant knows what the providers have counted: it keeps the same
// accounts. It sends a call to the smallest deployment that will take it.
type clairvoyant struct {
	now      func() time.Time
	accounts []provider.Rule
}

func newClairvoyant(pool []provider.Deployment, now func() time.Time, _ uint64) (replay.Policy, error) {
	c := &clairvoyant{now: now}
	for _, d := range pool {
		c.accounts = append(c.accounts, provider.NewFixedMinute(d))
	}
	return c, nil
}

func (c *clairvoyant) Admit(r trace.Request, _ []int) (replay.Attempt, bool) {
	for place, account := range c.accounts {
		if _, ok := account.Admit(c.now(), r); ok {
			return &clairvoyantAttempt{c, place, r.Input}, true
		}
	}
	return nil, false
}

type clairvoyantAttempt struct {
	*clairvoyant
	place    int
	reserved int64
}

func (a *clairvoyantAttempt) Deployment() int { return a.place }

func (a *clairvoyantAttempt) Reserved() int64 { return a.reserved }

func (a *clairvoyantAttempt) Served(r trace.Request) { a.accounts[a.place].End(a.now(), r) }

func (a *clairvoyantAttempt) Refused(time.Duration) { panic("a clairvoyant is never refused") }

func TestClairvoyantIsNeverRefused(t *testing.T) {
	for _, load := range []float64{0.5, 0.95, 1.5} {
		for _, name := range provider.PoolNames {
			pool, err := provider.Pool(name)
			require.NoError(t, err)
			traffic := generated(t, 1)
			require.NoError(t, replay.FitLoad(traffic, pool, load))
			report, err := replay.Run(t.Context(), replay.Options{Trace: traffic, Pool: pool, Policy: newClairvoyant})
			require.NoError(t, err)
			requireConsistent(t, report)
			require.Zero(t, report.Provider429)
			require.Zero(t, report.RefusedProvider)
			t.Logf("%s at %v: %d of %d tokens, quota %d", name, load, report.TokensServed, report.TokensOffered, report.QuotaTokens)
		}
	}
}

// Whoever cannot see what the providers have counted serves about as much as who
// can, but not more: that would say that the replay gives something away. (A
// call may overrun its minute, so the greedy clairvoyant is no strict bound.)
func TestEngineComesCloseToTheClairvoyant(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			pool, err := provider.Pool("standard")
			require.NoError(t, err)
			requests := tr.load(t)
			require.NoError(t, replay.FitLoad(requests, pool, 0.95))
			best, err := replay.Run(t.Context(), replay.Options{Trace: requests, Pool: pool, Policy: newClairvoyant})
			require.NoError(t, err)
			got, err := replay.Run(t.Context(), replay.Options{Trace: requests, Pool: pool, Policy: replay.Engine(engine.LeastUtilized)})
			require.NoError(t, err)
			require.InEpsilon(t, best.TokensServed, got.TokensServed, 0.05)
			t.Logf("%.2f %% of the clairvoyant's tokens", 100*float64(got.TokensServed)/float64(best.TokensServed))
		})
	}
}

func TestIdlePoolServesEverything(t *testing.T) {
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	traffic := generated(t, 1)
	require.NoError(t, replay.FitLoad(traffic, pool, 0.05))
	report, err := replay.Run(t.Context(), replay.Options{Trace: traffic, Pool: pool, Policy: newClairvoyant})
	require.NoError(t, err)
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
