package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

var at = time.Date(2026, 3, 4, 12, 0, 30, 0, time.UTC)

// headers reads "name: value" lines.
func headers(lines string) func(string) string {
	m := map[string]string{}
	for line := range strings.Lines(lines) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			m[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return func(name string) string { return m[strings.ToLower(name)] }
}

type readings map[provider.Limit]provider.Reading

func TestHeaders(t *testing.T) {
	reading := func(limit, remaining int64, reset time.Duration) provider.Reading {
		return provider.Reading{Limit: limit, Remaining: remaining, HasRemaining: true, Reset: reset}
	}
	thousands := func(r provider.Reading) provider.Reading { r.Grain = 1000; return r }
	for _, c := range []struct {
		name, provider, headers string
		want                    readings
	}{
		{
			"OpenAI", "openai", `
			x-ratelimit-limit-requests: 3500
			x-ratelimit-remaining-requests: 3499
			x-ratelimit-reset-requests: 17ms
			x-ratelimit-limit-tokens: 90000
			x-ratelimit-remaining-tokens: 10000
			x-ratelimit-reset-tokens: 6m0s`,
			readings{provider.RPM: reading(3500, 3499, 17*time.Millisecond), provider.TPM: reading(90000, 10000, 6*time.Minute)},
		},
		{
			"OpenAI, the project has less", "openai", `
			x-ratelimit-limit-tokens: 90000
			x-ratelimit-remaining-tokens: 10000
			x-ratelimit-limit-project-tokens: 20000
			x-ratelimit-remaining-project-tokens: 5000`,
			readings{provider.TPM: reading(20000, 5000, 0)},
		},
		{
			"OpenAI, the project has more", "openai", `
			x-ratelimit-limit-tokens: 90000
			x-ratelimit-remaining-tokens: 10000
			x-ratelimit-limit-project-tokens: 20000
			x-ratelimit-remaining-project-tokens: 15000`,
			readings{provider.TPM: reading(90000, 10000, 0)},
		},
		{
			"Azure: bare seconds, an overrun, requests left out", "azure", `
			x-ratelimit-limit-requests: 10
			x-ratelimit-remaining-requests: 9
			x-ratelimit-reset-requests: 10
			x-ratelimit-limit-tokens: 150000
			x-ratelimit-remaining-tokens: -27689
			x-ratelimit-reset-tokens: 300`,
			readings{provider.TPM: reading(150000, -27689, 5*time.Minute)},
		},
		{
			"Anthropic: split, a point in time, rounded", "anthropic", `
			anthropic-ratelimit-requests-limit: 50
			anthropic-ratelimit-requests-remaining: 49
			anthropic-ratelimit-requests-reset: 2026-03-04T12:00:31Z
			anthropic-ratelimit-tokens-limit: 60000
			anthropic-ratelimit-tokens-remaining: 1000
			anthropic-ratelimit-input-tokens-limit: 50000
			anthropic-ratelimit-input-tokens-remaining: 41000
			anthropic-ratelimit-input-tokens-reset: 2026-03-04T12:00:41Z
			anthropic-ratelimit-output-tokens-limit: 10000
			anthropic-ratelimit-output-tokens-remaining: 10000
			anthropic-ratelimit-output-tokens-reset: 2026-03-04T12:00:30Z`,
			readings{
				provider.RPM:       reading(50, 49, time.Second),
				provider.InputTPM:  thousands(reading(50000, 41000, 11*time.Second)),
				provider.OutputTPM: thousands(reading(10000, 10000, 0)),
			},
		},
		{
			"Groq: requests of a day", "groq", `
			x-ratelimit-limit-requests: 14400
			x-ratelimit-remaining-requests: 14370
			x-ratelimit-reset-requests: 2m59.56s
			x-ratelimit-limit-tokens: 18000
			x-ratelimit-remaining-tokens: 17997
			x-ratelimit-reset-tokens: 7.66s`,
			readings{provider.RPD: reading(14400, 14370, 179560*time.Millisecond), provider.TPM: reading(18000, 17997, 7660*time.Millisecond)},
		},
		{
			"Cerebras: fractions of seconds", "cerebras", `
			x-ratelimit-limit-requests-day: 1000
			x-ratelimit-remaining-requests-day: 998
			x-ratelimit-reset-requests-day: 43169.5
			x-ratelimit-limit-tokens-minute: 60000
			x-ratelimit-remaining-tokens-minute: 59000
			x-ratelimit-reset-tokens-minute: 26.5`,
			readings{provider.RPD: reading(1000, 998, 43169500*time.Millisecond), provider.TPM: reading(60000, 59000, 26500*time.Millisecond)},
		},
		{
			"Mistral: by size", "mistral", `
			x-ratelimitbysize-limit-minute: 500000
			x-ratelimitbysize-remaining-minute: 467993
			ratelimitbysize-query-cost: 32007
			ratelimitbysize-reset: 40
			x-ratelimit-limit-req-minute: 60
			x-ratelimit-remaining-req-minute: 59`,
			readings{provider.TPM: reading(500000, 467993, 40*time.Second), provider.RPM: reading(60, 59, 0)},
		},
		{
			"Cohere: trial keys", "cohere", `
			x-trial-endpoint-call-limit: 10
			x-trial-endpoint-call-remaining: 9`,
			readings{provider.RPM: reading(10, 9, 0)},
		},
		{"Together", "together_ai", `x-tokenlimit-remaining: 1234`, readings{provider.TPM: reading(0, 1234, 0)}},
		{
			"an unknown provider with common names", "", `
			x-ratelimit-limit-requests: 60
			x-ratelimit-remaining-requests: 0
			x-ratelimit-reset-requests: Wed, 04 Mar 2026 12:00:45 GMT`,
			readings{provider.RPM: reading(60, 0, 15*time.Second)},
		},
		{
			"Unix seconds and milliseconds", "", `
			x-ratelimit-reset-requests: 1772625660
			x-ratelimit-reset-tokens: 1772625631500`,
			readings{provider.RPM: {Reset: 30 * time.Second}, provider.TPM: {Reset: 1500 * time.Millisecond}},
		},
		{
			"malformed", "openai", `
			x-ratelimit-limit-requests: many
			x-ratelimit-remaining-requests: NaN
			x-ratelimit-reset-requests: soon
			x-ratelimit-limit-tokens: -5
			x-ratelimit-remaining-tokens: 1e300
			x-ratelimit-reset-tokens: -3s`,
			readings{provider.TPM: reading(0, 1<<42, 0)},
		},
		{
			"a reset of a year", "openai", "x-ratelimit-reset-tokens: 8760h",
			readings{provider.TPM: {Reset: provider.MaxReset}},
		},
		{
			"rounded up", "openai", "x-ratelimit-reset-tokens: 1.0001s",
			readings{provider.TPM: {Reset: 1001 * time.Millisecond}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := provider.Read(provider.Answer{Provider: c.provider, Status: 200, Header: headers(c.headers), At: at})
			require.Equal(t, provider.Fine, s.Kind)
			require.Zero(t, s.RetryAfter)
			for l := range provider.AllLimits() {
				require.Equal(t, c.want[l], s.Reading(l), l.String())
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, provider string
		status         int
		headers, body  string
		kind           provider.Kind
		after          time.Duration
		want           readings
	}{
		{
			"OpenAI, tokens", "openai", 429, "",
			`{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-x on tokens per min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s. Visit https://example.com.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`,
			provider.RateLimit, 1146 * time.Millisecond,
			readings{provider.TPM: {Limit: 50000, Remaining: 2051, HasRemaining: true}},
		},
		{
			"OpenAI, milliseconds", "openai", 429, "", `{"error":{"message":"... Please try again in 84ms.","code":"rate_limit_exceeded"}}`,
			provider.RateLimit, 84 * time.Millisecond, nil,
		},
		{
			"OpenAI, minutes", "openai", 429, "", `{"error":{"message":"Please try again in 6m0s.","code":"rate_limit_exceeded"}}`,
			provider.RateLimit, 6 * time.Minute, nil,
		},
		{
			"OpenAI, too large", "openai", 429, "",
			`{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 200000, Requested 205482. The input or output tokens must be reduced.","type":"tokens","code":"rate_limit_exceeded"}}`,
			provider.TooLarge, 0,
			readings{provider.TPM: {Limit: 200000}},
		},
		{
			"OpenAI, no money", "openai", 429, "",
			`{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`,
			provider.NoMoney, 0, nil,
		},
		{
			"OpenAI, requests of a day", "openai", 429, "retry-after: 7200",
			`{"error":{"message":"Rate limit reached for x on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.","code":"rate_limit_exceeded"}}`,
			provider.RateLimit, 2 * time.Hour,
			readings{provider.RPD: {Limit: 200, HasRemaining: true}},
		},
		{
			"Groq, an estimate", "groq", 429, "retry-after: 60",
			`{"error":{"message":"Rate limit reached for model llama3-70b on tokens per minute (TPM): Limit 5000, Used 5747, Requested ~4251. Please try again in 59.977s.","type":"tokens","code":"rate_limit_exceeded"}}`,
			provider.RateLimit, time.Minute,
			readings{provider.TPM: {Limit: 5000, Remaining: -747, HasRemaining: true}},
		},
		{
			"Azure, the body's seconds", "azure", 429, "",
			`{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version x have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 7 seconds."}}`,
			provider.RateLimit, 7 * time.Second, nil,
		},
		{
			"Azure, milliseconds go before seconds", "azure", 429, "retry-after: 3\nretry-after-ms: 2000", `{"error":{"code":"429"}}`,
			provider.RateLimit, 2 * time.Second, nil,
		},
		{
			"Azure, a day", "azure", 429, "retry-after: 86400", `{"error":{"code":"429","message":"Please retry after 86400 seconds."}}`,
			provider.RateLimit, provider.MaxRetryAfter, nil,
		},
		{
			"Azure, inside a stream", "azure", 200, "retry-after: 4\nx-ratelimit-limit-tokens: 1000\nx-ratelimit-remaining-tokens: -27689",
			`{"code":"rate_limit_exceeded","message":"Too Many Requests","type":"error"}`,
			provider.RateLimit, 4 * time.Second,
			readings{provider.TPM: {Limit: 1000, Remaining: -27689, HasRemaining: true}},
		},
		{
			"response.failed", "azure", 200, "",
			`{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}}`,
			provider.RateLimit, 0, nil,
		},
		{
			"Anthropic", "anthropic", 429, "retry-after: 12", `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit"}}`,
			provider.RateLimit, 12 * time.Second, nil,
		},
		{
			"Anthropic, overloaded", "anthropic", 529, "", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
			provider.Overloaded, 0, nil,
		},
		{
			"Anthropic, overloaded inside a stream", "anthropic", 200, "", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
			provider.Overloaded, 0, nil,
		},
		{
			"Anthropic, the spend limit", "anthropic", 429, "", `{"type":"error","error":{"type":"rate_limit_error","message":"You have reached your specified API usage limits."}}`,
			provider.NoMoney, 0, nil,
		},
		{
			"Anthropic, no credit", "anthropic", 400, "", `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`,
			provider.NoMoney, 0, nil,
		},
		{
			"Anthropic, too large", "anthropic", 413, "", `{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}`,
			provider.TooLarge, 0, nil,
		},
		{
			"Gemini, a day", "gemini", 429, "",
			`{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaDimensions":{"model":"gemini-2.5-pro"},"quotaValue":"50"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s"}]}}`,
			provider.RateLimit, 19*time.Hour + 59*time.Minute + 30*time.Second, // midnight in Los Angeles is 08:00 UTC
			readings{provider.RPD: {Limit: 50, HasRemaining: true}},
		},
		{
			"Gemini, a minute, in a list", "gemini", 429, "",
			`[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute-FreeTier","quotaValue":"250000"}]},{"retryDelay":"41.5s"}]}}]`,
			provider.RateLimit, 41500 * time.Millisecond,
			readings{provider.TPM: {Limit: 250000, HasRemaining: true}},
		},
		{
			"Vertex, nothing said", "vertex_ai", 429, "", `{"error":{"code":429,"message":"Resource exhausted.","status":"RESOURCE_EXHAUSTED"}}`,
			provider.RateLimit, 0, nil,
		},
		{
			"Bedrock is no context overflow", "bedrock", 429, "", `{"message":"Too many tokens, please wait before trying again."}`,
			provider.RateLimit, 0, nil,
		},
		{
			"Bedrock, by type", "bedrock", 400, "", `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Too many requests"}`,
			provider.RateLimit, 0, nil,
		},
		{
			"the reset of what is used up", "", 429, "x-ratelimit-remaining-requests: 5\nx-ratelimit-reset-requests: 50\nx-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 20", "",
			provider.RateLimit, 20 * time.Second,
			readings{
				provider.RPM: {Remaining: 5, HasRemaining: true, Reset: 50 * time.Second}, provider.TPM: {HasRemaining: true, Reset: 20 * time.Second},
			},
		},
		{
			"a whole day is used up", "groq", 429, "retry-after: 3600\nx-ratelimit-limit-requests: 1000\nx-ratelimit-remaining-requests: 0", "",
			provider.RateLimit, time.Hour,
			readings{provider.RPD: {Limit: 1000, HasRemaining: true}},
		},
		{"an HTTP date that has passed", "", 429, "retry-after: Wed, 04 Mar 2026 11:59:00 GMT", "", provider.RateLimit, 0, nil},
		{"503", "", 503, "retry-after: 5", "<html>busy</html>", provider.Overloaded, 5 * time.Second, nil},
		{"500", "", 500, "", "not { JSON", provider.Other, 0, nil},
		{"402", "", 402, "", "", provider.NoMoney, 0, nil},
		{
			"a context overflow", "openai", 400, "", `{"error":{"message":"This model's maximum context length is 128000 tokens.","code":"context_length_exceeded"}}`,
			provider.TooLarge, 0, nil,
		},
		{"an error that is a text", "", 429, "", `{"error":"try again in 2 seconds"}`, provider.RateLimit, 2 * time.Second, nil},
		{"fields of other types", "", 429, "", `{"error":{"code":["x"],"type":7,"message":{"a":1},"details":"none"}}`, provider.RateLimit, 0, nil},
		{"a negative wait", "", 429, "retry-after: -5", "", provider.RateLimit, 0, nil},
		{"a wait that is no number", "", 429, "retry-after: NaN", "retry in 20s", provider.RateLimit, 20 * time.Second, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := provider.Read(provider.Answer{Provider: c.provider, Status: c.status, Header: headers(c.headers), Body: []byte(c.body), At: at})
			require.Equal(t, c.kind.String(), s.Kind.String())
			require.Equal(t, c.after.String(), s.RetryAfter.String())
			for l := range provider.AllLimits() {
				require.Equal(t, c.want[l], s.Reading(l), l.String())
			}
		})
	}
}

func TestNoHeadersAndNoBody(t *testing.T) {
	require.Equal(t, provider.Signal{}, provider.Read(provider.Answer{Status: 200}))
	require.Equal(t, provider.Signal{Kind: provider.RateLimit}, provider.Read(provider.Answer{Status: 429, At: at}))
}

func TestDaysEnd(t *testing.T) {
	for _, c := range []struct {
		day      provider.Day
		in, want string
	}{
		{provider.DayUTC, "2026-03-04T12:00:00Z", "2026-03-05T00:00:00Z"},
		{provider.DayPacific, "2026-03-04T12:00:00Z", "2026-03-05T08:00:00Z"},
		{provider.DayPacific, "2026-03-04T07:59:59Z", "2026-03-04T08:00:00Z"},
		{provider.DayPacific, "2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z"}, // clocks go forward: 23 hours
		{provider.DayPacific, "2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z"}, // back: 25 hours
	} {
		in, err := time.Parse(time.RFC3339, c.in)
		require.NoError(t, err)
		require.Equal(t, c.want, c.day.End(in).UTC().Format(time.RFC3339), c.in)
	}
}

// Streams end and go on without an error; only what reports one is a refusal.
func TestInBandKinds(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       provider.Kind
	}{
		{"end of a stream", "[DONE]", provider.Fine},
		{"completed", `{"type":"response.completed","response":{"status":"completed","error":null}}`, provider.Fine},
		{"a delta", `{"type":"content_block_delta","index":0}`, provider.Fine},
		{"a finished answer", `{"id":"r1","status":"completed","error":null}`, provider.Fine},
		{"an error event", `{"type":"error","code":"rate_limit_exceeded","message":"slow"}`, provider.RateLimit},
		{"a bare code", `{"code":"rate_limit_exceeded"}`, provider.RateLimit},
		{"a failed response", `{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded"}}}`, provider.RateLimit},
		{"overloaded", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, provider.Overloaded},
		{"an error of nothing known", `{"error":{}}`, provider.Other},
		{"words", "stream broke", provider.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := provider.Read(provider.Answer{Provider: "openai", Status: 200, Body: []byte(c.body), At: at})
			require.Equal(t, c.want, s.Kind)
		})
	}
}

func TestOddities(t *testing.T) {
	read := func(who string, status int, lines, body string) provider.Signal {
		return provider.Read(provider.Answer{Provider: who, Status: status, Header: headers(lines), Body: []byte(body), At: at})
	}
	t.Run("a number beyond all numbers", func(t *testing.T) {
		require.Equal(t, provider.MaxRetryAfter, read("openai", 429, "retry-after: 1e400", "").RetryAfter)
		require.Equal(t, int64(-1)<<42, read("openai", 200, "x-ratelimit-limit-tokens: 1000\nx-ratelimit-remaining-tokens: -1e400", "").Reading(provider.TPM).Remaining)
	})
	t.Run("AWS says the type in a header", func(t *testing.T) {
		s := read("bedrock", 400, "x-amzn-errortype: ThrottlingException:http://internal.amazon.com/", `{"message":"Too many tokens, please wait before trying again."}`)
		require.Equal(t, provider.RateLimit, s.Kind)
	})
	t.Run("the organization's reset is not the project's", func(t *testing.T) {
		s := read("openai", 200, "x-ratelimit-limit-tokens: 150000\nx-ratelimit-remaining-tokens: 149984\nx-ratelimit-reset-tokens: 6m0s\nx-ratelimit-remaining-project-tokens: 9000", "")
		require.Equal(t, provider.Reading{Remaining: 9000, HasRemaining: true}, s.Reading(provider.TPM))
	})
}

func TestHeadersAllocateNothing(t *testing.T) {
	for name, header := range map[string]func(string) string{
		"openai":    headers("x-ratelimit-limit-tokens: 150000\nx-ratelimit-remaining-tokens: 149984\nx-ratelimit-reset-tokens: 6m0s"),
		"azure":     headers("x-ratelimit-limit-tokens: 150000\nx-ratelimit-remaining-tokens: -5\nx-ratelimit-reset-tokens: 30"),
		"anthropic": headers("anthropic-ratelimit-input-tokens-limit: 50000\nanthropic-ratelimit-input-tokens-remaining: 4000\nanthropic-ratelimit-input-tokens-reset: 2026-03-04T12:00:59Z"),
	} {
		a := provider.Answer{Provider: name, Status: 200, Header: header, At: at}
		s := provider.Read(a)
		require.True(t, s.Reports(), name)
		require.Zero(t, testing.AllocsPerRun(100, func() { provider.Read(a) }), name)
	}
}

// A message may be long; what it says is looked for near its beginning.
func TestLongMessages(t *testing.T) {
	const says = "Please try again in 1.146s. "
	long := strings.Repeat("x", 4096-len(says))
	for _, quote := range []string{"", `"`} {
		read := func(message string) time.Duration {
			body := message
			if quote != "" {
				body = `{"error":{"message":"` + message + `"}}`
			}
			return provider.Read(provider.Answer{Provider: "openai", Status: 429, Body: []byte(body), At: at}).RetryAfter
		}
		require.Equal(t, 1146*time.Millisecond, read(long+says))
		require.Zero(t, read(long+"and more than can be read "+says))
	}
}

func TestARequestAtFaultSaysNothingOfTheDeployment(t *testing.T) {
	for status, want := range map[int]provider.Kind{
		400: provider.Rejected, 401: provider.Other, 403: provider.Other, 404: provider.Other, 405: provider.Other,
		408: provider.Other, 409: provider.Rejected, 413: provider.TooLarge, 415: provider.Rejected, 422: provider.Rejected,
		429: provider.RateLimit, 500: provider.Other, 503: provider.Overloaded,
	} {
		got := provider.Read(provider.Answer{Status: status, Body: []byte(`{"error":{"message":"no"}}`)})
		require.Equal(t, want, got.Kind, "status %d", status)
	}
	inStream := provider.Read(provider.Answer{Status: 200, Body: []byte(`{"error":{"type":"invalid_request_error","message":"no"}}`)})
	require.Equal(t, provider.Rejected, inStream.Kind)
	require.Equal(t, "rejected", inStream.Kind.String())
}
