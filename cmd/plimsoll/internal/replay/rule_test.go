package replay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// kindNamed returns a rule.
func kindNamed(t *testing.T, name string) *provider.Kind {
	t.Helper()
	k, err := provider.KindNamed(name)
	require.NoError(t, err)
	return &k
}

// listener is [stubborn], and records the headers that it receives.
type listener struct {
	*stubborn
	received *[]received
}

type received struct {
	at                                         time.Duration // since replay.Start
	status                                     int
	remaining, reset, requestsLeft, retryAfter string
}

func (l *listener) Admit(r trace.Request, tried []int) (replay.Attempt, bool) {
	a, ok := l.stubborn.Admit(r, tried)
	if !ok {
		return nil, false
	}
	return &listenerAttempt{a.(*stubbornAttempt), l.received}, true
}

type listenerAttempt struct {
	*stubbornAttempt
	received *[]received
}

func (a *listenerAttempt) Headers(status int, header func(name string) string, _ []byte) {
	*a.received = append(*a.received, received{
		a.now().Sub(replay.Start), status, header("x-ratelimit-remaining-tokens"), header("X-RateLimit-Reset-Tokens"),
		header("x-ratelimit-remaining-requests"), header("Retry-After"),
	})
}

// Headers come with the first token, or just before a refusal, and say how the
// accounts stood when the call was judged.
func TestHeadersStepByStep(t *testing.T) {
	var notes []note
	var got []received
	report, err := replay.Run(t.Context(), replay.Options{
		Trace: trace.Trace{
			{Arrival: 0, Input: 800, Output: 100},                // first token 0.35 s, end 1.35 s
			{Arrival: 200 * time.Millisecond, Input: 100},        // first token 0.4625 s, and end
			{Arrival: 300 * time.Millisecond, Input: 1000},       // refused 0.35 s
			{Arrival: 20 * time.Second, Input: 10, Output: 1000}, // the output of the first has been deducted
		},
		Pool: []provider.Deployment{{ID: "a", RPM: 60, TPM: 1200, PerOutputToken: 10 * time.Millisecond}},
		Policy: func(pool []provider.Deployment, now func() time.Time, seed uint64) (replay.Policy, error) {
			require.Equal(t, "bucket", pool[0].Kind.Name)
			p, err := newStubborn(&notes)(pool, now, seed)
			return &listener{p.(*stubborn), &got}, err
		},
		Kind: kindNamed(t, "bucket"),
	})
	require.NoError(t, err)
	require.Equal(t, "bucket", report.Rule)
	require.Equal(t, []received{
		// 306 left at 0.3 s: 1000 more need 694 at 20 a second. The refusal was put
		// in the queue after the first token of the same instant.
		{350 * time.Millisecond, http.StatusOK, "400", "40s", "59", ""},
		{350 * time.Millisecond, http.StatusTooManyRequests, "306", "44.7s", "58", "35"},
		{462500 * time.Microsecond, http.StatusOK, "304", "44.8s", "58", ""},
		{20251250 * time.Microsecond, http.StatusOK, "590", "30.5s", "59", ""}, // 400 - 100 - 100 + 400 - 10
	}, got)
	require.Len(t, notes, 4)
	require.Equal(t, note{350 * time.Millisecond, 0, 35 * time.Second}, notes[0])
}

// Under every rule every policy accounts for every call, in the same way on
// every run, and who is measured by the best clairvoyant is measured right.
func TestRunRule(t *testing.T) {
	kinds := provider.Kinds
	if raceEnabled {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		pool, err := provider.Pool("standard")
		require.NoError(t, err)
		requests := generated(t, 1)[:2000]
		for _, name := range replay.PolicyNames()[:3] {
			policy, err := replay.PolicyNamed(name, replay.Engine(engine.LeastUtilized))
			require.NoError(t, err)
			previous := ""
			for range 2 {
				last := 0
				o := replay.Options{
					Trace: requests, Pool: pool, Policy: policy, PolicyName: name, Kind: &kind, Seed: 3,
					Progress: func(n int) { require.GreaterOrEqual(t, n, last); last = n },
				}
				require.NoError(t, replay.FitRule(requests, o, 1.1))
				r, err := replay.RunRule(t.Context(), o)
				require.NoError(t, err)
				requireConsistent(t, r)
				require.Equal(t, replay.RuleRuns(o)*len(requests), last)
				require.Equal(t, kind.Name, r.Rule)
				if kind.Enforces {
					require.InDelta(t, float64(r.TokensServed)/float64(r.Clairvoyant.TokensServed), r.Clairvoyant.Goodput, 1e-9)
					require.Equal(t, r.Offered-r.Served-r.Clairvoyant.FewestRefused, r.Clairvoyant.Avoidable)
				} else {
					require.Nil(t, r.Clairvoyant)
					require.Zero(t, r.Provider429)
				}
				r.WallMS, r.DecisionsPerS = 0, 0
				text, err := json.Marshal(r)
				require.NoError(t, err)
				if previous != "" {
					require.Equal(t, previous, string(text))
				}
				previous = string(text)
			}
		}
	}
}

// The load is of what is charged: under Azure's rule the caps on the answers.
func TestFitRule(t *testing.T) {
	pool := []provider.Deployment{{TPM: 1000}}
	for name, want := range map[string]time.Duration{"bucket": 2 * time.Minute, "azure10": 4 * time.Minute} {
		tr := trace.Trace{{Input: 500, Output: 500, MaxOutput: 1500}, {Arrival: time.Second, Input: 500, Output: 500, MaxOutput: 1500}}
		require.NoError(t, replay.FitRule(tr, replay.Options{Pool: pool, Kind: kindNamed(t, name)}, 1))
		require.Equal(t, want, tr.Duration(), name)
		require.InEpsilon(t, 500, tr[0].Prompt(), 0.3)
		require.NotEqual(t, tr[0].Prompt(), tr[1].Prompt(), "routers misjudge prompts, each in its own way")
	}
}

func TestClairvoyantWhereNothingIsRefused(t *testing.T) {
	o := replay.Options{Trace: make(trace.Trace, 1), PolicyName: replay.ClairvoyantName, Kind: kindNamed(t, "softcap")}
	_, err := replay.RunRule(t.Context(), o)
	require.EqualError(t, err, "policy clairvoyant: under rule softcap nothing is refused, so there is nothing to foresee")
}

func TestRunRuleStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := replay.RunRule(ctx, replay.Options{Trace: make(trace.Trace, 1), Pool: []provider.Deployment{{ID: "a"}}, Kind: kindNamed(t, "bucket")})
	require.ErrorIs(t, err, context.Canceled)
}

func TestCompareUnderARule(t *testing.T) {
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	requests := generated(t, 1)[:3000]
	last := 0
	o := replay.Options{Trace: requests, Pool: pool, Kind: kindNamed(t, "bucket"), Seed: 1, Progress: func(n int) { last = n }}
	require.NoError(t, replay.FitRule(requests, o, 0.95))
	c, err := replay.Compare(t.Context(), o, replay.Engine(engine.LeastUtilized))
	require.NoError(t, err)
	require.Equal(t, replay.CompareRuns(nil, o.Kind)*len(requests), last)
	require.Equal(t, "bucket", c.Rule)
	require.Equal(t, replay.ClairvoyantName, c.Clairvoyant.Policy)
	for _, p := range c.Policies {
		require.Equal(t, "bucket", p.Rule)
		require.Equal(t, c.Clairvoyant.TokensServed, p.Clairvoyant.TokensServed)
		require.LessOrEqual(t, p.Clairvoyant.Goodput, 1.05, p.Policy)
	}
}

func TestRuleTables(t *testing.T) {
	best := &replay.ClairvoyantReport{Best: "lowest", TokensServed: 9000, Goodput: 0.9876, FewestRefused: 3, Avoidable: -1}
	report := func() *replay.Report {
		return &replay.Report{Policy: "engine", Rule: "bucket", Offered: 1000, TokensServed: 8888, QuotaTokens: 10_000, OverrunTokens: 12, Clairvoyant: best}
	}
	golden(t, "rule", report())
	golden(t, "rules", &replay.Comparison{
		Rule:        "bucket",
		Policies:    []replay.PolicyReport{{Report: report()}},
		Clairvoyant: &replay.Report{Offered: 1000, RefusedLocal: 4, TokensServed: 9000, QuotaTokens: 10_000, Clairvoyant: best},
	})
}
