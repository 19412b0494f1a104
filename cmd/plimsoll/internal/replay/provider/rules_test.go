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
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

func TestSoftCapTakesEverything(t *testing.T) {
	r := provider.NewSoftCap(provider.Deployment{RPM: -1, TPM: 1})
	for range 3 {
		require.Nil(t, r.Admit(time.Time{}, trace.Request{Input: 100}))
		r.End(time.Time{}, time.Time{}, trace.Request{Output: 100})
		require.True(t, r.Fits(time.Time{}, trace.Request{Input: 1 << 40}))
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

// Minutes of a provider's own begin at an instant that follows from the ID.
func TestPhaseFollowsFromTheID(t *testing.T) {
	fixed, err := provider.KindNamed("fixed-unknown")
	require.NoError(t, err)
	minute := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	phase := func(id string) time.Duration {
		states := fixed.New(provider.Deployment{ID: id, TPM: 1}).AppendStates(nil, minute)
		return states[0].Reset % time.Minute
	}
	require.NotZero(t, phase("a"))
	require.Equal(t, phase("a"), phase("a"))
	require.NotEqual(t, phase("a"), phase("b"))
}

// Every rule keeps its word under random calls: a call is admitted exactly if
// Fits says so, a refusal changes nothing, and a call that waits for Retry-After
// fits then if no other came and it fits at all.
func TestRulesKeepTheirWord(t *testing.T) {
	for _, k := range provider.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			limits := []int64{0, 1, 7, 60, 6000, -1}
			admitted, refusals, waited := 0, 0, 0
			for range 300 {
				d := provider.Deployment{ID: string(rune('a' + rng.IntN(26))), RPM: limits[rng.IntN(len(limits))], TPM: limits[rng.IntN(len(limits))]}
				r := k.New(d)
				now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
				for range 100 {
					now = now.Add(time.Duration(rng.Int64N(int64(5 * time.Second))))
					q := trace.Request{Input: rng.Int64N(100), MaxOutput: rng.Int64N(50), Output: rng.Int64N(50)}
					if rng.IntN(4) == 0 {
						r.End(now, now, q)
						continue
					}
					before, fits := r.AppendStates(nil, now), r.Fits(now, q)
					refusal := r.Admit(now, q)
					require.Equal(t, fits, refusal == nil)
					if refusal == nil {
						admitted++
						continue
					}
					refusals++
					require.Equal(t, before, r.AppendStates(nil, now), "a refusal changes nothing")
					retry := refusal.RetryAfter()
					require.GreaterOrEqual(t, retry, time.Second)
					require.Less(t, retry, 24*time.Hour)
					require.Zero(t, retry%time.Second)
					if d.RPM >= 0 && (d.TPM == 0 || k.Charge(q) <= d.TPM) && rng.IntN(2) == 0 {
						waited++
						now = now.Add(retry)
						require.True(t, r.Fits(now, q), "%+v after %v: %+v", d, retry, r.AppendStates(nil, now))
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

// The engine's reader takes from an answer what its rule put there.
func TestAnswersAreRead(t *testing.T) {
	for _, k := range provider.Kinds {
		if k.Vendor == "" {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			r := k.New(provider.Deployment{ID: "a", RPM: 6000, TPM: 6000})
			now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
			require.Nil(t, r.Admit(now, trace.Request{Input: 5000}))
			header, body := r.Answer(now, nil)
			require.Empty(t, body)
			got := signals.Read(signals.Answer{Provider: k.Vendor, Status: http.StatusOK, Header: header, At: now})
			require.Equal(t, signals.Fine, got.Kind)
			require.Zero(t, got.RetryAfter)
			tokens := got.Reading(signals.TPM)
			require.Equal(t, int64(6000), tokens.Limit)
			require.True(t, tokens.HasRemaining)
			require.Equal(t, int64(1000), tokens.Remaining)
			for _, s := range r.AppendStates(nil, now) {
				if s.Kind == rule.Tokens {
					require.InDelta(t, s.Reset.Seconds(), tokens.Reset.Seconds(), 1)
				}
			}

			refusal := r.Admit(now, trace.Request{Input: 2000})
			require.NotNil(t, refusal)
			header, body = r.Answer(now, refusal)
			got = signals.Read(signals.Answer{Provider: k.Vendor, Status: http.StatusTooManyRequests, Header: header, Body: body, At: now})
			require.Equal(t, signals.RateLimit, got.Kind)
			require.InDelta(t, refusal.Wait.Seconds(), got.RetryAfter.Seconds(), 1)
		})
	}
}
