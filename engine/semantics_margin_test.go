package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func margined(margin float64, l engine.Limits, p provider.Profile) engine.Config {
	cfg := profiled(l, p)
	cfg.Deployments[0].Margin = margin
	return cfg
}

// TestAMarginIsLeftUnused of each limit but MaxInFlight, rounded down, but never
// below 1.
func TestAMarginIsLeftUnused(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			l := engine.Limits{RPM: 1, TPM: 10_000, InputTPM: 7, OutputTPM: 999, RPD: 101, TPD: engine.Blocked, MaxInFlight: 3}
			e, _ := start(t, margined(0.01, l, p))
			s := state(t, e, "a")
			require.EqualValues(t, 1, s.Limit(engine.LimitRPM).Max)
			require.EqualValues(t, 9_900, s.Limit(engine.LimitTPM).Max)
			require.EqualValues(t, 6, s.Limit(engine.LimitInputTPM).Max)
			require.EqualValues(t, 989, s.Limit(engine.LimitOutputTPM).Max)
			require.EqualValues(t, 99, s.Limit(engine.LimitRPD).Max)
			require.EqualValues(t, engine.Blocked, s.Limit(engine.LimitTPD).Max)
			require.EqualValues(t, 3, s.Limit(engine.LimitInFlight).Max)
			e, _ = start(t, margined(0.01, engine.Limits{TPM: 10_000}, p))
			g := group(t, e, "chat")
			require.True(t, refusal(t, g, exactly(9_901)).Never)
			acquire(t, g, exactly(9_900))
			require.NoError(t, e.Apply(margined(0, engine.Limits{TPM: 10_000}, p)))
			acquire(t, g, exactly(100))
			require.Equal(t, engine.LimitTPM, refusal(t, g, exactly(1)).Limit)
		})
	}
}

// TestFiguresKnowTheMargin: what remains is read against the provider's limit, and
// corrects the counter both ways.
func TestFiguresKnowTheMargin(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, clock := start(t, margined(0.1, engine.Limits{TPM: 1000}, p))
			g := group(t, e, "chat")
			ref(t, e, "a").Mark()
			acquire(t, g, exactly(100)).Observe(signalOf(provider.TPM, 1000, 300))
			require.InDelta(t, 700, tokensUsed(t, e), 1)
			acquire(t, g, exactly(10)).Observe(signalOf(provider.TPM, 1000, 500))
			require.InDelta(t, 500, tokensUsed(t, e), 1, "it has been given back")
			clock.Advance(time.Second)
			acquire(t, g, exactly(10)).Observe(signalOf(provider.TPM, 500, 400))
			require.EqualValues(t, 450, state(t, e, "a").Limit(engine.LimitTPM).Max, "the margin is of the limit in force")
		})
	}
}

// tokensUsed is what is used of the TPM limit, of whatever rule.
func tokensUsed(t *testing.T, e *engine.Engine) int64 {
	t.Helper()
	s := state(t, e, "a")
	return int64(s.Utilization*float64(s.Limit(engine.LimitTPM).Max) + 0.5)
}

func TestMarginsAreChecked(t *testing.T) {
	for _, m := range []float64{-0.1, 1, 1.5} {
		require.ErrorContains(t, margined(m, engine.Limits{}, provider.Profile{}).Validate(), "Deployments[0].Margin: is ")
	}
	cfg := margined(0.1, engine.Limits{TPM: 100}, provider.Profile{Pool: "p"})
	cfg.Deployments = append(cfg.Deployments, cfg.Deployments[0])
	cfg.Deployments[1].ID, cfg.Deployments[1].Margin = "b", 0.2
	require.ErrorContains(t, cfg.Validate(), `of the same Profile.Pool "p", in Margin`)
	cfg.Deployments[1].Margin, cfg.Deployments[1].DefaultMaxOutput = 0.1, -1
	require.ErrorContains(t, cfg.Validate(), "Deployments[1].DefaultMaxOutput: is -1")
}

// TestADefaultForTheMaximumOutput is charged where a request names none, by the
// profiles that charge the maximum.
func TestADefaultForTheMaximumOutput(t *testing.T) {
	for admit, want := range map[provider.Admit]int64{
		provider.AdmitExpected: 120, provider.AdmitNothing: 0, provider.AdmitInput: 100,
		provider.AdmitInputMax: 600, provider.AdmitLarger: 500, provider.AdmitMaxAsInput: 600,
	} {
		t.Run(admit.String(), func(t *testing.T) {
			cfg := profiled(engine.Limits{TPM: 10_000}, provider.Profile{Admit: admit})
			cfg.Deployments[0].DefaultMaxOutput = 500
			e, _ := start(t, cfg)
			g := group(t, e, "chat")
			require.Equal(t, want, acquire(t, g, engine.Demand{InputTokens: 100, OutputTokens: 20}).Reserved())
			named := acquire(t, g, engine.Demand{InputTokens: 100, OutputTokens: 20, MaxOutputTokens: 50})
			require.LessOrEqual(t, named.Reserved(), int64(150), "its own maximum is charged")
		})
	}
}
