package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// cautious plays requests that their provider answers: refused says which of them it
// refuses, by its number. It returns how much of the limit of 1000 TPM is in force after
// each.
func cautious(t *testing.T, p provider.Profile, margin float64, every time.Duration, n int, refused func(int) bool) (in []int64, e *engine.Engine) {
	t.Helper()
	cfg := profiled(engine.Limits{TPM: 1000}, p)
	cfg.Deployments[0].Margin = margin
	e, clock := start(t, cfg)
	ref(t, e, "a").Mark()
	g := group(t, e, "chat")
	for i := range n {
		clock.Advance(every)
		l := acquire(t, g, exactly(1))
		s := provider.Signal{}
		if refused(i) {
			s = provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Second}
		}
		l.Observe(s)
		l.Settle(engine.Usage{})
		in = append(in, state(t, e, "a").Limit(engine.LimitTPM).Max)
	}
	return in, e
}

// TestRefusalsTeachAMargin: a provider that refuses again within five minutes what fits by
// its limits counts more than was reserved for it.
func TestRefusalsTeachAMargin(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			in, _ := cautious(t, p, 0, 90*time.Second, 15, func(i int) bool { return i >= 1 })
			require.Equal(t, []int64{1000, 1000, 990, 980, 970, 960, 950, 940}, in[:8], "one refusal teaches nothing")
			require.EqualValues(t, 900, in[14], "a tenth at most")
		})
	}
	t.Run("seldom", func(t *testing.T) {
		in, _ := cautious(t, provider.Profile{}, 0, 301*time.Second, 6, func(int) bool { return true })
		require.Equal(t, []int64{1000, 1000, 1000, 1000, 1000, 1000}, in)
	})
	t.Run("beside a margin", func(t *testing.T) {
		in, _ := cautious(t, provider.Profile{}, 0.1, 90*time.Second, 3, func(int) bool { return true })
		require.Equal(t, []int64{900, 891, 882}, in)
	})
}

// TestALearnedMarginIsGivenUp a percent every five minutes without a refusal.
func TestALearnedMarginIsGivenUp(t *testing.T) {
	in, e := cautious(t, provider.Profile{}, 0, 61*time.Second, 40, func(i int) bool { return i < 3 })
	require.EqualValues(t, 980, in[2])
	require.EqualValues(t, 980, in[6])
	require.EqualValues(t, 990, in[7])
	require.EqualValues(t, 990, in[11])
	require.EqualValues(t, 1000, in[12])
	require.EqualValues(t, 1000, in[39])
	require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Max)
}

// TestRefusalsOfOneBurstAreOne, so that they teach nothing.
func TestRefusalsOfOneBurstAreOne(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Profile{})
	g := group(t, e, "chat")
	var burst []*engine.Lease
	for range 5 {
		burst = append(burst, acquire(t, g, exactly(1)))
	}
	for _, l := range burst {
		clock.Advance(100 * time.Millisecond)
		l.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Second})
		l.Settle(engine.Usage{})
	}
	require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Max)
}

// TestALearnedMarginMakesNothingNever: only the configuration makes a refusal final.
func TestALearnedMarginMakesNothingNever(t *testing.T) {
	_, e := cautious(t, provider.Profile{}, 0, 90*time.Second, 9, func(int) bool { return true })
	le := refusal(t, group(t, e, "chat"), exactly(950))
	require.False(t, le.Never)
	require.Equal(t, 8*5*time.Minute, le.RetryAfter, "eight refusals have taught it, and each five minutes take one back")
}

// TestRefusalsWithExactFiguresTeachNothing: the counters follow what remains. Rounded
// figures, and a rest of zero that is the refusal itself, teach.
func TestRefusalsWithExactFiguresTeachNothing(t *testing.T) {
	for name, c := range map[string]struct {
		reading provider.Reading
		left    int64
	}{
		"exact":                 {provider.Reading{Limit: 1000, Remaining: 500, HasRemaining: true}, 1000},
		"used up, with a reset": {provider.Reading{Limit: 1000, Reset: time.Second, HasRemaining: true}, 1000},
		"used up":               {provider.Reading{Limit: 1000, HasRemaining: true}, 980},
		"rounded":               {provider.Reading{Limit: 1000, Remaining: 500, Grain: 100, HasRemaining: true}, 980},
	} {
		t.Run(name, func(t *testing.T) {
			e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Profile{Shape: provider.Bucket})
			g := group(t, e, "chat")
			for range 3 {
				clock.Advance(90 * time.Second)
				l := acquire(t, g, exactly(1))
				s := provider.Signal{Kind: provider.RateLimit, RetryAfter: time.Second}
				l.Observe(s.With(provider.TPM, c.reading))
				l.Settle(engine.Usage{})
			}
			require.Equal(t, c.left, state(t, e, "a").Limit(engine.LimitTPM).Max)
		})
	}
}

// TestLearnedMarginEndsWithThePhase: once the phase of a provider's minutes is known, refusals
// from before are explained by it, and the margin that they have taught ends.
func TestLearnedMarginEndsWithThePhase(t *testing.T) {
	cfg := one(engine.Limits{TPM: 1000})
	cfg.Deployments[0].Profile = provider.Profile{LearnPhase: true}
	e, clock := startAt(t, firstMinute.Truncate(time.Minute), cfg)
	r := ref(t, e, "a")
	observe := func(s provider.Signal) int64 {
		m := r.Mark()
		clock.Advance(2 * time.Second)
		r.Observe(s, m)
		return state(t, e, "a").Limit(engine.LimitTPM).Max
	}
	require.EqualValues(t, 1000, observe(provider.Signal{Kind: provider.RateLimit}))
	require.EqualValues(t, 990, observe(provider.Signal{Kind: provider.RateLimit}))
	known := provider.Signal{}.With(provider.TPM, provider.Reading{Limit: 1000, Remaining: 900, HasRemaining: true, Reset: 21 * time.Second})
	require.EqualValues(t, 1000, observe(known))
	require.NotZero(t, r.Profile().Phase)
}
