package provider_test

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	signals "github.com/plimsoll-dev/plimsoll/engine/provider"
)

func TestSoftCapTakesEverything(t *testing.T) {
	rule := provider.NewSoftCap(provider.Deployment{RPM: -1, TPM: 1})
	for range 3 {
		_, ok := rule.Admit(time.Time{}, trace.Request{Input: 100})
		require.True(t, ok)
		rule.End(time.Time{}, trace.Request{Output: 100})
		require.True(t, rule.State(time.Time{}).Fits(1<<40))
	}
}

func TestKindNamed(t *testing.T) {
	for _, k := range provider.Kinds {
		got, err := provider.KindNamed(k.Name)
		require.NoError(t, err)
		require.Equal(t, k.Name, got.Name)
	}
	_, err := provider.KindNamed("tight")
	require.EqualError(t, err, `unknown rule "tight"; use one of fixed, fixed-unknown, bucket, azure10, azure1, sliding, softcap`)
}

// What every rule promises, under random calls: it admits what its State says
// fits, a refusal changes nothing, and whoever waits for Retry-After fits then,
// if nothing else came and the call fits at all.
func TestRulesKeepTheirWord(t *testing.T) {
	for _, k := range provider.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			limits := []int64{0, 1, 7, 60, 6000, -1}
			admitted, refusals, waited := 0, 0, 0
			for range 300 {
				d := provider.Deployment{ID: string(rune('a' + rng.IntN(26))), RPM: limits[rng.IntN(len(limits))], TPM: limits[rng.IntN(len(limits))]}
				rule := k.New(d)
				now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
				for range 100 {
					now = now.Add(time.Duration(rng.Int64N(int64(5 * time.Second))))
					r := trace.Request{Input: rng.Int64N(100), MaxOutput: rng.Int64N(50), Output: rng.Int64N(50)}
					if rng.IntN(4) == 0 {
						rule.End(now, r)
						continue
					}
					before := rule.State(now)
					retry, ok := rule.Admit(now, r)
					require.Equal(t, before.Fits(rule.Charge(r)), ok)
					if ok {
						admitted++
						require.Zero(t, retry)
						continue
					}
					refusals++
					require.Equal(t, before, rule.State(now), "a refusal changes nothing")
					require.GreaterOrEqual(t, retry, time.Second)
					require.Less(t, retry, 24*time.Hour)
					require.Zero(t, retry%time.Second)
					if d.RPM >= 0 && (d.TPM == 0 || rule.Charge(r) <= d.TPM) && rng.IntN(2) == 0 {
						waited++
						now = now.Add(retry)
						require.True(t, rule.State(now).Fits(rule.Charge(r)), "%+v after %v: %+v", d, retry, rule.State(now))
					}
				}
			}
			require.Positive(t, admitted)
			if k.Enforces {
				require.Positive(t, refusals)
				require.Positive(t, waited)
			} else {
				require.Zero(t, refusals)
			}
		})
	}
}

// What rules say in headers is what a reader of that provider's takes from them.
func TestHeadersAreRead(t *testing.T) {
	for _, k := range provider.Kinds {
		if k.Headers == nil {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			rule := k.New(provider.Deployment{ID: "a", RPM: 6000, TPM: 6000})
			now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			_, ok := rule.Admit(now, trace.Request{Input: 5000})
			require.True(t, ok)
			s := rule.State(now)
			got := signals.Read(signals.Answer{Provider: k.Vendor, Status: http.StatusOK, Header: k.Headers(s, 0), At: now})
			require.Equal(t, signals.Fine, got.Kind)
			require.Zero(t, got.RetryAfter)
			tokens := got.Readings[signals.Tokens]
			require.Equal(t, int64(6000), tokens.Limit)
			require.True(t, tokens.Told)
			require.Equal(t, int64(1000), tokens.Remaining)
			require.InDelta(t, s.Tokens.Reset.Seconds(), tokens.Reset.Seconds(), 1)

			retry, ok := rule.Admit(now, trace.Request{Input: 2000})
			require.False(t, ok)
			got = signals.Read(signals.Answer{Provider: k.Vendor, Status: http.StatusTooManyRequests, Header: k.Headers(s, retry), At: now})
			require.Equal(t, signals.RateLimit, got.Kind)
			require.Equal(t, retry, got.RetryAfter)
		})
	}
}

func TestHeaders(t *testing.T) {
	s := provider.State{
		Requests: provider.Account{Limit: 60, Left: 59, Reset: 1500 * time.Millisecond},
		Tokens:   provider.Account{Limit: 150_000, Left: -27_689, Reset: 71_100 * time.Millisecond},
	}
	openAI, azure := provider.OpenAIHeaders(s, 0), provider.AzureHeaders(s, 7*time.Second)
	for name, want := range map[string][2]string{
		"x-ratelimit-limit-requests":     {"60", "60"},
		"X-RateLimit-Remaining-Requests": {"59", "59"},
		"x-ratelimit-reset-requests":     {"1.5s", "2"},
		"x-ratelimit-limit-tokens":       {"150000", "150000"},
		"x-ratelimit-remaining-tokens":   {"0", "-27689"},
		"x-ratelimit-reset-tokens":       {"1m11.1s", "72"},
		"Retry-After":                    {"", "7"},
		"x-ratelimit-limit-images":       {"", ""},
	} {
		require.Equal(t, want, [2]string{openAI(name), azure(name)}, name)
	}
	none := provider.OpenAIHeaders(provider.State{Tokens: provider.Account{Limit: -1}}, 0)
	require.Empty(t, none("x-ratelimit-limit-requests"))
	require.Equal(t, "0", none("x-ratelimit-limit-tokens"))
}
