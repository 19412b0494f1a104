package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// profiled is one with a profile.
func profiled(l engine.Limits, p provider.Profile) engine.Config {
	cfg := one(l)
	cfg.Deployments[0].Profile = p
	return cfg
}

func TestABucketRefillsAllTheTime(t *testing.T) {
	e, clock := start(t, profiled(engine.Limits{TPM: 50_000}, provider.Profile{Shape: provider.Bucket}))
	g := group(t, e, "chat")
	acquire(t, g, exactly(47_949))
	refused := refusal(t, g, exactly(3_006))
	require.Equal(t, engine.LimitTPM, refused.Limit)
	require.InDelta(t, 1146*time.Millisecond, refused.RetryAfter, float64(time.Millisecond))
	clock.Advance(refused.RetryAfter - 1)
	require.Equal(t, time.Duration(1), refusal(t, g, exactly(3_006)).RetryAfter)
	clock.Advance(1)
	l := acquire(t, g, exactly(3_006))
	require.InDelta(t, 1, state(t, e, "a").Utilization, 1e-4)
	l.Settle(engine.Usage{InputTokens: 3_006, OutputTokens: 25_000}) // into debt
	clock.Advance(30*time.Second + 2)
	require.InDelta(t, 1, state(t, e, "a").Utilization, 1e-4, "debt is worked off first")
	clock.Advance(30 * time.Second)
	require.InDelta(t, 0.5, state(t, e, "a").Utilization, 1e-4)
}

func TestWeightsAndAdmission(t *testing.T) {
	p := provider.Profile{Admit: provider.AdmitInputMax, Weights: provider.Weights{Input: 1, CacheWrite: 1, Output: 5}}
	e, _ := start(t, profiled(engine.Limits{TPM: 10_000}, p))
	l := acquire(t, group(t, e, "chat"), engine.Demand{InputTokens: 1000, OutputTokens: 100, MaxOutputTokens: 400})
	require.EqualValues(t, 1400, l.Reserved(), "the most it may produce, not what is expected")
	l.Settle(engine.Usage{InputTokens: 1000, CachedInputTokens: 600, OutputTokens: 100})
	require.EqualValues(t, 400+5*100, state(t, e, "a").Limit(engine.LimitTPM).Used)
}

func TestAnEstimateThatStands(t *testing.T) {
	p := provider.Profile{Admit: provider.AdmitInputMax, EstimateStands: true}
	e, _ := start(t, profiled(engine.Limits{TPM: 10_000}, p))
	l := acquire(t, group(t, e, "chat"), engine.Demand{InputTokens: 1000, MaxOutputTokens: 400})
	l.Settle(engine.Usage{InputTokens: 900, OutputTokens: 10})
	require.EqualValues(t, 1400, state(t, e, "a").Limit(engine.LimitTPM).Used)
}

// TestAnEstimateThatStandsCountsNoOutputTwice: output that was counted as input, or within the
// larger of both, and output that was streamed are not added at the end.
func TestAnEstimateThatStandsCountsNoOutputTwice(t *testing.T) {
	for admit, reserved := range map[provider.Admit]int64{provider.AdmitMaxAsInput: 1400, provider.AdmitLarger: 1000, provider.AdmitInputMax: 1400} {
		p := provider.Profile{Admit: admit, EstimateStands: true}
		cfg := profiled(engine.Limits{TPM: 10_000, InputTPM: 10_000, OutputTPM: 10_000}, p)
		cfg.Callers = []engine.Caller{{ID: "team", Profile: p}}
		e, _ := start(t, cfg)
		l := acquire(t, group(t, e, "chat"), by(callerRef(t, e, "team"), engine.Demand{InputTokens: 1000, OutputTokens: 1, MaxOutputTokens: 400}))
		require.Equal(t, reserved, l.Reserved(), admit)
		l.Add(50)
		l.Settle(engine.Usage{InputTokens: 900, OutputTokens: 60})
		s := state(t, e, "a")
		require.Equal(t, reserved, s.Limit(engine.LimitTPM).Used, admit)
		require.Equal(t, reserved, s.Limit(engine.LimitInputTPM).Used+s.Limit(engine.LimitOutputTPM).Used, admit)
		require.Equal(t, reserved, callerState(t, e, "team").Limit(engine.LimitTPM).Used, admit)
	}
}

// TestAnEstimateThatStandsAddsNoOutput: also if no output was counted at admission.
func TestAnEstimateThatStandsAddsNoOutput(t *testing.T) {
	for _, admit := range []provider.Admit{provider.AdmitInput, provider.AdmitExpected} {
		p := provider.Profile{Admit: admit, EstimateStands: true}
		cfg := profiled(engine.Limits{TPM: 10_000, OutputTPM: 10_000}, p)
		cfg.Callers = []engine.Caller{{ID: "team", Profile: p}}
		e, _ := start(t, cfg)
		l := acquire(t, group(t, e, "chat"), by(callerRef(t, e, "team"), exactly(1000)))
		l.Settle(engine.Usage{InputTokens: 900, OutputTokens: 60})
		require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Used, admit)
		require.Zero(t, state(t, e, "a").Limit(engine.LimitOutputTPM).Used, admit)
		require.EqualValues(t, 1000, callerState(t, e, "team").Limit(engine.LimitTPM).Used, admit)
	}
}

func TestDaysOfThePacific(t *testing.T) {
	e, clock := startAt(t, time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC), // one in the morning there, of 23 hours
		profiled(engine.Limits{RPD: 1}, provider.Profile{Day: provider.DayPacific}))
	g := group(t, e, "chat")
	acquire(t, g, exactly(1))
	require.Equal(t, 22*time.Hour, refusal(t, g, exactly(1)).RetryAfter)
	clock.Advance(22 * time.Hour)
	acquire(t, g, exactly(1))
}

// TestAProfileMayChange: the new rule begins with nothing used, and leases from
// before do not disturb it.
func TestAProfileMayChange(t *testing.T) {
	limits := engine.Limits{TPM: 1000, RPM: 10}
	e, _ := start(t, profiled(limits, provider.Profile{}))
	g := group(t, e, "chat")
	before := acquire(t, g, exactly(900))
	require.NoError(t, e.Apply(profiled(limits, provider.Profile{Shape: provider.Bucket})))
	during := acquire(t, g, exactly(1000))
	before.Release()
	require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(100)).Limit)
	require.NoError(t, e.Apply(profiled(engine.Limits{TPM: 3000, RPM: 10}, provider.Profile{Shape: provider.Bucket})))
	require.Equal(t, 20*time.Second, refusal(t, g, exactly(3000)).RetryAfter, "1000 are used still")
	during.Release()
	acquire(t, g, exactly(2999))
	require.NoError(t, e.Apply(profiled(limits, provider.Profile{})))
	require.EqualValues(t, 2999, state(t, e, "a").Limit(engine.LimitTPM).Used, "the cell counted all the time")
}

func TestAProfileIsValidated(t *testing.T) {
	err := profiled(engine.Limits{}, provider.Profile{Phase: -1, Shape: 9}).Validate()
	require.ErrorContains(t, err, "Deployments[0].Profile.Shape is 9")
	require.ErrorContains(t, err, "Deployments[0].Profile.Phase is -1ns")
}

// TestAClassStopsAtItsShareOfABucket: and what has come back since is its too.
func TestAClassStopsAtItsShareOfABucket(t *testing.T) {
	cfg := profiled(engine.Limits{TPM: 1000, RPM: 100}, provider.Profile{Shape: provider.Bucket, RequestWindow: 10 * time.Second})
	cfg.PriorityShare = []float64{1, 0.5}
	e, clock := start(t, cfg)
	g := group(t, e, "chat")
	batch := func(n int64) engine.Demand {
		d := exactly(n)
		d.Priority = 1
		return d
	}
	require.True(t, refusal(t, g, batch(501)).Never)
	acquire(t, g, batch(500))
	require.Equal(t, engine.LimitTPM, refusal(t, g, batch(1)).Limit)
	acquire(t, g, exactly(500))
	clock.Advance(31 * time.Second)
	acquire(t, g, batch(1))
	for range 5 { // of the sixteen requests in 10 s, a class may have eight
		acquire(t, g, batch(0))
	}
}

// TestBucketsSeeOtherNodes: what others have newly charged in a UTC minute is
// added to the level, once, and goes away as this node's own does.
func TestBucketsSeeOtherNodes(t *testing.T) {
	for name, p := range map[string]provider.Profile{"bucket": {Shape: provider.Bucket}, "phase": {Phase: 25 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			e, clock := start(t, profiled(engine.Limits{TPM: 1000, RPM: 20}, p))
			g := group(t, e, "chat")
			others(e, firstMinute, "a", 10, 600)
			others(e, firstMinute, "a", 10, 600)
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(401)).Limit)
			acquire(t, g, exactly(300))
			others(e, firstMinute, "a", 19, 700)
			require.Equal(t, engine.LimitRPM, refusal(t, g, exactly(0)).Limit)
			next := firstMinute.Add(time.Minute)
			others(e, next, "a", 1, 200) // ahead of its minute
			clock.Advance(time.Minute)
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(801)).Limit)
			acquire(t, g, exactly(800))
			_, tokens := own(e, next, "a")
			require.EqualValues(t, 800, tokens, "what others used is not reported as this node's")
		})
	}
}

// TestAClockSetBack: windows that follow the clock go on where they have got to,
// and what is given back comes off them.
func TestAClockSetBack(t *testing.T) {
	e, clock := start(t, profiled(engine.Limits{RPM: 12, TPM: 1000}, provider.Profile{RequestWindow: 10 * time.Second, Phase: 5 * time.Second}))
	g, r := group(t, e, "chat"), ref(t, e, "a")
	clock.Advance(16 * time.Second)
	kept := acquire(t, g, exactly(600))
	clock.Advance(-2 * time.Second)
	l := acquire(t, g, exactly(400))
	require.Equal(t, engine.LimitRPM, refusal(t, g, exactly(0)).Limit, "two in 10 s")
	require.False(t, r.PreCheck(engine.Demand{}))
	l.Release()
	require.True(t, r.PreCheck(engine.Demand{}))
	clock.Advance(11 * time.Second)
	require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(401)).Limit)
	acquire(t, g, exactly(0)).Release()
	kept.Release()
	acquire(t, g, exactly(1000))
}
