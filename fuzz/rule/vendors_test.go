package rule_test

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// What each provider's page, or its answers, say of one call: 1000 tokens of
// prompt, of which 600 were read from a cache and 100 written to one, 200 of
// answer, at most 500 allowed.
func TestCharges(t *testing.T) {
	c := rule.Call{Input: 1000, Cached: 600, CacheWrite: 100, Output: 200, MaxOutput: 500, Model: "anthropic.claude-sonnet-4-5-v1:0"}
	tests := map[string]struct{ admitted, charged rule.Charge }{
		"fixed":          {rule.Charge{Input: 1000}, rule.Charge{Input: 1000, Output: 200}},
		"openai":         {rule.Charge{Input: 1000}, rule.Charge{Input: 1000, Output: 200}},
		"azure":          {rule.Charge{Input: 1000, Output: 500}, rule.Charge{Input: 1000, Output: 500}},
		"anthropic":      {rule.Charge{Input: 400}, rule.Charge{Input: 400, Output: 200}},
		"bedrock":        {rule.Charge{Input: 1000, Output: 500}, rule.Charge{Input: 400, Output: 1000}},
		"bedrock-mantle": {rule.Charge{Input: 1500}, rule.Charge{Input: 400, Output: 200}},
		"gemini":         {rule.Charge{Input: 1000}, rule.Charge{Input: 1000}},
		"groq":           {rule.Charge{Input: 1000, Output: 500}, rule.Charge{Input: 400, Output: 200}},
		"mistral":        {rule.Charge{Input: 1000, Output: 500}, rule.Charge{Input: 1000, Output: 500}},
		"cohere":         {rule.Charge{}, rule.Charge{Input: 1000, Output: 200}},
		"cerebras":       {rule.Charge{Input: 1000, Output: 500}, rule.Charge{Input: 1000, Output: 200}},
	}
	for name, want := range tests {
		r, ok := rule.Named(name)
		require.True(t, ok, name)
		require.Equal(t, want.admitted, r.Admitted(c), name)
		require.Equal(t, want.charged, r.Charged(c), name)
	}
	openAI, _ := rule.Named("openai")
	c.MaxOutput = 4000
	require.Equal(t, rule.Charge{Input: 1000, Output: 3000}, openAI.Admitted(c), "the larger of the two counts")
	_, ok := rule.Named("tight")
	require.False(t, ok)
}

func TestBurndown(t *testing.T) {
	bedrock, _ := rule.Named("bedrock")
	for model, want := range map[string]int64{
		"us.anthropic.claude-opus-4-8-v1:0": 15, "anthropic.claude-sonnet-5-v1:0": 10, "anthropic.claude-3-7-sonnet-20250219-v1:0": 5,
		"anthropic.claude-3-5-sonnet-20241022-v2:0": 1, "meta.llama3-70b-instruct-v1:0": 1,
	} {
		require.Equal(t, want, bedrock.Charged(rule.Call{Output: 1, Model: model}).Output, model)
	}
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).UnixNano()

func after(d time.Duration) int64 { return noon + int64(d) }

// What a call costs in the end replaces what was charged at admission, in the
// window of its admission only.
func TestEndRefunds(t *testing.T) {
	cerebras, _ := rule.Named("cerebras")
	a := cerebras.Open(rule.Limits{TPM: 1000}, 0)
	c := rule.Call{Input: 100, Output: 100, MaxOutput: 800}
	require.Nil(t, a.Admit(noon, c))
	require.NotNil(t, a.Admit(noon, c))
	a.End(after(time.Second), noon, c)
	s, _ := a.State(after(time.Second), rule.Tokens)
	require.Equal(t, int64(800), s.Left)

	require.Nil(t, a.Admit(after(59*time.Second), rule.Call{MaxOutput: 800}))
	require.Nil(t, a.Admit(after(time.Minute), rule.Call{Input: 900}))
	a.End(after(61*time.Second), after(59*time.Second), rule.Call{MaxOutput: 800})
	s, _ = a.State(after(61*time.Second), rule.Tokens)
	require.Equal(t, int64(100), s.Left, "the refund belongs to a minute that is over")
}

// A refused call of OpenAI counts as a request while requests are left.
func TestRefusedCallsCount(t *testing.T) {
	openAI, _ := rule.Named("openai")
	a := openAI.Open(rule.Limits{RPM: 2, TPM: 100}, 0)
	for range 3 {
		require.NotNil(t, a.Admit(noon, rule.Call{Input: 101}))
	}
	require.NotNil(t, a.Admit(noon, rule.Call{Input: 1}), "both requests are gone")
	require.Nil(t, a.Admit(after(30*time.Second), rule.Call{Input: 1}))
}

// Limits per hour and day.
func TestLongLimits(t *testing.T) {
	cerebras, _ := rule.Named("cerebras")
	a := cerebras.Open(rule.Limits{RPH: 2, TPD: 100}, 0)
	require.Nil(t, a.Admit(noon, rule.Call{Input: 50}))
	require.Nil(t, a.Admit(noon, rule.Call{Input: 40}))
	refusal := a.Admit(after(time.Minute), rule.Call{Input: 1})
	require.Equal(t, rule.HourRequests, refusal.Kind)
	require.Equal(t, 59*time.Minute, refusal.Wait)
	refusal = a.Admit(after(2*time.Hour), rule.Call{Input: 20})
	require.Equal(t, rule.DayTokens, refusal.Kind)
	require.Equal(t, 10*time.Hour, refusal.Wait)
	require.Nil(t, a.Admit(after(12*time.Hour), rule.Call{Input: 100}))
}

// Days of Los Angeles begin at its midnight, in summer and in winter; the system's
// time zones say when that is.
func TestPacificDays(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	from := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 5000 {
		at := from.Add(time.Duration(rng.Int64N(int64(20 * 365 * 24 * time.Hour))))
		local := at.In(zone)
		next := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
		d := rule.Days{Limit: 1, Pacific: true}
		require.True(t, d.Take(at.UnixNano(), 1))
		wait, _ := d.Wait(at.UnixNano(), 1)
		require.Equal(t, next.Sub(at), time.Duration(wait), "%v", local)
		require.True(t, d.Take(at.UnixNano()+wait, 1))
	}
}

// The bucket's arithmetic in whole numbers is that of fractions.
func TestBucketIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		limit := 1 + rng.Int64N(1<<uint(1+rng.IntN(42)))
		period := []int64{int64(time.Minute), int64(24 * time.Hour)}[rng.IntN(2)]
		b := rule.Bucket{Limit: limit, Period: period}
		level, now := new(big.Rat).SetInt64(limit), noon
		full := new(big.Rat).SetInt64(limit)
		for range 50 {
			step := rng.Int64N(1 << uint(1+rng.IntN(46)))
			now += step
			level.Add(level, new(big.Rat).Mul(full, big.NewRat(step, period)))
			if level.Cmp(full) > 0 {
				level.Set(full)
			}
			n := rng.Int64N(2*limit) - limit/4
			amount := new(big.Rat).SetInt64(n)
			if rng.IntN(2) == 0 {
				b.Add(now, n)
			} else if fits := level.Cmp(amount) >= 0; fits != b.Take(now, n) {
				t.Fatalf("limit %d, level %v: take %d, want %v", limit, level, n, fits)
			} else if !fits {
				continue
			}
			level.Sub(level, amount)
			if level.Cmp(full) > 0 {
				level.Set(full)
			}
		}
	}
}

// Every dialect, for an account with its usual limits.
func TestDialects(t *testing.T) {
	limits := rule.Limits{RPM: 60, TPM: 150_000}
	tests := map[string]struct {
		limits  rule.Limits
		headers map[string]string // some of those of a refusal; "" = absent
		body    string            // part of its body
	}{
		"openai": {limits, map[string]string{
			"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m4s", "retry-after": "5",
		}, `tokens per min (TPM): Limit 150000, Used 160000, Requested 1. Please try again in 4`},
		"azure": {limits, map[string]string{
			"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-tokens": "-10000", "x-ratelimit-reset-tokens": "60", "retry-after": "60", "retry-after-ms": "60000",
		}, `"code":"429"`},
		"azure-remaining": {limits, map[string]string{"x-ratelimit-limit-tokens": "", "x-ratelimit-remaining-tokens": "-10000", "x-ratelimit-reset-tokens": ""}, "token rate limit"},
		"azure-responses": {limits, map[string]string{"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1"}, "token rate limit"},
		"anthropic": {rule.Limits{RPM: 60, InputTPM: 150_000}, map[string]string{
			"anthropic-ratelimit-input-tokens-limit": "150000", "anthropic-ratelimit-input-tokens-remaining": "0",
			"anthropic-ratelimit-input-tokens-reset": "2026-07-01T12:01:04Z", "anthropic-ratelimit-output-tokens-limit": "", "retry-after": "5",
		}, "rate_limit_error"},
		"bedrock": {limits, map[string]string{"retry-after": "", "x-amzn-errortype": "ThrottlingException"}, "Too many tokens"},
		"gemini":  {limits, map[string]string{"retry-after": ""}, `"retryDelay":"4.000s"`},
		"groq": {rule.Limits{RPM: 30, RPD: 1000, TPM: 150_000}, map[string]string{
			"x-ratelimit-limit-requests": "1000", "x-ratelimit-reset-requests": "1m26.4s", "x-ratelimit-limit-tokens": "150000",
		}, "rate_limit_exceeded"},
		"mistral": {limits, map[string]string{"x-ratelimitbysize-remaining-minute": "0", "ratelimitbysize-reset": "60", "x-ratelimit-limit-req-minute": "60"}, "1300"},
		"cerebras": {rule.Limits{RPD: 100, TPM: 150_000}, map[string]string{
			"x-ratelimit-limit-requests-day": "100", "x-ratelimit-remaining-requests-day": "99", "x-ratelimit-reset-tokens-minute": "60.000",
		}, "token_quota_exceeded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, ok := rule.Named(name)
			require.True(t, ok)
			a := r.Open(tt.limits, 0)
			require.Nil(t, a.Admit(noon, rule.Call{}))
			a.Use(noon, rule.Charge{Input: 160_000})
			refusal := a.Admit(noon, rule.Call{Input: 1})
			require.NotNil(t, refusal)
			h := a.Headers(noon, refusal)
			for header, want := range tt.headers {
				require.Equal(t, want, h[header], "%s of %v", header, h)
			}
			for header := range h {
				require.Equal(t, strings.ToLower(header), header)
			}
			status, body := a.Body(refusal)
			require.Equal(t, 429, status)
			require.True(t, json.Valid(body))
			require.Contains(t, string(body), tt.body)
		})
	}
}

// A call above the limit gets no wait in OpenAI's message.
func TestTooLarge(t *testing.T) {
	openAI, _ := rule.Named("openai")
	a := openAI.Open(rule.Limits{TPM: 100}, 0)
	refusal := a.Admit(noon, rule.Call{Input: 101})
	require.True(t, refusal.Never)
	_, body := a.Body(refusal)
	require.Contains(t, string(body), "Request too large")
	require.NotContains(t, string(body), "try again")
}

// An account of OpenAI with a limit per day alone shows it as its requests.
func TestOpenAIDays(t *testing.T) {
	openAI, _ := rule.Named("openai")
	a := openAI.Open(rule.Limits{RPD: 10_000}, 0)
	require.Nil(t, a.Admit(noon, rule.Call{}))
	h := a.Headers(noon, nil)
	require.Equal(t, "10000", h["x-ratelimit-limit-requests"])
	require.Equal(t, "8.64s", h["x-ratelimit-reset-requests"])
}
