package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// upTo is a demand without input whose provider reserves n tokens of output.
func upTo(n int64) engine.Demand { return engine.Demand{MaxOutputTokens: n, OutputTokens: n} }

// reserving are the profiles whose provider reserves the most output and gives back what a
// call does not use.
var reserving = map[string]provider.Admit{"input+max": provider.AdmitInputMax, "larger": provider.AdmitLarger}

// TestWhatAProviderReservedComesBackBesideItsFigure has a figure that contains the
// reservation of a call: the call's end takes it out of the provider's count, and out of
// ours, or a minute with long answers would stay full of what they did not use.
func TestWhatAProviderReservedComesBackBesideItsFigure(t *testing.T) {
	for name, admit := range reserving {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{TPM: 1000}, provider.Profile{Admit: admit})
			g := group(t, e, "chat")
			first := acquire(t, g, upTo(800))
			second := acquire(t, g, upTo(100))
			second.Observe(signalOf(provider.TPM, 1000, 50)) // others have used 50
			require.InDelta(t, 950, utilization(t, e), 0.1)
			first.Settle(engine.Usage{OutputTokens: 100})
			require.InDelta(t, 250, utilization(t, e), 0.1)
			second.Settle(engine.Usage{OutputTokens: 100})
			require.InDelta(t, 250, utilization(t, e), 0.1)
			_, tokens := own(e, firstMinute, "a")
			require.EqualValues(t, 200, tokens)
		})
	}
	for name, p := range map[string]provider.Profile{
		"the reservation was ours":        {},
		"the provider gives nothing back": {Admit: provider.AdmitInputMax, EstimateStands: true},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := listening(t, engine.Limits{TPM: 1000}, p)
			g := group(t, e, "chat")
			first := acquire(t, g, upTo(800))
			acquire(t, g, upTo(100)).Observe(signalOf(provider.TPM, 1000, 50))
			first.Settle(engine.Usage{OutputTokens: 100})
			require.InDelta(t, 950, utilization(t, e), 0.1)
		})
	}
}

// TestACallThatWasRefusedReservedNothing: its provider has nothing to give back, so that a
// figure without it stays.
func TestACallThatWasRefusedReservedNothing(t *testing.T) {
	e, _ := listening(t, engine.Limits{TPM: 1000}, provider.Profile{Admit: provider.AdmitInputMax})
	g := group(t, e, "chat")
	first := acquire(t, g, upTo(300))
	acquire(t, g, upTo(100)).Observe(signalOf(provider.TPM, 1000, 500)) // 400 of it are others'
	first.Observe(provider.Signal{Kind: provider.RateLimit})
	first.Settle(engine.Usage{})
	require.InDelta(t, 500, utilization(t, e), 0.1)
}

// TestABucketGetsBackWhatItsProviderReserved, though that much has refilled since: the
// provider adds it to the level there is. What only the engine reserved would have been
// left in the bucket all the time, and a full bucket holds no more.
func TestABucketGetsBackWhatItsProviderReserved(t *testing.T) {
	for _, c := range []struct {
		name string
		p    provider.Profile
		used float64 // after the first call's end
	}{
		{"input+max", provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitInputMax}, 0},
		{"larger", provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitLarger}, 0},
		{"expected", provider.Profile{Shape: provider.Bucket}, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, clock := start(t, profiled(engine.Limits{TPM: 6000}, c.p))
			g := group(t, e, "chat")
			first := acquire(t, g, upTo(4000))
			clock.Advance(50 * time.Second) // 5000 refill
			acquire(t, g, upTo(3000))
			require.InDelta(t, 500, utilization(t, e), 0.1)
			first.Settle(engine.Usage{OutputTokens: 100})
			require.InDelta(t, c.used, utilization(t, e), 0.1)
		})
	}
}
