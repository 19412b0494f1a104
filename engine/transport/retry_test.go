package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

// spread puts the deployments of a bench side by side: the engine ranks them.
func spread(t *testing.T, edit func(*transport.Config), handlers ...http.Handler) *bench {
	t.Helper()
	b := newBench(t, change{edit: edit}, handlers...)
	cfg := engine.Config{}
	for i := range handlers {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: string(rune('a' + i)), Group: "chat"})
	}
	require.NoError(t, b.eng.Apply(cfg))
	return b
}

// Beside a healthy deployment one that is broken, in whatever way, reaches at most 2
// of 100 clients, one by one or many at once.
func TestABrokenDeploymentBesideAHealthyOne(t *testing.T) {
	const (
		events = "text/event-stream"
		plain  = "application/json"
	)
	ways := map[string]http.Handler{
		"dead key":           answers(401, `{"error":{"code":"invalid_api_key"}}`),
		"Gemini's dead key":  answers(400, `{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`),
		"xAI's dead key":     answers(400, `{"code":"x","error":"Incorrect API key provided: sk***xx."}`),
		"no such deployment": answers(404, `{"error":{"code":"DeploymentNotFound"}}`),
		"no such address":    answers(404, `<html>404 page not found</html>`),
		"no money":           answers(402, `{}`),
		"no credit":          answers(400, `{"error":{"message":"Your credit balance is too low"}}`),
		"timeout":            answers(408, `{"error":{"code":"Timeout"}}`),
		"conflict":           answers(409, `{"error":{"type":"conflict_error"}}`),
		"model error":        answers(424, `{"message":"Model error"}`),
		"server error":       answers(500, `oops`),
		"bad gateway":        answers(502, `<html>`),
		"overloaded":         answers(529, `{"type":"error","error":{"type":"overloaded_error"}}`),
		"rate limit":         answers(429, `{"error":{"code":"rate_limit_exceeded"}}`, "Retry-After", "2"),
		"cut":                http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"error in a 200":     answers(200, `{"error":{"code":502,"message":"Provider returned error"}}`, "Content-Type", plain),
		"error in a stream":  answers(200, "data: {\"id\":\"x\",\"error\":{\"code\":502},\"choices\":[]}\n\n", "Content-Type", events),
		"empty stream":       answers(200, "", "Content-Type", events),
		"redirect":           answers(302, "", "Location", "http://127.0.0.1:1/"),
	}
	for name, broken := range ways {
		t.Run(name, func(t *testing.T) {
			for _, together := range []int{1, 10, 50} {
				healthy := &fake.Provider{}
				b := spread(t, nil, broken, healthy)
				var errs atomic.Int64
				for range 100 / together {
					var wg sync.WaitGroup
					for i := range together {
						wg.Go(func() {
							resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", []string{plainChat, streamedChat}[i%2]))
							if err != nil {
								errs.Add(1)
								return
							}
							defer resp.Body.Close() //nolint:errcheck // read to its end
							text, err := io.ReadAll(resp.Body)
							if err != nil || len(text) == 0 || resp.StatusCode != 200 || resp.Header.Get(transport.HeaderDeployment) != "b" {
								errs.Add(1)
							}
						})
					}
					wg.Wait()
				}
				assert.LessOrEqual(t, errs.Load(), int64(2), "%d at once", together)
				b.atRest(t)
			}
		})
	}
}

// The request's fault stays with the client, and says nothing of the deployment.
func TestTheRequestsFault(t *testing.T) {
	for name, broken := range map[string]http.Handler{
		"filter":   answers(400, `{"error":{"code":"content_filter"}}`),
		"invalid":  answers(400, `{"error":{"type":"invalid_request_error","message":"bad"}}`),
		"unknown":  answers(422, `{"detail":[]}`),
		"conflict": answers(409, `{"error":{"type":"idempotency_error"}}`),
		"a stream": answers(200, "event: error\ndata: {\"error\":{\"type\":\"invalid_request_error\"}}\n\n", "Content-Type", "text/event-stream"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, broken, &fake.Provider{})
			for range 3 {
				resp, _ := b.post(t, "/chat/completions", streamedChat)
				require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
			}
			require.Len(t, b.attempts(), 3)
			require.Zero(t, b.state(t, "a").CoolingFor)
			b.atRest(t)
		})
	}
}

// What is too large for one deployment is tried once elsewhere, where that may be
// larger, and cools nothing.
func TestTooLargeHere(t *testing.T) {
	large := answers(400, `{"error":{"code":"context_length_exceeded","message":"This model's maximum context length is 8192 tokens."}}`)
	for _, tt := range []struct {
		name          string
		context       [3]int64
		base          [3]string
		attempts, end int // who answers in the end
	}{
		{"nothing known", [3]int64{}, [3]string{}, 2, 1},
		{"the next is no larger", [3]int64{8192, 8192, 128_000}, [3]string{}, 2, 2},
		{"all the same model", [3]int64{}, [3]string{"m", "m", "m"}, 1, 0},
		{"another model", [3]int64{}, [3]string{"m", "m", "n"}, 2, 2},
		{"another model, no larger", [3]int64{8192, 8192, 8192}, [3]string{"m", "m", "n"}, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, change{edit: func(c *transport.Config) {
				for i := range 3 {
					id := string(rune('a' + i))
					ep := c.Endpoints[id]
					ep.MaxInputTokens, ep.BaseModel = tt.context[i], tt.base[i]
					c.Endpoints[id] = ep
				}
			}}, large, large, large)
			resp, _ := b.post(t, "/chat/completions", plainChat)
			require.Equal(t, 400, resp.StatusCode)
			require.Len(t, b.attempts(), tt.attempts)
			require.Equal(t, string(rune('a'+tt.end)), resp.Header.Get(transport.HeaderDeployment))
			for _, id := range []string{"a", "b", "c"} {
				require.Zero(t, b.state(t, id).CoolingFor)
				require.Zero(t, b.state(t, id).Limit(engine.LimitRPM).Used)
			}
			b.atRest(t)
		})
	}
}

// What a provider may have worked on is sent again once at most, one call in ten of a
// group, and never where each call creates something. Refusals before any work are not
// counted among them.
func TestRetriesAreBounded(t *testing.T) {
	var calls atomic.Int64
	counting := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			h.ServeHTTP(w, r)
		})
	}
	broken, refusing := counting(answers(500, "oops")), counting(answers(429, "{}"))
	t.Run("once a call", func(t *testing.T) {
		b := newBench(t, change{}, broken, broken, broken)
		b.post(t, "/chat/completions", plainChat)
		got := b.attempts()
		require.Len(t, got, 2)
		require.Equal(t, transport.Kept, got[0].Ending, "it may have been counted")
	})
	t.Run("one in ten of a group's calls", func(t *testing.T) {
		calls.Store(0)
		b := newBench(t, change{}, broken, broken)
		const n = 600
		for range n {
			b.post(t, "/chat/completions", plainChat)
		}
		require.LessOrEqual(t, calls.Load(), int64(n+n/10))
		b.atRest(t)
	})
	t.Run("refusals do not count", func(t *testing.T) {
		b := newBench(t, change{}, refusing, refusing, answers(200, "{}"))
		resp, _ := b.post(t, "/chat/completions", plainChat)
		require.Equal(t, 200, resp.StatusCode)
		require.Len(t, b.attempts(), 3)
	})
	for _, body := range []string{`{"model":"chat","input":"x","background":true}`, `{"model":"chat","input":"x","store":true}`} {
		t.Run(body, func(t *testing.T) {
			b := newBench(t, change{}, broken, &fake.Provider{})
			resp, _ := b.post(t, "/responses", body)
			require.Equal(t, 500, resp.StatusCode)
			require.Len(t, b.attempts(), 1)
			b = newBench(t, change{}, refusing, &fake.Provider{})
			resp, _ = b.post(t, "/responses", body)
			require.Equal(t, 200, resp.StatusCode, "it was refused before any work")
		})
	}
}

// An error inside an answer cools the deployment down as its kind does.
func TestErrorsInsideA200(t *testing.T) {
	for _, tt := range []struct {
		name, path, typ, body string
		api                   transport.API
	}{
		{"first event", "/messages", "", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", transport.Anthropic},
		{"without names", "/messages", "", "data: {\"type\":\"message_start\",\"message\":{}}\n\ndata: {\"error\" : {\"type\":\"overloaded_error\"} , \"type\":\"error\"}\n\n", transport.Anthropic},
		{"after a ping", "/messages", "", "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", transport.Anthropic},
		{"not the first member", "/chat/completions", "", "data: {\"id\":\"x\",\"error\":{\"code\":529},\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n", ""},
		{"after comments, lines in CR alone", "/chat/completions", "", ": PROCESSING\r\r: PROCESSING\r\rdata: { \"error\" : {\"code\":503}}\r\r", ""},
		{"after a role", "/chat/completions", "", "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\ndata: {\"error\":{\"message\":\"The server is overloaded\"}}\r\n\r\n", ""},
		{"data in several lines", "/chat/completions", "", "data: {\"error\":\ndata: {\"code\":503}}\n\n", ""},
		{"without an end", "/chat/completions", "", "data: {\"error\":{\"code\":503}}", ""},
		{"responses", "/responses", "", "event: response.created\ndata: {\"type\":\"response.created\"}\n\nevent: response.failed\ndata: {\"response\":{\"error\":{\"code\":\"server_is_overloaded\"}}}\n\n", ""},
		{"responses without names", "/responses", "", "data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_is_overloaded\"}}}\n\n", ""},
		{"JSON", "/chat/completions", "application/json; charset=utf-8", "  {\"user_id\":\"u\",\"error\":{\"code\":503,\"message\":\"x\"}}", ""},
		{"JSON, a text", "/chat/completions", "application/json", `{"error":"the model is overloaded"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.typ == "" {
				tt.typ = "text/event-stream"
			}
			b := newBench(t, change{api: tt.api}, answers(200, tt.body, "Content-Type", tt.typ), &fake.Provider{})
			resp, text := b.post(t, tt.path, streamedChat)
			require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment), text)
			require.Positive(t, b.state(t, "a").CoolingFor)
			require.Zero(t, b.state(t, "a").Limit(engine.LimitTPM).Used)
			b.atRest(t)

			alone := newBench(t, change{api: tt.api}, answers(200, tt.body, "Content-Type", tt.typ))
			_, text = alone.post(t, tt.path, streamedChat)
			require.Equal(t, tt.body, text, "with no other, the client gets it as it came")
			alone.atRest(t)
		})
	}
}

// Answers that only look like errors are the client's.
func TestNoErrorsInsideA200(t *testing.T) {
	for _, tt := range []struct{ typ, body string }{
		{"text/event-stream", "data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"\\\"error\\\"\"}}]}\n\ndata: [DONE]\n\n"},
		{"text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"error\":{\"code\":503}}\n\n"},
		{"text/event-stream", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":0}}\n\n"},
		{"application/json", `{"id":"r","status":"completed","error":null,"output":[]}`},
		{"application/json", `{"choices":[{"message":{"content":"{\"error\":{}}"},"error":{"code":1}}]}`},
	} {
		b := newBench(t, change{}, answers(200, tt.body, "Content-Type", tt.typ), &fake.Provider{})
		resp, text := b.post(t, "/chat/completions", `{"model":"chat","stream":true,"stream_options":{"include_usage":true}}`)
		require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment), tt.body)
		require.Equal(t, tt.body, text)
		b.atRest(t)
	}
}

// An error behind what has reached the client ends the stream as the provider said, and
// cools the deployment down.
func TestLaterErrors(t *testing.T) {
	body := "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"id\":\"x\", \"error\": {\"code\":503}}\n\n"
	b := newBench(t, change{}, answers(200, body, "Content-Type", "text/event-stream"), &fake.Provider{})
	_, text := b.post(t, "/chat/completions", streamedChat)
	require.Equal(t, body, text)
	require.Positive(t, b.state(t, "a").CoolingFor)
	require.Equal(t, transport.Kept, b.attempts()[0].Ending, "how much it would have been is not known")
}

func ExampleEndpoint_contextWindow() {
	// A request that is too large for "small" is sent to "large", and not to a second
	// deployment of the small model.
	small := transport.Endpoint{API: transport.OpenAI, BaseURL: "https://api.openai.com/v1", Model: "gpt-4", MaxInputTokens: 8192}
	large := transport.Endpoint{API: transport.OpenAI, BaseURL: "https://api.openai.com/v1", Model: "gpt-4.1", MaxInputTokens: 1_047_576}
	fmt.Println(small.MaxInputTokens < large.MaxInputTokens)
	// Output: true
}
