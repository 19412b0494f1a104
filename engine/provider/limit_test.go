package provider_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestLimitsHaveDifferentNames: every kind has a name, a key and a field of its own, is found by
// what it counts over which span, and survives JSON.
func TestLimitsHaveDifferentNames(t *testing.T) {
	seen := map[string]bool{}
	for l := range provider.AllLimits() {
		for _, name := range []string{"name " + l.String(), "key " + l.Key(), "field " + l.Field(), "words " + l.Describe()} {
			require.False(t, seen[name], name)
			seen[name] = true
		}
		require.Equal(t, l, provider.LimitOf(l.Counts(), l.Per()))
		text, err := json.Marshal(l)
		require.NoError(t, err)
		var back provider.Limit
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, l, back)
	}
	require.Len(t, seen, 4*(provider.Limits-1))
	require.Equal(t, provider.NoLimit, provider.LimitOf(provider.InputTokens, provider.PerDay))
	var l provider.Limit
	require.ErrorContains(t, l.UnmarshalText([]byte("rpx")), "use one of none, rpm, tpm, ")
}

// TestAReadingOfNoLimit: what no provider reports is not stored, and asking for it is
// no error.
func TestAReadingOfNoLimit(t *testing.T) {
	for _, l := range []provider.Limit{provider.NoLimit, provider.InFlight, provider.Limits, 255} {
		s := provider.Signal{}.With(l, provider.Reading{Limit: 5})
		require.False(t, s.Reports(), l)
		require.Zero(t, s.Reading(l), l)
	}
}

func ExampleAllLimits() {
	for l := range provider.AllLimits() {
		fmt.Printf("%s: %s\n", l.Key(), l.Describe())
	}
	// Output:
	// rpm: requests per minute
	// tpm: tokens per minute
	// input_tpm: input tokens per minute
	// output_tpm: output tokens per minute
	// rph: requests per hour
	// tph: tokens per hour
	// rpd: requests per day
	// tpd: tokens per day
	// max_in_flight: calls in flight
}

func ExampleSignal_Readings() {
	s := provider.Signal{}.
		With(provider.TPM, provider.Reading{Limit: 60_000, Remaining: 1500, HasRemaining: true}).
		With(provider.RPD, provider.Reading{Limit: 1000})
	for l, r := range s.Readings() {
		fmt.Println(l, r.Limit, r.HasRemaining, r.Remaining)
	}
	fmt.Println(s.Reading(provider.RPM).HasRemaining)
	// Output:
	// tpm 60000 true 1500
	// rpd 1000 false 0
	// false
}
