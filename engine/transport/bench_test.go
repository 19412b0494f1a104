package transport_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
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
