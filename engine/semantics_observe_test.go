package engine_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// two are two deployments of one group, of which a is preferred.
func two() engine.Config {
	return engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat"}, {ID: "b", Group: "chat", Order: 1},
	}}
}

var answered = provider.Signal{}

func limited(after time.Duration) provider.Signal {
	return provider.Signal{Kind: provider.RateLimit, RetryAfter: after}
}

// taken returns the lease of a request, which must be on a deployment.
func taken(t *testing.T, g *engine.Group, on string) *engine.Lease {
	t.Helper()
	l := acquire(t, g, exactly(1))
	require.Equal(t, on, l.Ref().ID())
	return l
}

func TestARefusalCoolsDownForAsLongAsTheProviderSays(t *testing.T) {
	e, clock := start(t, two())
	g := group(t, e, "chat")
	l := taken(t, g, "a")
	l.Observe(limited(7 * time.Second))
	l.Settle(engine.Usage{})
	require.Equal(t, 7*time.Second, state(t, e, "a").CoolingFor)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitRPM).Used, "the provider does not count what it refuses")
	clock.Advance(7*time.Second - 1)
	taken(t, g, "b")
	clock.Advance(1)
	taken(t, g, "a")
}

func TestOneRequestGoesFirstAfterACooldown(t *testing.T) {
	e, clock := start(t, two())
	g := group(t, e, "chat")
	taken(t, g, "a").Observe(limited(5 * time.Second))
	late := taken(t, g, "b")
	clock.Advance(5 * time.Second)
	require.True(t, state(t, e, "a").HalfOpen)
	probe := taken(t, g, "a")
	taken(t, g, "b")
	ref, err := e.Ref("a")
	require.NoError(t, err)
	require.False(t, ref.PreCheck(exactly(1)))
	require.ErrorContains(t, e.PreCheck("a", exactly(1)), "refused by cooldown; retry after 5s")

	late.Observe(answered) // of another deployment
	taken(t, g, "b")
	probe.Observe(answered)
	require.False(t, state(t, e, "a").HalfOpen)
	taken(t, g, "a")
	taken(t, g, "a")
}

func TestAProbeThatFailsCoolsDownAgain(t *testing.T) {
	e, clock := start(t, two())
	g := group(t, e, "chat")
	taken(t, g, "a").Observe(provider.Signal{Kind: provider.Overloaded}) // the answer does not say for how long
	require.Equal(t, time.Second, state(t, e, "a").CoolingFor)
	for wait := 2 * time.Second; wait <= 30*time.Second; wait *= 2 {
		clock.Advance(state(t, e, "a").CoolingFor)
		taken(t, g, "a").Observe(provider.Signal{Kind: provider.Overloaded})
		require.Equal(t, wait, state(t, e, "a").CoolingFor)
	}
	clock.Advance(state(t, e, "a").CoolingFor)
	taken(t, g, "a").Observe(provider.Signal{Kind: provider.Overloaded})
	require.Equal(t, 30*time.Second, state(t, e, "a").CoolingFor, "no longer than that")
	clock.Advance(30 * time.Second)
	taken(t, g, "a").Settle(engine.Usage{InputTokens: 1}) // a usage says it too
	taken(t, g, "a")
	taken(t, g, "a").Observe(provider.Signal{Kind: provider.Overloaded})
	require.Equal(t, time.Second, state(t, e, "a").CoolingFor, "it begins again")
}

func TestAProbeWithoutAnAnswerDoesNotLast(t *testing.T) {
	e, clock := start(t, two())
	g := group(t, e, "chat")
	taken(t, g, "a").Observe(limited(10 * time.Minute))
	clock.Advance(10 * time.Minute)
	taken(t, g, "a")
	clock.Advance(10*time.Second - 1)
	taken(t, g, "b")
	clock.Advance(1)
	taken(t, g, "a")
	taken(t, g, "a")
}

func TestWhatWasSentBeforeACooldownDoesNotProveItOver(t *testing.T) {
	e, clock := start(t, two())
	g := group(t, e, "chat")
	taken(t, g, "a").Observe(answered) // from now on requests are marked
	early := taken(t, g, "a")
	clock.Advance(time.Second)
	taken(t, g, "a").Observe(limited(5 * time.Second))
	clock.Advance(5 * time.Second)
	taken(t, g, "a")
	early.Observe(answered)
	require.True(t, state(t, e, "a").HalfOpen)
	taken(t, g, "b")
}

func TestTheLastDeploymentIsNotTakenAwayByErrors(t *testing.T) {
	e, _ := start(t, two())
	g := group(t, e, "chat")
	for range 3 {
		acquire(t, g, exactly(1)).Observe(provider.Signal{Kind: provider.Other})
	}
	require.Equal(t, 2*time.Second, state(t, e, "a").CoolingFor, "the second in a row; the third went elsewhere")
	for range 5 {
		taken(t, g, "b").Observe(provider.Signal{Kind: provider.Overloaded})
	}
	taken(t, g, "b")
	l := taken(t, g, "b")
	l.Observe(limited(3 * time.Second)) // but it may say so itself
	require.Equal(t, 3*time.Second, state(t, e, "b").CoolingFor)
}

func TestWhatSaysNothingOfOthers(t *testing.T) {
	e, _ := start(t, two())
	g := group(t, e, "chat")
	for range 5 {
		taken(t, g, "a").Observe(provider.Signal{Kind: provider.TooLarge})
		taken(t, g, "a").Observe(provider.Signal{Kind: provider.Rejected})
	}
	taken(t, g, "a")
}

func TestAnEmptyAccountCoolsDownLong(t *testing.T) {
	e, _ := start(t, two())
	taken(t, group(t, e, "chat"), "a").Observe(provider.Signal{Kind: provider.NoMoney})
	require.Equal(t, 10*time.Minute, state(t, e, "a").CoolingFor)
	require.NoError(t, e.Observe("a", provider.Signal{Kind: provider.NoMoney, RetryAfter: time.Hour}))
	require.Equal(t, time.Hour, state(t, e, "a").CoolingFor)
	require.ErrorIs(t, e.Observe("c", answered), engine.ErrUnknownDeployment)
}

// TestAWaitInSecondsEndsWithItsMinute: a wait in whole seconds was rounded up.
func TestAWaitInSecondsEndsWithItsMinute(t *testing.T) {
	cfg := two()
	cfg.Deployments[0].Profile.Phase = 30 * time.Second
	e, clock := startAt(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Add(20*time.Second+400*time.Millisecond), cfg)
	g := group(t, e, "chat")
	taken(t, g, "a").Observe(limited(10 * time.Second))
	require.Equal(t, 9600*time.Millisecond, state(t, e, "a").CoolingFor)
	clock.Advance(10 * time.Second)
	taken(t, g, "a").Observe(limited(1100 * time.Millisecond))
	require.Equal(t, 1100*time.Millisecond, state(t, e, "a").CoolingFor)
}

func TestCountsRefused(t *testing.T) {
	for _, counts := range []bool{false, true} {
		for _, shape := range []provider.Shape{provider.Minute, provider.Bucket} {
			cfg := profiled(engine.Limits{RPM: 10, TPM: 1000}, provider.Profile{Shape: shape, CountsRefused: counts, Admit: provider.AdmitInputMax, EstimateStands: true})
			e, clock := start(t, cfg)
			l := acquire(t, group(t, e, "chat"), engine.Demand{InputTokens: 100, MaxOutputTokens: 50})
			l.Observe(limited(time.Second))
			l.Settle(engine.Usage{})
			clock.Advance(1) // buckets give back a sixteenth of it too little
			s := state(t, e, "a")
			want := int64(0)
			if counts {
				want = 1
			}
			require.EqualValues(t, want, s.Limit(engine.LimitRPM).Used)
			require.Zero(t, s.Limit(engine.LimitTPM).Used)
			require.InDelta(t, float64(want)/10, s.Utilization, 1e-3)
			require.EqualValues(t, 1, e.Stats().Admitted)
			require.EqualValues(t, 1, e.Stats().Settled)
		}
	}
}

// An Azure deployment whose provider is not configured, or configured as OpenAI, admits its
// whole limit: the requests that remain of Azure's ten seconds are not those of a minute. It
// admitted 80 of 600 by the remaining figures, and 100 by the limit.
func TestAzureNotNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "openai"} {
		for _, azure := range []http.Header{
			{"X-Ms-Region": {"East US"}},
			{"X-Ms-Region": {"East US"}, "X-Ratelimit-Limit-Requests": {"10"}},
			{"X-Ratelimit-Limit-Requests": {"10"}, "X-Ratelimit-Reset-Requests": {"7"}},
		} {
			e, clock := start(t, engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 60}}}})
			g := group(t, e, "chat")
			for second := range 600 {
				h := azure.Clone()
				h.Set("x-ratelimit-remaining-requests", strconv.Itoa(9-second%10))
				l := acquire(t, g, exactly(1))
				l.Observe(provider.Read(provider.Answer{Provider: name, Status: http.StatusOK, Header: h.Get}))
				l.Settle(engine.Usage{InputTokens: 1})
				clock.Advance(time.Second)
			}
		}
	}
}
