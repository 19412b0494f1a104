package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestALearnedOutputLocksNothingOut: whatever was learned, and by whatever limit, a
// deployment on which nothing is used takes the demand.
func TestALearnedOutputLocksNothingOut(t *testing.T) {
	for name, c := range map[string]struct {
		limits  engine.Limits
		profile provider.Profile
	}{
		"tpm":            {engine.Limits{TPM: 6000}, provider.Profile{}},
		"output":         {engine.Limits{OutputTPM: 5000}, provider.Profile{}},
		"day":            {engine.Limits{TPD: 6000}, provider.Profile{}},
		"both":           {engine.Limits{TPM: 100_000, TPD: 7000, OutputTPM: 5500}, provider.Profile{}},
		"bucket":         {engine.Limits{TPM: 6000, OutputTPM: 5400}, provider.Profile{Shape: provider.Bucket}},
		"phase":          {engine.Limits{TPM: 6000}, provider.Profile{Phase: time.Second}},
		"pool":           {engine.Limits{TPM: 6000}, provider.Profile{Pool: "p"}},
		"weights":        {engine.Limits{TPM: 30_000}, provider.Profile{Weights: provider.Weights{Input: 1, Output: 5}}},
		"larger":         {engine.Limits{TPM: 5400}, provider.Profile{Admit: provider.AdmitLarger}},
		"input and max":  {engine.Limits{TPM: 6000}, provider.Profile{Admit: provider.AdmitInputMax}},
		"max, as input":  {engine.Limits{InputTPM: 6000}, provider.Profile{Admit: provider.AdmitMaxAsInput}},
		"bedrock mantle": {engine.Limits{InputTPM: 6000, OutputTPM: 5000}, provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitMaxAsInput}},
	} {
		for _, quantile := range []float64{0, 0.95} {
			t.Run(name, func(t *testing.T) {
				cfg := profiled(c.limits, c.profile)
				cfg.OutputQuantile, cfg.PriorityShare = quantile, []float64{1, 0.5}
				e, clock := start(t, cfg)
				g := group(t, e, "chat")
				d := engine.Demand{InputTokens: 500}
				for range 12 {
					l, err := g.Acquire(d)
					require.NoError(t, err)
					l.Settle(engine.Usage{InputTokens: 500, OutputTokens: 5600})
					clock.Advance(24 * time.Hour)
				}
				require.Greater(t, state(t, e, "a").ExpectedOutput, int64(5000))
				reserved := acquire(t, g, d)
				require.True(t, reserved.Reserved() > 500, "%d", reserved.Reserved())
				reserved.Release()
				clock.Advance(24 * time.Hour)
				_, err := g.Acquire(engine.Demand{InputTokens: 500, Priority: 1})
				require.NoError(t, err, "within the share of its class")
				clock.Advance(24 * time.Hour)
				named := refusal(t, g, engine.Demand{InputTokens: 500, OutputTokens: 100_000, MaxOutputTokens: 100_000})
				require.True(t, named.Never, "an output that is named is not cut")
			})
		}
	}
}

// TestOneAnswerTeachesOnlySoMuch: a sample counts as at most eight times what was
// known.
func TestOneAnswerTeachesOnlySoMuch(t *testing.T) {
	for _, quantile := range []float64{0, 0.95} {
		cfg := one(engine.Limits{})
		cfg.OutputQuantile, cfg.ExpectedOutput = quantile, 50
		e, _ := start(t, cfg)
		g := group(t, e, "chat")
		for range 8 {
			acquire(t, g, exactly(1)).Settle(engine.Usage{OutputTokens: 1 << 39})
		}
		require.LessOrEqual(t, state(t, e, "a").ExpectedOutput, int64(50*8*8*8*8*8*8*8*8))
		acquire(t, g, exactly(1)).Settle(engine.Usage{OutputTokens: 1})
		e, _ = start(t, cfg)
		g = group(t, e, "chat")
		for range 100 {
			acquire(t, g, exactly(1)).Settle(engine.Usage{OutputTokens: 100})
		}
		acquire(t, g, exactly(1)).Settle(engine.Usage{OutputTokens: 4_000_000})
		require.Less(t, state(t, e, "a").ExpectedOutput, int64(130))
	}
}

// TestAReportedLimitLapses: unless answers confirm it, and then one request goes
// first, which may bring it back.
func TestAReportedLimitLapses(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, clock := listening(t, engine.Limits{TPM: 10_000}, p)
			g := group(t, e, "chat")
			acquire(t, g, exactly(1)).Observe(signalOf(provider.TPM, 10, 9))
			clock.Advance(3 * time.Minute)
			acquire(t, g, exactly(1)).Observe(signalOf(provider.TPM, 10, 9)) // confirmed
			r := refusal(t, g, exactly(1000))
			require.False(t, r.Never)
			require.Equal(t, 5*time.Minute, r.RetryAfter)
			clock.Advance(r.RetryAfter - 1)
			require.EqualValues(t, 10, state(t, e, "a").Limit(engine.LimitTPM).Max)
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(1000)).Limit)
			clock.Advance(1)
			require.EqualValues(t, 10_000, state(t, e, "a").Limit(engine.LimitTPM).Max)
			first := acquire(t, g, exactly(1000))
			require.Equal(t, engine.LimitCooldown, refusal(t, g, exactly(1000)).Limit, "one goes first")
			clock.Advance(time.Second)
			first.Observe(signalOf(provider.TPM, 10, 0))
			first.Settle(engine.Usage{InputTokens: 1000})
			require.EqualValues(t, 10, state(t, e, "a").Limit(engine.LimitTPM).Max)
			clock.Advance(5 * time.Minute)
			clock.Advance(100 * time.Minute) // a bucket's debt
			acquire(t, g, exactly(1000)).Observe(answered)
			acquire(t, g, exactly(1000))
			require.EqualValues(t, 10_000, state(t, e, "a").Limit(engine.LimitTPM).Max)
		})
	}
}

// TestAReportIsInForceAsAWhole: what State shows is what is enforced, with an Apply
// between the reports too.
func TestAReportIsInForceAsAWhole(t *testing.T) {
	cfg := profiled(engine.Limits{}, provider.Profile{})
	e, clock := start(t, cfg)
	g, a := group(t, e, "chat"), ref(t, e, "a")
	big := engine.Demand{InputTokens: 1000, OutputTokens: engine.NoOutput}
	check := func() {
		t.Helper()
		s := state(t, e, "a")
		fits := s.Limit(engine.LimitInputTPM).Max == 0 || s.Limit(engine.LimitInputTPM).Max >= 1000
		l, ok := g.TryAcquire(big)
		l.Release()
		require.Equal(t, fits, ok)
		require.Equal(t, fits, a.PreCheck(big))
		require.Equal(t, fits, len(e.Explain("chat", big).Acquire) == 1)
	}
	require.NoError(t, e.Observe("a", signalOf(provider.TPM, 1_000_000, 1_000_000)))
	check()
	require.NoError(t, e.Observe("a", signalOf(provider.InputTPM, 50, 50))) // within the same second
	check()
	require.NoError(t, e.Apply(profiled(engine.Limits{}, provider.Profile{})))
	check()
	clock.Advance(time.Minute)
	require.NoError(t, e.Observe("a", signalOf(provider.InputTPM, 50, 50)))
	require.EqualValues(t, 50, state(t, e, "a").Limit(engine.LimitInputTPM).Max)
	check()
	clock.Advance(5 * time.Minute)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitInputTPM).Max)
	acquire(t, g, big).Observe(answered) // one goes first
	check()
}

// TestAPlaceholderIsNoFigure: Azure's Responses API reports a limit and a rest of -1.
func TestAPlaceholderIsNoFigure(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{TPM: 1000, RPM: 10}, p)
			g := group(t, e, "chat")
			for range 5 {
				var s provider.Signal
				for l := range provider.AllLimits() {
					s = s.With(l, provider.Reading{Limit: -1, Remaining: -1, HasRemaining: true})
				}
				acquire(t, g, exactly(100)).Observe(s)
			}
			require.InDelta(t, 500, utilization(t, e), 0.1)
		})
	}
}
