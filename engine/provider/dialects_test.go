package provider_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// How providers and gateways name waits and figures, beside the forms of
// TestRefusals. at is 12:00:30 UTC.
func TestDialects(t *testing.T) {
	type readings = map[provider.Limit]provider.Reading
	const hour = time.Hour
	for _, c := range []struct {
		name, provider string
		status         int
		headers, body  string
		after          time.Duration
		want           readings
	}{
		{"a date by the server's clock, behind ours", "", 429, "date: Wed, 04 Mar 2026 11:59:30 GMT\nretry-after: Wed, 04 Mar 2026 12:00:00 GMT", "", 30 * time.Second, nil},
		{"a date by the server's clock, ahead of ours", "", 429, "date: Wed, 04 Mar 2026 12:01:30 GMT\nretry-after: Wed, 04 Mar 2026 12:02:00 GMT", "", 30 * time.Second, nil},
		{"a Date that cannot be read", "", 429, "date: today\nretry-after: Wed, 04 Mar 2026 12:01:00 GMT", "", 30 * time.Second, nil},
		{
			"Anthropic's reset by the server's clock", "anthropic", 429,
			"date: Wed, 04 Mar 2026 11:59:30 GMT\nanthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 0\nanthropic-ratelimit-requests-reset: 2026-03-04T12:00:00Z",
			`{"type":"error","error":{"type":"rate_limit_error","message":"x"}}`, 30 * time.Second,
			readings{provider.RPM: {Limit: 50, HasRemaining: true, Reset: 30 * time.Second}},
		},
		{"days", "openai", 429, "", `{"error":{"message":"Rate limit reached on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 1 day.","code":"rate_limit_exceeded"}}`, 24 * hour, readings{provider.RPD: {Limit: 200, HasRemaining: true}}},
		{"days without a limit named", "", 429, "", `{"error":{"message":"Try again in 1 day."}}`, 24 * hour, nil},
		{"days and hours in a header", "", 429, "x-ratelimit-limit-requests: 200\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1d", "", 24 * hour, readings{provider.RPD: {Limit: 200, HasRemaining: true, Reset: 24 * hour}}},
		{"a fraction of a second, long", "gemini", 429, "", `{"error":{"code":429,"message":"Please retry in 45.837906927s.","status":"RESOURCE_EXHAUSTED"}}`, 45838 * time.Millisecond, nil},
		{"figures with commas", "openai", 429, "", `{"error":{"message":"Rate limit reached on tokens per min (TPM): Limit 30,000, Used 29,900, Requested 500. Please try again in 800ms.","code":"rate_limit_exceeded"}}`, 800 * time.Millisecond, readings{provider.TPM: {Limit: 30_000, Remaining: 100, HasRemaining: true}}},
		{"a wait with commas", "", 429, "", `Please wait 1,200 seconds`, provider.MaxRetryAfter, nil},
		{"a wait in words", "", 429, "", `Token limit is exceeded. Try again in 12 seconds.`, 12 * time.Second, nil},
		{"no wait", "", 429, "", `wait 3 times`, 0, nil},
		{"Azure: nothing in milliseconds, a second beside", "azure", 429, "retry-after-ms: 0\nretry-after: 1", `{"error":{"code":"RateLimitReached"}}`, time.Second, nil},
		{"Azure: a part of a second", "azure", 429, "retry-after-ms: 312\nretry-after: 1", "", 312 * time.Millisecond, nil},
		{"nothing in the header, a wait in the body", "", 429, "retry-after: 0", "retry in 5s", 5 * time.Second, nil},
		{"Azure: minus one of everything", "azure", 200, "x-ratelimit-limit-tokens: -1\nx-ratelimit-remaining-tokens: -1", "", 0, nil},
		{"Azure: the remaining alone", "azure", 200, "x-ratelimit-remaining-requests: 9\nx-ratelimit-remaining-tokens: 990", "", 0, readings{provider.TPM: {Remaining: 990, HasRemaining: true}}},
		{"Azure, not named: ten seconds", "", 200, "x-ratelimit-limit-requests: 10\nx-ratelimit-remaining-requests: 9\nx-ratelimit-reset-requests: 10\nx-ratelimit-limit-tokens: 60000", "", 0, readings{provider.TPM: {Limit: 60_000}}},
		{"Azure, named openai: its own header", "openai", 200, "x-ms-region: East US\nx-ratelimit-limit-requests: 10\nx-ratelimit-remaining-requests: 9\nx-ratelimit-remaining-tokens: 990", "", 0, readings{provider.TPM: {Remaining: 990, HasRemaining: true}}},
		{"Azure, not named: the remaining alone", "", 200, "x-ms-region: East US\nx-ratelimit-remaining-requests: 9\nx-ratelimit-remaining-tokens: 990", "", 0, readings{provider.TPM: {Remaining: 990, HasRemaining: true}}},
		{"Azure, not named, refused", "", 429, "azureml-model-session: d008\nx-ratelimit-limit-requests: 10\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 7\nretry-after: 7", "", 7 * time.Second, nil},
		{"plain seconds, more than ten", "", 200, "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 9\nx-ratelimit-reset-requests: 41", "", 0, readings{provider.RPM: {Limit: 60, Remaining: 9, HasRemaining: true, Reset: 41 * time.Second}}},
		{"plain seconds, refused", "", 429, "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 7", "", 7 * time.Second, readings{provider.RPM: {Limit: 60, HasRemaining: true, Reset: 7 * time.Second}}},
		{"OpenAI: 10,000 a day", "openai", 200, "x-ratelimit-limit-requests: 10000\nx-ratelimit-remaining-requests: 9999\nx-ratelimit-reset-requests: 8.64s", "", 0, readings{provider.RPD: {Limit: 10_000, Remaining: 9999, HasRemaining: true, Reset: 8640 * time.Millisecond}}},
		{"a minute that ends all at once, the first of 6000 used", "openai", 200, "x-ratelimit-limit-requests: 6000\nx-ratelimit-remaining-requests: 5999\nx-ratelimit-reset-requests: 14.4s\nx-ratelimit-reset-tokens: 14.4s", "", 0, readings{provider.RPM: {Limit: 6000, Remaining: 5999, HasRemaining: true, Reset: 14400 * time.Millisecond}, provider.TPM: {Reset: 14400 * time.Millisecond}}},
		{"the same of another provider", "groq", 200, "x-ratelimit-limit-requests: 6000\nx-ratelimit-remaining-requests: 5999\nx-ratelimit-reset-requests: 14.4s", "", 0, readings{provider.RPD: {Limit: 6000, Remaining: 5999, HasRemaining: true, Reset: 14400 * time.Millisecond}}},
		{"one of an unknown provider", "", 200, "x-ratelimit-limit-requests: 6000\nx-ratelimit-remaining-requests: 5999\nx-ratelimit-reset-requests: 14.4s", "", 0, readings{provider.RPM: {Limit: 6000, Remaining: 5999, HasRemaining: true, Reset: 14400 * time.Millisecond}}},
		{"OpenAI: 200 a day, 3 used", "openai", 200, "x-ratelimit-limit-requests: 200\nx-ratelimit-remaining-requests: 197\nx-ratelimit-reset-requests: 20m52.666s", "", 0, readings{provider.RPD: {Limit: 200, Remaining: 197, HasRemaining: true, Reset: 20*time.Minute + 52666*time.Millisecond}}},
		{"OpenAI: 3,500 a minute", "openai", 200, "x-ratelimit-limit-requests: 3500\nx-ratelimit-remaining-requests: 3499\nx-ratelimit-reset-requests: 17ms", "", 0, readings{provider.RPM: {Limit: 3500, Remaining: 3499, HasRemaining: true, Reset: 17 * time.Millisecond}}},
		{"OpenAI: a minute, all used", "openai", 200, "x-ratelimit-limit-requests: 3\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1m0s", "", 0, readings{provider.RPM: {Limit: 3, HasRemaining: true, Reset: time.Minute}}},
		{"Mistral: ten seconds", "mistral", 200, "x-ratelimit-limit-req-10-second: 60\nx-ratelimit-remaining-req-10-second: 53\nx-ratelimit-limit-tokens-minute: 2000000\nx-ratelimit-remaining-tokens-minute: 1999370", "", 0, readings{provider.RPM: {Limit: 360}, provider.TPM: {Limit: 2_000_000, Remaining: 1_999_370, HasRemaining: true}}},
		{"IETF, older", "", 429, "ratelimit-limit: 100\nratelimit-remaining: 0\nratelimit-reset: 23", "", 23 * time.Second, nil},
		{"IETF, with a window", "", 200, "ratelimit-limit: 100, 100;w=60\nratelimit-remaining: 40\nratelimit-reset: 23", "", 0, readings{provider.RPM: {Limit: 100, Remaining: 40, HasRemaining: true, Reset: 23 * time.Second}}},
		{"IETF", "", 429, "ratelimit: \"default\";r=0;t=23\nratelimit-policy: \"default\";q=100;w=60", "", 23 * time.Second, readings{provider.RPM: {Limit: 100, HasRemaining: true, Reset: 23 * time.Second}}},
		{"Cerebras: an hour used up", "cerebras", 429, "x-ratelimit-limit-tokens-hour: 1000000\nx-ratelimit-remaining-tokens-hour: 0\nx-ratelimit-reset-tokens-hour: 1800.5", "", 1800500 * time.Millisecond, readings{provider.TPH: {Limit: 1_000_000, HasRemaining: true, Reset: 1800500 * time.Millisecond}}},
		{"IETF, a day", "", 200, "ratelimit: \"d\";r=7;t=3600\nratelimit-policy: \"d\";q=1000;w=86400", "", 0, readings{provider.RPD: {Limit: 1000, Remaining: 7, HasRemaining: true, Reset: hour}}},
		{"IETF, an hour", "", 200, "ratelimit: \"h\";r=7;t=3600\nratelimit-policy: \"h\";q=1000;w=3600", "", 0, readings{provider.RPH: {Limit: 1000, Remaining: 7, HasRemaining: true, Reset: hour}}},
		{"IETF, nonsense", "", 200, "ratelimit: ;;=;\nratelimit-policy: ,,;q=;w=60,q=1;w", "", 0, nil},
		{"OpenRouter, a minute, Unix milliseconds", "", 429, "x-ratelimit-limit: 20\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 1772625660000", `{"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429}}`, 30 * time.Second, readings{provider.RPM: {Limit: 20, HasRemaining: true}}},
		{"OpenRouter, what remains is missing", "", 429, "x-ratelimit-limit: 20", `{"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429}}`, 0, readings{provider.RPM: {Limit: 20}}},
		{"OpenRouter, the limit is missing", "", 429, "x-ratelimit-remaining: 0", `{"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429}}`, 0, nil},
		{
			"OpenRouter, a day, in the body", "", 429, "", `{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1772668800000"},"provider_name":null}}}`,
			12*hour - 30*time.Second,
			readings{provider.RPD: {Limit: 50, HasRemaining: true}},
		},
		{"Kong, AI", "", 429, "x-ai-ratelimit-retry-after-60-openai: 23\nx-ai-ratelimit-remaining-60-openai: 0", `{"message":"AI token rate limit exceeded for provider(s): openai"}`, 23 * time.Second, nil},
		{"Kong", "", 200, "x-ratelimit-limit-minute: 100\nx-ratelimit-remaining-minute: 99", "", 0, readings{provider.RPM: {Limit: 100, Remaining: 99, HasRemaining: true}}},
		{"a limit of 0 that served", "", 200, "x-ratelimit-limit-requests: 0\nx-ratelimit-remaining-requests: 0\nx-ratelimit-limit-tokens: 0\nx-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 60s", "", 0, nil},
		{"a project's limit of 0 that served", "openai", 200, "x-ratelimit-limit-tokens: 900\nx-ratelimit-remaining-tokens: 800\nx-ratelimit-limit-project-tokens: 0\nx-ratelimit-remaining-project-tokens: 0", "", 0, readings{provider.TPM: {Limit: 900, Remaining: 800, HasRemaining: true}}},
		{"a limit of 0 that refused", "", 429, "x-ratelimit-limit-tokens: 0\nx-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 20s", "", 20 * time.Second, readings{provider.TPM: {HasRemaining: true, Reset: 20 * time.Second}}},
		{"headers twice, joined", "", 429, "retry-after: 3, 3\nx-ratelimit-limit-tokens: 100, 100\nx-ratelimit-remaining-tokens: 0, 0", "", 3 * time.Second, readings{provider.TPM: {Limit: 100, HasRemaining: true}}},
		{"headers twice, joined without a space", "", 429, "retry-after: 3,3\nx-ratelimit-limit-tokens: 100,100\nx-ratelimit-remaining-tokens: 7,7\nx-ratelimit-reset-tokens: 6m0s,6m0s", "", 3 * time.Second, readings{provider.TPM: {Limit: 100, Remaining: 7, HasRemaining: true, Reset: 6 * time.Minute}}},
		{"dates twice, joined", "", 429, "retry-after: Wed, 04 Mar 2026 12:00:40 GMT, Wed, 04 Mar 2026 12:00:40 GMT", "", 10 * time.Second, nil},
		{"headers twice that differ", "", 429, "retry-after: 3, 4\nx-ratelimit-limit-tokens: 100, 200", "", 0, nil},
		{"a limit with a comma", "", 200, "x-ratelimit-limit-tokens: 1,200,000", "", 0, readings{provider.TPM: {Limit: 1_200_000}}},
		{"a date with a numeric zone, as Python writes it", "", 429, "retry-after: Wed, 04 Mar 2026 12:00:40 +0000", "", 10 * time.Second, nil},
		{"a date in the past", "", 429, "retry-after: Wed, 04 Mar 2026 11:00:40 GMT", "", 0, nil},
		{"Gemini: a delay of 0, a wait in words", "gemini", 429, "", `{"error":{"code":429,"message":"Please retry in 5.8s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0s"}]}}`, 5800 * time.Millisecond, nil},
		{"Gemini: a delay as an object, a wait in words", "gemini", 429, "", `{"error":{"code":429,"message":"Please retry in 5.8s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{"seconds":5}}]}}`, 5800 * time.Millisecond, nil},
		{"MiniMax: a point in time in the body", "", 429, "", `{"error":{"message":"rate limit exceeded","retryAfter":"2026-03-04T12:00:50Z"}}`, 20 * time.Second, nil},
		{"seconds in the body", "", 429, "", `{"error":{"message":"rate limit exceeded","retry_after":12.5}}`, 12500 * time.Millisecond, nil},
		{"seconds as a text, beside the error", "", 429, "", `{"error":{"message":"rate limit exceeded"},"retry_after":"12"}`, 12 * time.Second, nil},
		{"seconds beside a text", "", 429, "", `{"error":"Rate limit exceeded","retry_after_seconds":12}`, 12 * time.Second, nil},
		{"milliseconds in the metadata", "", 429, "", `{"error":{"message":"rate limited","metadata":{"retry_after_ms":1200}}}`, 1200 * time.Millisecond, nil},
		{"seconds that are none", "", 429, "", `{"error":{"message":"Try again in 3s","retry_after":{"x":[1]},"retryAfterMs":"soon"}}`, 3 * time.Second, nil},
		{"a plan's limit until a reset", "", 429, "", `{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_in_seconds":899999}}`, 10 * time.Minute, nil},
		{"a wait of 0 in words, a reset", "", 429, "x-ratelimit-limit-tokens: 100\nx-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 9s", "try again in 0s", 9 * time.Second, readings{provider.TPM: {Limit: 100, HasRemaining: true, Reset: 9 * time.Second}}},
		{"Bedrock, quota", "bedrock", 400, "x-amzn-errortype: ServiceQuotaExceededException", `{"message":"Your request exceeds a service quota."}`, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := provider.Read(provider.Answer{Provider: c.provider, Status: c.status, Header: headers(c.headers), Body: []byte(c.body), At: at})
			if c.status >= http.StatusBadRequest {
				require.Equal(t, provider.RateLimit.String(), s.Kind.String())
			}
			require.Equal(t, c.after.String(), s.RetryAfter.String())
			for l := range provider.AllLimits() {
				require.Equal(t, c.want[l], s.Reading(l), l.String())
			}
		})
	}
}
