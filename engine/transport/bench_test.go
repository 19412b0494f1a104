package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// BenchmarkRoundTrip is what the transport adds to a call: reading, estimating,
// choosing, rewriting and settling, without a network.
func BenchmarkRoundTrip(b *testing.B) {
	plain := `{"id":"c","choices":[{"message":{"content":"` + strings.Repeat("x", 2000) + `"}}],"usage":{"prompt_tokens":900,"completion_tokens":500}}`
	chunk := `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"}}],"usage":null}` + "\n\n"
	stream := strings.Repeat(chunk, 500) + `data: {"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":500}}` + "\n\ndata: [DONE]\n\n"
	prompt := strings.Repeat("The crate waits for the next ship. ", 100)
	for _, bb := range []struct{ name, body, typ, answer string }{
		{"plain", `{"model":"chat","messages":[{"role":"user","content":"` + prompt + `"}]}`, "application/json", plain},
		{"plain, prompt of 16 KiB", `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat(prompt, 5)[:16<<10] + `"}]}`, "application/json", plain},
		{"plain, prompt of 128 KiB", `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat(prompt, 40)[:128<<10] + `"}]}`, "application/json", plain},
		{"stream of 500 chunks", `{"model":"chat","stream":true,"messages":[{"role":"user","content":"` + prompt + `"}]}`, "text/event-stream", stream},
	} {
		b.Run(bb.name, func(b *testing.B) {
			eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}})
			if err != nil {
				b.Fatal(err)
			}
			ep := transport.Endpoint{API: transport.OpenAI, BaseURL: "http://h/v1", Model: "m", Credential: transport.Key("k")}
			rt, err := transport.New(transport.Config{
				Engine: eng, Endpoints: map[string]transport.Endpoint{"a": ep, "b": ep},
				Base: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {bb.typ}}, Body: io.NopCloser(strings.NewReader(bb.answer))}, nil
				}),
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://any.invalid/chat/completions", strings.NewReader(bb.body))
				if err != nil {
					b.Fatal(err)
				}
				resp, err := rt.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}

// BenchmarkObserve is what a success costs whose headers report limits: reading
// them, and Observe.
func BenchmarkObserve(b *testing.B) {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 1e9, TPM: 1e12}}, {ID: "b", Group: "chat"}}})
	if err != nil {
		b.Fatal(err)
	}
	chat, err := eng.Group("chat")
	if err != nil {
		b.Fatal(err)
	}
	h := http.Header{}
	for name, value := range map[string]string{
		"X-Ratelimit-Limit-Requests": "1000000000", "X-Ratelimit-Remaining-Requests": "999999999", "X-Ratelimit-Reset-Requests": "6ms",
		"X-Ratelimit-Limit-Tokens": "1000000000000", "X-Ratelimit-Remaining-Tokens": "999999999000", "X-Ratelimit-Reset-Tokens": "1ms",
		"Content-Type": "application/json", "Date": "Mon, 02 Jun 2025 09:45:20 GMT", "Openai-Processing-Ms": "7", "X-Request-Id": "r",
	} {
		h.Set(name, value)
	}
	at := time.Now()
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		value := transport.ValueOf(h)
		for b.Loop() {
			provider.Read(provider.Answer{Provider: "openai", Status: 200, Header: value, At: at})
		}
	})
	s := provider.Read(provider.Answer{Provider: "openai", Status: 200, Header: h.Get, At: at})
	for _, observed := range []bool{false, true} {
		b.Run(fmt.Sprint("acquire and settle, observed ", observed), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l, ok := chat.TryAcquire(engine.Demand{InputTokens: 10, OutputTokens: 10})
				if !ok {
					b.Fatal("refused")
				}
				if observed {
					l.Observe(s)
				}
				l.Settle(engine.Usage{InputTokens: 10, OutputTokens: 10})
			}
		})
	}
}
