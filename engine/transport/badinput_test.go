package transport_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

func TestRefusedRequests(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		status                   int
		code, message            string
	}{
		{"unknown model", "POST", "/chat/completions", `{"model":"nobody"}`, 404, `"model_not_found"`, `does not exist`},
		{"no model", "POST", "/chat/completions", `{"messages":[]}`, 400, `"missing_required_parameter"`, `model: a text is needed`},
		{"model is a number", "POST", "/chat/completions", `{"model":7}`, 400, `"missing_required_parameter"`, `model: a text is needed`},
		{"not JSON", "POST", "/chat/completions", `model=chat`, 400, `null`, `the body cannot be used: it is not JSON`},
		{"cut JSON", "POST", "/chat/completions", `{"model":"chat"`, 400, `null`, `its JSON is incomplete`},
		{"a list", "POST", "/chat/completions", `[]`, 400, `null`, `it is not a JSON object`},
		{"two objects", "POST", "/chat/completions", `{"model":"chat"} {}`, 400, `null`, `something follows`},
		{"empty", "POST", "/chat/completions", ``, 400, `null`, `it is empty`},
		{"unknown path", "POST", "/images", `{}`, 404, `"unknown_url"`, `unknown path`},
		{"wrong method", "GET", "/chat/completions", ``, 405, `"method_not_supported"`, `only POST`},
		{"larger than allowed", "POST", "/chat/completions", `{"model":"chat","x":"` + strings.Repeat("x", 1000) + `"}`, 413, `"request_too_large"`, "larger than 500 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &fake.Provider{}
			b := newBench(t, change{edit: func(c *transport.Config) { c.MaxBody = 500 }}, p)
			r := request(t.Context(), t, tt.path, tt.body)
			r.Method = tt.method
			resp, text := b.send(t, r)
			require.Equal(t, tt.status, resp.StatusCode)
			require.Contains(t, text, tt.message)
			require.Contains(t, text, `"code":`+tt.code)
			require.Contains(t, text, `"type":"invalid_request_error"`)
			require.Equal(t, "false", resp.Header.Get("X-Should-Retry"))
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			require.Empty(t, resp.Header.Get(transport.HeaderDeployment))
			require.Zero(t, p.Served.Load())
			require.Zero(t, b.eng.Stats().Admitted)
		})
	}
}

// The engine's refusal looks like a provider's.
func TestLimitRefusals(t *testing.T) {
	tests := []struct {
		name, path, body string
		limits           engine.Limits
		api              transport.API
		first            int // requests before it
		want             string
		after, retry     string
	}{
		{
			name: "requests", path: "/chat/completions", limits: engine.Limits{RPM: 1}, body: plainChat, first: 1, after: "40",
			want: `{"error":{"message":"Rate limit reached for \"chat\" (rpm). Please try again in 40s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`,
		},
		{
			name: "tokens, Anthropic", path: "/messages", limits: engine.Limits{TPM: 300}, body: plainChat, api: transport.Anthropic, first: 2, after: "40",
			want: `{"type":"error","error":{"type":"rate_limit_error","message":"Rate limit reached for \"chat\" (tpm). Please try again in 40s."}}`,
		},
		{
			name: "never", path: "/chat/completions", limits: engine.Limits{TPM: 5}, body: plainChat, retry: "false",
			want: `{"error":{"message":"Request too large for \"chat\": it will not fit its limits (tpm).","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, change{limits: tt.limits, api: tt.api}, answers(200, `{"usage":{"input_tokens":140,"output_tokens":10}}`))
			for range tt.first {
				resp, _ := b.post(t, tt.path, tt.body)
				require.Equal(t, 200, resp.StatusCode)
			}
			resp, text := b.post(t, tt.path, tt.body)
			require.Equal(t, 429, resp.StatusCode)
			require.Equal(t, "429 Too Many Requests", resp.Status)
			require.JSONEq(t, tt.want, text)
			require.Equal(t, tt.after, resp.Header.Get("Retry-After"))
			require.Equal(t, tt.retry, resp.Header.Get("X-Should-Retry"))
			b.atRest(t)
		})
	}
}

// A body above the limit is refused, whether its length is declared or not, and no
// header changes that.
func TestLargeBodies(t *testing.T) {
	large := `{"model":"model-a","messages":[{"role":"user","content":"` + strings.Repeat("long ", 1000) + `out=25"}]}`
	for _, declared := range []bool{true, false} {
		p := &fake.Provider{}
		b := newBench(t, change{edit: func(c *transport.Config) { c.MaxBody = 500 }}, p)
		r := request(t.Context(), t, "/chat/completions", large)
		r.Header.Set(transport.HeaderGroup, "chat")
		if !declared {
			r.Body, r.ContentLength, r.GetBody = io.NopCloser(strings.NewReader(large)), -1, nil
		}
		resp, text := b.send(t, r)
		require.Equal(t, 413, resp.StatusCode)
		require.Contains(t, text, "request_too_large")
		require.Zero(t, p.Served.Load())
		require.Zero(t, b.eng.Stats().Admitted)
	}
}

// Parsers differ about members that stand twice or in another case, so a provider
// could read another model than the one that was admitted.
func TestAmbiguousBodies(t *testing.T) {
	for _, body := range []string{
		`{"model":"chat","model":"chat"}`,
		`{"model":"chat","MODEL":"expensive"}`,
		`{"Model":"expensive","model":"chat"}`,
		`{"model":"chat","mod\u0065l":"expensive"}`,
		`{"model":"chat","max_toKens":9}`,
		`{"model":"chat","ſtream":true}`,
		`{"model":"chat","Max_Completion_Tokens":1}`,
		`{"model":"chat","stream":false,"x":1,"stream":true}`,
		`{"model":"chat","N":100}`,
	} {
		p := &fake.Provider{}
		b := newBench(t, change{}, p)
		resp, text := b.post(t, "/chat/completions", body)
		require.Equal(t, 400, resp.StatusCode, body)
		require.Contains(t, text, "stands twice or in another case")
		require.Zero(t, p.Served.Load())
	}
	b := newBench(t, change{}, &fake.Provider{})
	resp, _ := b.post(t, "/chat/completions", `{"model":"chat","x":1,"x":2,"models":["a"],"nn":1}`)
	require.Equal(t, 200, resp.StatusCode, "other members are the provider's business")
}

// Whatever an answer looks like, it arrives as it is, and the lease ends.
func TestOddAnswers(t *testing.T) {
	const events = "text/event-stream"
	chunk := `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	tests := []struct {
		name, typ, body string
		want            engine.Usage // zero: the reservation stands
	}{
		{"no usage", "application/json", `{"choices":[]}`, engine.Usage{}},
		{"usage null", "application/json", `{"usage":null}`, engine.Usage{}},
		{"usage empty", "application/json", `{"usage":{}}`, engine.Usage{}},
		{"usage of nothing", "application/json", `{"usage":{"prompt_tokens":0,"completion_tokens":0}}`, engine.Usage{}},
		{"usage is a text", "application/json", `{"usage":"many"}`, engine.Usage{}},
		{"negative", "application/json", `{"usage":{"prompt_tokens":-4,"completion_tokens":-1}}`, engine.Usage{}},
		{"fractions", "application/json", `{"usage":{"prompt_tokens":1.5,"completion_tokens":"9"}}`, engine.Usage{InputTokens: 2, OutputTokens: 9}},
		{"enormous", "application/json", `{"usage":{"prompt_tokens":9223372036854775807,"completion_tokens":18446744073709551615}}`, engine.Usage{}},
		{"usage deeper down", "application/json", `{"choices":[{"usage":{"prompt_tokens":1,"completion_tokens":1}}]}`, engine.Usage{}},
		{"usage in a text", "application/json", `{"a":"\"usage\":{\"prompt_tokens\":1}","usage":{"prompt_tokens":7,"completion_tokens":8}}`, engine.Usage{InputTokens: 7, OutputTokens: 8}},
		{"plain profile: cache writes count, reads do not", "application/json", `{"usage":{"input_tokens":7,"output_tokens":8,"cache_creation_input_tokens":5,"cache_read_input_tokens":900}}`, engine.Usage{InputTokens: 12, OutputTokens: 8, CacheWriteTokens: 5}},
		{"compressed by its own choice", "application/json", `{"usage":{"prompt_tokens":7,"completion_tokens":8}}`, engine.Usage{}},
		{"not JSON", "text/html", `<html>{"usage"`, engine.Usage{}},
		{"cut JSON", "application/json", `{"choices":[{"x":`, engine.Usage{}},
		{"empty", "application/json", ``, engine.Usage{}},
		{"stream without usage", events, chunk + "data: [DONE]\n\n", engine.Usage{}},
		{"stream without an end", events, chunk, engine.Usage{}},
		{"stream of nonsense", events, "data: {{{\n\n:\n\nevent\n\n\r\n\r\ndata\n\n\x00\n\n", engine.Usage{}},
		{"stream with usage in a chunk of text", events, `data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":5,"completion_tokens":6}}` + "\n\n", engine.Usage{InputTokens: 5, OutputTokens: 6}},
		{"stream with carriage returns", events, "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":5,\r\ndata: \"completion_tokens\":6}}\r\n\r\ndata: [DONE]\r\n\r\n", engine.Usage{InputTokens: 5, OutputTokens: 6}},
		{"stream without its last line", events, `data: {"choices":[{}],"usage":{"prompt_tokens":5,"completion_tokens":6}}`, engine.Usage{InputTokens: 5, OutputTokens: 6}},
		{"an event beyond what is looked at", events, "data: " + strings.Repeat("x", 5<<20) + "\n\n" + `data: {"choices":[{}],"usage":{"prompt_tokens":5,"completion_tokens":6}}` + "\n\n", engine.Usage{InputTokens: 5, OutputTokens: 6}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			encoding := ""
			if tt.name == "compressed by its own choice" {
				encoding = "br"
			}
			b := newBench(t, change{}, answers(200, tt.body, "Content-Type", tt.typ, "Content-Encoding", encoding, "X-Ratelimit-Remaining-Tokens", "-27689", "X-Ratelimit-Reset-Tokens", "whenever"))
			_, text := b.post(t, "/chat/completions", streamedChat)
			require.Equal(t, tt.body, text)
			got := b.attempts()
			require.Len(t, got, 1)
			require.Equal(t, tt.want, got[0].Usage)
			if tt.want == (engine.Usage{}) {
				require.Equal(t, transport.Kept, got[0].Ending)
				require.Equal(t, got[0].Reserved, b.state(t, "a").Limit(engine.LimitTPM).Used)
			}
			b.atRest(t)
		})
	}
}
