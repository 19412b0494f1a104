package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// signalOf returns the signal of an answer that reports the limit and what remains of l.
func signalOf(l provider.Limit, limit, remaining int64) provider.Signal {
	return provider.Signal{}.With(l, provider.Reading{Limit: limit, Remaining: remaining, HasRemaining: true})
}

// listening is an engine of one deployment whose requests are marked.
func listening(t *testing.T, l engine.Limits, p provider.Profile) (*engine.Engine, *handClock) {
	t.Helper()
	e, clock := start(t, profiled(l, p))
	ref(t, e, "a").Mark()
	return e, clock
}

// utilization is the share of a limit of 1000 that is used, in thousandths.
func utilization(t *testing.T, e *engine.Engine) float64 {
	t.Helper()
	return 1000 * state(t, e, "a").Utilization
}

var rules = map[string]provider.Profile{
	"minute": {}, "phase": {Phase: 20 * time.Second}, "bucket": {Shape: provider.Bucket},
}

func TestFiguresCorrectTheCounters(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{TPM: 1000}, p)
			g := group(t, e, "chat")
			first := acquire(t, g, exactly(100))
			second := acquire(t, g, exactly(50))
			first.Observe(signalOf(provider.TPM, 1000, 600)) // another client has used 300
			require.InDelta(t, 450, utilization(t, e), 0.1, "and 50 were charged since")
			second.Settle(engine.Usage{InputTokens: 20})
			require.InDelta(t, 420, utilization(t, e), 1.1)
			third := acquire(t, g, exactly(10))
			third.Observe(signalOf(provider.TPM, 1000, 900)) // it has been given back
			low := 100.
			if name == "minute" {
				low = 130 // what nodes exchange is never less than what they used
			}
			require.InDelta(t, low, utilization(t, e), 0.1)
			first.Observe(signalOf(provider.TPM, 1000, 0))
			require.InDelta(t, low, utilization(t, e), 0.1, "a later one has reported")
			fourth := acquire(t, g, exactly(1))
			fourth.Observe(signalOf(provider.TPM, 1000, -500)) // overrun
			require.InDelta(t, 1500, utilization(t, e), 0.1)
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(1)).Limit)
			_, tokens := own(e, firstMinute, "a")
			require.EqualValues(t, 100+20+10+1, tokens, "what others used is not reported as this node's")
		})
	}
}

func TestFiguresForRequests(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{RPM: 1000}, p)
			g := group(t, e, "chat")
			first := acquire(t, g, exactly(0))
			acquire(t, g, exactly(0))
			first.Observe(signalOf(provider.RPM, 1000, 700))
			require.InDelta(t, 301, utilization(t, e), 0.1)
			requests, _ := own(e, firstMinute, "a")
			require.EqualValues(t, 2, requests)
		})
	}
}

func TestFiguresWithoutAMarkOnlyRestrict(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{TPM: 1000}, p)
			acquire(t, group(t, e, "chat"), exactly(100))
			require.NoError(t, e.Observe("a", signalOf(provider.TPM, 1000, 950)))
			require.InDelta(t, 100, utilization(t, e), 0.1)
			require.NoError(t, e.Observe("a", signalOf(provider.TPM, 1000, 200)))
			require.InDelta(t, 800, utilization(t, e), 0.1)
		})
	}
}

// TestAnOperatorsOwnLimit is below the provider's: what the provider has left
// does not raise it.
func TestAnOperatorsOwnLimit(t *testing.T) {
	e, _ := listening(t, engine.Limits{TPM: 1000}, provider.Profile{})
	g := group(t, e, "chat")
	acquire(t, g, exactly(500)).Observe(signalOf(provider.TPM, 100_000, 99_990))
	require.InDelta(t, 500, utilization(t, e), 0.1)
	acquire(t, g, exactly(100)).Observe(signalOf(provider.TPM, 100_000, 150))
	require.InDelta(t, 850, utilization(t, e), 0.1, "no more than 150 are left there")
}

func TestAFigureThatIsRoundedSaysOnlySoMuch(t *testing.T) {
	e, _ := listening(t, engine.Limits{InputTPM: 10_000}, provider.Profile{Shape: provider.Bucket})
	g := group(t, e, "chat")
	s := provider.Signal{}.With(provider.InputTPM, provider.Reading{Limit: 10_000, Remaining: 8_000, HasRemaining: true, Grain: 1000})
	acquire(t, g, exactly(1_500)).Observe(s)
	require.EqualValues(t, 1_500, state(t, e, "a").Limit(engine.LimitInputTPM).Used)
	s = s.With(provider.InputTPM, provider.Reading{Limit: 10_000, Remaining: 2_000, HasRemaining: true, Grain: 1000})
	acquire(t, g, exactly(1)).Observe(s)
	require.EqualValues(t, 8_000, state(t, e, "a").Limit(engine.LimitInputTPM).Used)
}

func TestFiguresForInputOutputAndDays(t *testing.T) {
	limits := engine.Limits{InputTPM: 10_000, OutputTPM: 5_000, RPD: 100, TPD: 50_000}
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, limits, p)
			g := group(t, e, "chat")
			l := acquire(t, g, engine.Demand{InputTokens: 1000, OutputTokens: 200})
			acquire(t, g, engine.Demand{InputTokens: 10, OutputTokens: 5})
			s := signalOf(provider.InputTPM, 10_000, 6_000)
			for _, o := range []provider.Signal{
				signalOf(provider.OutputTPM, 5_000, 4_000), signalOf(provider.RPD, 100, 60), signalOf(provider.TPD, 50_000, 20_000),
			} {
				for l, r := range o.Readings() {
					s = s.With(l, r)
				}
			}
			l.Observe(s)
			st := state(t, e, "a")
			require.EqualValues(t, 4_010, st.Limit(engine.LimitInputTPM).Used)
			require.EqualValues(t, 1_005, st.Limit(engine.LimitOutputTPM).Used)
			require.EqualValues(t, 41, st.Limit(engine.LimitRPD).Used)
			require.EqualValues(t, 30_015, st.Limit(engine.LimitTPD).Used)
			for _, r := range e.Collect(nil) {
				want := window.Tally{ID: "a", Start: firstMinute.Unix(), Requests: 2, Tokens: 1215, Input: 1010, Output: 205}
				if r.Kind == window.KindDay {
					want = window.Tally{ID: "a", Kind: window.KindDay, Start: r.Start, Requests: 2, Tokens: 1215}
				}
				require.Equal(t, want, r.Tally)
			}
		})
	}
}

func TestALimitThatTheProviderHasLowered(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, clock := listening(t, engine.Limits{TPM: 1000}, p)
			g := group(t, e, "chat")
			l := acquire(t, g, exactly(100))
			l.Observe(signalOf(provider.TPM, 400, 300))
			require.EqualValues(t, 400, state(t, e, "a").Limit(engine.LimitTPM).Max)
			require.InDelta(t, 250, utilization(t, e), 0.1)
			r := refusal(t, g, exactly(401))
			require.False(t, r.Never, "only what is configured is for ever")
			require.Equal(t, 5*time.Minute, r.RetryAfter, "when the report lapses")
			require.True(t, refusal(t, g, exactly(1001)).Never)
			l.Settle(engine.Usage{InputTokens: 100})
			acquire(t, g, exactly(50)).Observe(signalOf(provider.TPM, 1000, 850))
			require.EqualValues(t, 400, state(t, e, "a").Limit(engine.LimitTPM).Max, "not twice in a second")
			clock.Advance(time.Second)
			acquire(t, g, exactly(50)).Observe(signalOf(provider.TPM, 2000, 1800))
			require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Max, "no more than configured")
			require.NoError(t, e.Apply(profiled(engine.Limits{TPM: 3000}, p)))
			require.EqualValues(t, 3000, state(t, e, "a").Limit(engine.LimitTPM).Max, "the configured limit has changed: what was reported beside the old one is forgotten")
		})
	}
}

func TestALimitThatIsNotConfigured(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{}, p)
			g := group(t, e, "chat")
			acquire(t, g, exactly(700)).Observe(signalOf(provider.TPM, 1000, 300))
			require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Max)
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(301)).Limit)
			acquire(t, g, exactly(299))
		})
	}
}

func TestAResetHoursAwayIsOfNoMinute(t *testing.T) {
	e, _ := listening(t, engine.Limits{RPM: 1000}, provider.Profile{})
	s := provider.Signal{}.With(provider.RPM, provider.Reading{Limit: 10, HasRemaining: true, Reset: time.Hour})
	acquire(t, group(t, e, "chat"), exactly(1)).Observe(s)
	require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitRPM).Max)
	require.EqualValues(t, 1, state(t, e, "a").Limit(engine.LimitRPM).Used)
}

func TestFiguresOfAWindowThatHasPassed(t *testing.T) {
	for _, p := range []provider.Profile{{}, {Phase: 20 * time.Second}} {
		e, clock := listening(t, engine.Limits{TPM: 1000}, p)
		g := group(t, e, "chat")
		old := acquire(t, g, exactly(100))
		clock.Advance(time.Minute)
		acquire(t, g, exactly(50))
		old.Observe(signalOf(provider.TPM, 1000, 0))
		require.InDelta(t, 50, utilization(t, e), 0.1)
	}
}

// TestABucketsFigureIsOfWhenTheRequestWasSent: the bucket has refilled since then.
func TestABucketsFigureIsOfWhenTheRequestWasSent(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 60_000}, provider.Profile{Shape: provider.Bucket})
	g := group(t, e, "chat")
	l := acquire(t, g, exactly(1000))
	clock.Advance(3 * time.Second)
	l.Observe(signalOf(provider.TPM, 60_000, 30_000))
	require.InDelta(t, 27_000./60_000, state(t, e, "a").Utilization, 1e-4)
}

// reset is reported as the time to the end of the provider's minute.
func reset(limit, remaining int64, after time.Duration) provider.Signal {
	return provider.Signal{}.With(provider.TPM, provider.Reading{Limit: limit, Remaining: remaining, HasRemaining: true, Reset: after})
}

func TestThePhaseIsLearnedFromResets(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Profile{LearnPhase: true})
	g := group(t, e, "chat")
	clock.Advance(10 * time.Second)
	l := acquire(t, g, exactly(600))
	l.Observe(reset(1000, 400, 12_345*time.Millisecond))
	require.InDelta(t, 600, utilization(t, e), 0.1)
	clock.Advance(12_345*time.Millisecond - 1)
	require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(401)).Limit, "a learned phase doubles no limit")
	require.InDelta(t, 150*time.Millisecond, refusal(t, g, exactly(401)).RetryAfter, float64(time.Millisecond), "it may have been judged a little later")
	clock.Advance(refusal(t, g, exactly(401)).RetryAfter)
	acquire(t, g, exactly(1000))
	clock.Advance(37 * time.Second)
	require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(1)).Limit, "the UTC minute does not matter")
}

// TestThePhaseIsLearnedFromUsageThatFell has a provider that reports only what remains,
// whose minutes begin 17 s after those of UTC, and requests that are seconds apart. What a
// call cost stays counted, so that usage falls at the end of a minute alone.
func TestThePhaseIsLearnedFromUsageThatFell(t *testing.T) {
	const phase = 17 * time.Second
	for name, c := range map[string]struct {
		profile provider.Profile
		every   time.Duration
		within  time.Duration // of the real phase, after 20 minutes; 0 = nothing is learned
	}{
		"stands":     {provider.Profile{LearnPhase: true, EstimateStands: true, Admit: provider.AdmitInputMax}, 7 * time.Second, 2 * time.Second},
		"often":      {provider.Profile{LearnPhase: true, EstimateStands: true, Admit: provider.AdmitInputMax}, 900 * time.Millisecond, 400 * time.Millisecond},
		"seldom":     {provider.Profile{LearnPhase: true, EstimateStands: true, Admit: provider.AdmitInputMax}, 25 * time.Second, 0},
		"given back": {provider.Profile{LearnPhase: true, Admit: provider.AdmitInputMax}, 7 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e, clock := listening(t, engine.Limits{TPM: 1_000_000}, c.profile)
			g := group(t, e, "chat")
			used, ends := int64(0), firstMinute.Add(phase)
			for range 20 * time.Minute / c.every {
				clock.Advance(c.every)
				for !clock.Now().Before(ends) {
					used, ends = 0, ends.Add(time.Minute)
				}
				l := acquire(t, g, exactly(1000))
				used += 1000
				l.Observe(provider.Signal{}.With(provider.TPM, provider.Reading{Remaining: 1_000_000 - used, HasRemaining: true}))
				l.Settle(engine.Usage{InputTokens: 1000})
			}
			got := ref(t, e, "a").Profile().Phase
			if c.within == 0 {
				require.Zero(t, got)
				return
			}
			require.GreaterOrEqual(t, got, phase, "never before the minute begins")
			require.LessOrEqual(t, got, phase+c.within)
		})
	}
}

// TestAPhaseThatOnlyRefusalsSayIsABucketUntilThen has a provider without figures: a
// deployment whose minutes are assumed to begin with UTC's is refused by no provider where it takes its
// minute for fuller than it is, and its phase stays unknown.
func TestAPhaseThatOnlyRefusalsSayIsABucketUntilThen(t *testing.T) {
	learn := provider.Profile{LearnPhase: true, Admit: provider.AdmitInputMax, EstimateStands: true}
	e, clock := listening(t, engine.Limits{TPM: 1000}, learn)
	g := group(t, e, "chat")
	answer := func(s provider.Signal) {
		l := acquire(t, g, exactly(10))
		l.Observe(s)
		l.Settle(engine.Usage{InputTokens: 10})
	}
	shape := func() provider.Shape { return ref(t, e, "a").Profile().Shape }
	clock.Advance(5 * time.Second)
	for range 7 {
		answer(provider.Signal{})
	}
	require.Equal(t, provider.Minute, shape())
	answer(signalOf(provider.TPM, 1000, 920))
	for range 8 {
		answer(provider.Signal{})
	}
	require.Equal(t, provider.Bucket, shape(), "eight answers in a row had no figure")
	acquire(t, g, exactly(700)).Settle(engine.Usage{InputTokens: 700})

	clock.Advance(3 * time.Second)
	used := utilization(t, e)
	l := acquire(t, g, exactly(10))
	l.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: 12_345 * time.Millisecond})
	l.Settle(engine.Usage{})
	require.Equal(t, learn.LearnPhase, ref(t, e, "a").Profile().LearnPhase)
	require.Equal(t, provider.Minute, shape())
	require.InDelta(t, 20_345*time.Millisecond, ref(t, e, "a").Profile().Phase, float64(200*time.Millisecond))
	require.InDelta(t, used+10, utilization(t, e), 1, "what the bucket had used is in this minute, in doubt, and the refused call with it")

	clock.Advance(13 * time.Second)
	acquire(t, g, exactly(100)).Settle(engine.Usage{InputTokens: 100})
	for range 20 {
		clock.Advance(time.Second)
		if l, ok := g.TryAcquire(exactly(10)); ok {
			l.Observe(provider.Signal{})
			l.Settle(engine.Usage{InputTokens: 10})
		}
	}
	require.Equal(t, provider.Minute, shape(), "what was learned stays")
}

// TestThePhaseIsNarrowedDown: resets in whole seconds say less each, and more
// together.
func TestThePhaseIsNarrowedDown(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Profile{LearnPhase: true})
	g := group(t, e, "chat")
	const end = 40*time.Second + 300*time.Millisecond // of the provider's minute
	for at := time.Duration(0); at < 30*time.Second; at += 1100 * time.Millisecond {
		acquire(t, g, exactly(1)).Observe(reset(1000, 900, (end - at + time.Second - 1).Truncate(time.Second)))
		clock.Advance(1100 * time.Millisecond)
	}
	wait := refusal(t, g, exactly(950)).RetryAfter
	ends := clock.Now().Sub(firstMinute) + wait
	require.GreaterOrEqual(t, ends, end, "never early")
	require.LessOrEqual(t, ends, end+150*time.Millisecond)
}

func TestThePhaseIsLearnedFromUsageForgotten(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Profile{LearnPhase: true})
	g := group(t, e, "chat")
	clock.Advance(10 * time.Second)
	acquire(t, g, exactly(300)).Observe(signalOf(provider.TPM, 1000, 400))
	clock.Advance(time.Second)
	acquire(t, g, exactly(100)).Observe(signalOf(provider.TPM, 1000, 900)) // its minute began in between
	require.InDelta(t, 100, utilization(t, e), 0.1)
	wait := refusal(t, g, exactly(950)).RetryAfter
	require.Greater(t, wait, 59*time.Second)
	require.LessOrEqual(t, wait, time.Minute)
}

// TestWhatLapsesFirstGoesFirst: of two equally utilized the one whose minute ends
// earlier; what is used up ranks last all the same.
func TestWhatLapsesFirstGoesFirst(t *testing.T) {
	limits := engine.Limits{TPM: 1000}
	e, clock := start(t, engine.Config{Deployments: []engine.Deployment{
		{ID: "late", Group: "chat", Limits: limits, Profile: provider.Profile{Phase: 50 * time.Second}},
		{ID: "soon", Group: "chat", Limits: limits, Profile: provider.Profile{Phase: 20 * time.Second}},
		{ID: "never", Group: "chat", Limits: limits, Profile: provider.Profile{Shape: provider.Bucket}},
	}})
	g := group(t, e, "chat")
	clock.Advance(10 * time.Second) // soon's minute ends in 10 s, late's in 40 s
	for range 10 {
		require.Equal(t, "soon", acquire(t, g, exactly(80)).Ref().ID())
	}
	require.Equal(t, "late", acquire(t, g, exactly(80)).Ref().ID(), "a fifth for 10 s is worth less than all for 40 s")
	x := e.Explain("chat", exactly(80))
	for _, c := range x.Candidates {
		require.Greater(t, c.Score, 0.0, c.ID)
	}
	require.Len(t, x.Pick, 1)
}
