package transport_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// broken are ways in which a deployment fails every call, as providers, gateways and what
// stands before them answer.
var broken = []struct {
	name   string
	status int
	body   string
	header []string
}{
	// Its key, its account, its region, its model.
	{"Gemini, key", 400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`, nil},
	{"Gemini, key, in a list", 400, `[{"error":{"code":400,"message":"no","details":[{"reason":"API_KEY_INVALID"}]}}]`, nil},
	{"xAI, key", 400, `{"code":"invalid-argument","error":"Incorrect API key provided. You can obtain an API key from https://console.x.ai."}`, nil},
	{"OpenAI, model", 400, `{"error":{"code":"model_not_found","message":"The requested model 'm' does not exist.","param":"model","type":"invalid_request_error"}}`, nil},
	{"Azure, deployment", 404, `{"error":{"code":"DeploymentNotFound","message":"x"}}`, nil},
	{"Azure, model gone", 410, `{"error":{"code":"ModelDeprecated","message":"x"}}`, nil},
	{"Bedrock, model", 400, `{"message":"The provided model identifier is invalid."}`, nil},
	{"Ollama, model", 404, `{"error":"model 'm' not found"}`, nil},
	{"an error inside an error", 400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"code\":\"invalid_api_key\"}}"}}}`, nil},
	{"an answer repeated as text", 400, `{"error":{"message":"litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': 'x', 'code': 'model_not_found'}}","type":null,"code":"400"}}`, nil},
	{"events", 400, "event: error\ndata: {\"error\":{\"code\":\"invalid_api_key\"}}\n\n", []string{"Content-Type", "text/event-stream"}},
	{"XML", 400, `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>`, nil},
	{"a page", 400, `<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>`, []string{"Content-Type", "text/html"}},
	{"a firewall's page", 403, `<!DOCTYPE html><title>Attention Required!</title>`, []string{"Content-Type", "text/html"}},
	{"401", 401, `Unauthorized`, nil},
	{"403", 403, ``, nil},
	{"408", 408, `{}`, nil},
	{"409 of a known code", 409, `{"error":{"code":"lock_timeout"}}`, nil},
	{"424", 424, `{}`, nil},
	{"451", 451, `{}`, nil},
	{"500", 500, `{"error":{"message":"The server had an error","type":"server_error"}}`, nil},
	{"502, a page", 502, `<html>Bad Gateway</html>`, nil},
	{"520", 520, ``, nil},
	{"599", 599, ``, nil},

	// Limits, capacity, money.
	{"Azure, limit", 429, `{"error":{"code":"RateLimitReached","message":"x"}}`, []string{"retry-after", "1", "retry-after-ms", "0"}},
	{"OpenRouter, a day", 429, `{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"9777420800000"}}}}`, nil},
	{"Groq, limit", 429, `{"error":{"message":"Rate limit reached on tokens per minute (TPM): Limit 7000, Used 6990, Requested 200. Please try again in 1.5s.","type":"tokens","code":"rate_limit_exceeded"}}`, nil},
	{"Bedrock, throttling", 400, `{"message":"Too many requests"}`, []string{"x-amzn-errortype", "ThrottlingException"}},
	{"overloaded", 529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, nil},
	{"unavailable", 503, ``, nil},
	{"Anthropic, credit", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`, nil},
	{"OpenAI, quota", 429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":"insufficient_quota"}}`, nil},
	{"402", 402, ``, nil},
	{"Fireworks, suspended", 412, `{"error":{"message":"Account x is suspended, possibly due to reaching the monthly spending limit","code":"PRECONDITION_FAILED"}}`, nil},

	// Answers that begin well.
	{"JSON", 200, `{"error":{"message":"overloaded"}}`, []string{"Content-Type", "application/json"}},
	{"JSON, a list", 200, `[{"error":{"code":503,"status":"UNAVAILABLE"}}]`, []string{"Content-Type", "application/json"}},
	{"JSON without its type", 200, `{"error":{"code":503}}`, []string{"Content-Type", "text/plain"}},
	{"MiniMax", 200, `{"id":"x","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, []string{"Content-Type", "application/json"}},
	{"Baidu", 200, `{"error_code":18,"error_msg":"Open api qps request limit reached"}`, []string{"Content-Type", "application/json"}},
	{"FastAPI", 200, `{"detail":"Not authenticated"}`, []string{"Content-Type", "application/json"}},
	{"a portal's page", 200, `<html>Log in</html>`, []string{"Content-Type", "text/html"}},
	{"text in place of JSON", 200, `upstream connect error`, []string{"Content-Type", "application/json"}},
	{"nothing", 200, ``, []string{"Content-Type", "application/json"}},
	{"an event", 200, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", []string{"Content-Type", "text/event-stream"}},
	{"an event without a member error", 200, "data: {\"code\":500,\"message\":\"internal\"}\n\n", []string{"Content-Type", "text/event-stream"}},
	{"an event of text", 200, "data: Internal Server Error\n\n", []string{"Content-Type", "text/event-stream"}},
	{"JSON in place of events", 200, `{"error":{"code":429}}`, []string{"Content-Type", "text/event-stream"}},
	{"a page in place of events", 200, `<html></html>`, []string{"Content-Type", "text/event-stream"}},
	{"a stream without events", 200, ": ping\n\n", []string{"Content-Type", "text/event-stream"}},
	{"a stream that only ends", 200, "data: [DONE]\n\n", []string{"Content-Type", "text/event-stream"}},
	{"a redirect", 302, ``, []string{"Location", "https://elsewhere.example/"}},
	{"204", 204, ``, nil},
}

// Beside a healthy deployment a broken one is noticed, in whatever way it is broken: of a
// hundred calls, of which fifty come at once, two reach the client as errors at
// most, and the healthy one serves the others.
func TestBrokenDeployments(t *testing.T) {
	for i, tt := range broken {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := plainChat
			if i%2 == 0 || tt.status == http.StatusOK && len(tt.header) > 0 && tt.header[1] == "text/event-stream" {
				body = streamedChat
			}
			b := newBench(t, change{}, answers(tt.status, tt.body, tt.header...), &fake.Provider{})
			var served atomic.Int64
			call := func() {
				resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", body))
				if err != nil {
					return
				}
				defer func() { _ = resp.Body.Close() }()
				text, _ := io.ReadAll(resp.Body)
				if resp.StatusCode == http.StatusOK && strings.Contains(string(text), "choices") && resp.Header.Get(transport.HeaderDeployment) == "b" {
					served.Add(1)
				}
			}
			var all sync.WaitGroup
			for range 50 {
				all.Go(call)
			}
			all.Wait()
			for range 50 {
				call()
			}
			require.GreaterOrEqual(t, served.Load(), int64(98), body)
			b.atRest(t)
		})
	}
}
