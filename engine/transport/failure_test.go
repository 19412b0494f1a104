package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
)

const plainChat = `{"model":"chat","messages":[{"role":"user","content":"Hello. out=40"}]}`

const streamedChat = `{"model":"chat","stream":true,"messages":[{"role":"user","content":"Hello. out=40"}]}`

func TestNextDeploymentIsTried(t *testing.T) {
	tests := []struct {
		name   string
		first  http.Handler
		status int
	}{
		{"429", answers(429, `{"error":{"code":"rate_limit_exceeded"}}`, "Retry-After", "7"), 429},
		{"500", answers(500, `oops`), 500},
		{"a key that is refused", answers(401, `{"error":{"code":"invalid_api_key"}}`), 401},
		{"an empty account", answers(402, `{}`), 402},
		{"a key without rights", answers(403, `{}`), 403},
		{"529", answers(529, `{"type":"error","error":{"type":"overloaded_error"}}`), 529},
		{"connection cut", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), 0},
		{"refusal inside a stream", answers(200, "event: response.created\ndata: {}\n\nevent: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\"}\n\n",
			"Content-Type", "text/event-stream", "Retry-After", "4"), 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &fake.Provider{}
			b := newBench(t, change{}, tt.first, p)
			resp, text := b.post(t, "/responses", `{"model":"chat","stream":true,"input":"Hello. out=40"}`)
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, "b", resp.Header.Get(transport.HeaderDeployment))
			require.Equal(t, "2", resp.Header.Get(transport.HeaderAttempts))
			require.Contains(t, text, "response.completed")
			require.NotContains(t, text, "rate_limit")
			got := b.attempts()
			require.Len(t, got, 2)
			require.Equal(t, tt.status, got[0].Status)
			require.Equal(t, 2, got[1].Number)
			b.atRest(t)
		})
	}
}

// What was refused costs no tokens, and a request only where refused calls count;
// what failed costs a request; what may have been received keeps its reservation;
// what never left costs nothing.
func TestCostOfFailures(t *testing.T) {
	unreachable := func(c *transport.Config) {
		ep := c.Endpoints["a"]
		ep.BaseURL = "http://127.0.0.1:1"
		c.Endpoints["a"] = ep
	}
	noKey := func(c *transport.Config) {
		ep := c.Endpoints["a"]
		ep.Credential = transport.Env("PLIMSOLL_TEST_UNSET")
		c.Endpoints["a"] = ep
	}
	tests := []struct {
		name     string
		handler  http.Handler
		edit     func(*transport.Config)
		requests int64
		ending   transport.Ending
	}{
		{"refused", answers(429, "{}"), nil, 0, transport.Settled},
		{"refused, and counted", answers(429, "{}"), nil, 1, transport.Settled},
		{"bad request", answers(400, "{}"), nil, 0, transport.Settled},
		{"bad request, and counted", answers(400, "{}"), nil, 1, transport.Settled},
		{"failed", answers(500, "{}"), nil, 1, transport.Kept},
		{"overloaded", answers(503, "{}"), nil, 0, transport.Settled},
		{"empty stream", answers(200, "", "Content-Type", "text/event-stream"), nil, 1, transport.Kept},
		{"not the provider's answer", answers(302, ""), nil, 1, transport.Settled},
		{"cut", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), nil, 1, transport.Kept},
		{"unreachable", answers(200, ""), unreachable, 0, transport.Released},
		{"no key", answers(200, ""), noKey, 0, transport.Released},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			counts := provider.Profile{CountsRefused: strings.HasSuffix(tt.name, "counted")}
			b := newBench(t, change{edit: tt.edit, profile: counts}, tt.handler)
			resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", plainChat))
			if err == nil {
				require.NoError(t, resp.Body.Close())
			}
			got := b.attempts()
			require.Len(t, got, 1)
			require.Equal(t, tt.ending, got[0].Ending)
			s := b.state(t, "a")
			require.Equal(t, tt.requests, s.Limit(engine.LimitRPM).Used)
			want := int64(0)
			if tt.ending == transport.Kept {
				want = got[0].Reserved
				require.Positive(t, want)
			}
			require.Equal(t, want, s.Limit(engine.LimitTPM).Used)
			b.atRest(t)
		})
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	down := answers(503, "down")
	for _, tt := range []struct{ max, want int }{{0, 3}, {1, 1}, {2, 2}, {9, 4}} {
		b := newBench(t, change{edit: func(c *transport.Config) { c.MaxAttempts = tt.max }}, down, down, down, down)
		resp, text := b.post(t, "/chat/completions", plainChat)
		require.Equal(t, 503, resp.StatusCode)
		require.Equal(t, "down", text)
		require.Len(t, b.attempts(), tt.want)
		b.atRest(t)
	}
}

func TestCooldowns(t *testing.T) {
	rateLimited := `{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached"}}`
	tests := []struct {
		name   string
		status int
		body   string
		header []string
		want   time.Duration
	}{
		{"seconds", 429, rateLimited, []string{"Retry-After", "7"}, 7 * time.Second},
		{"a fraction", 429, rateLimited, []string{"Retry-After", "1.5"}, 1500 * time.Millisecond},
		{"milliseconds come first", 429, rateLimited, []string{"Retry-After", "7", "Retry-After-Ms", "2100"}, 2100 * time.Millisecond},
		{"Azure's milliseconds", 429, rateLimited, []string{"X-Ms-Retry-After-Ms", "900"}, 900 * time.Millisecond},
		{"a day", 429, rateLimited, []string{"Retry-After", "86400"}, provider.MaxRetryAfter},
		{"more than fits", 429, rateLimited, []string{"Retry-After", "1e300"}, provider.MaxRetryAfter},
		{"a date long ago", 429, rateLimited, []string{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}, time.Second},
		{"a date far ahead", 429, rateLimited, []string{"Retry-After", "Sun, 06 Nov 2994 08:49:37 GMT"}, provider.MaxRetryAfter},
		{"nothing said", 429, rateLimited, nil, time.Second},
		{"negative", 429, rateLimited, []string{"Retry-After", "-5"}, time.Second},
		{"malformed", 429, rateLimited, []string{"Retry-After", "soon", "Retry-After-Ms", "NaN"}, time.Second},
		{"infinite", 429, rateLimited, []string{"Retry-After", "Inf"}, provider.MaxRetryAfter},
		{"a body that is not JSON", 429, "<html>", []string{"Retry-After", "3"}, 3 * time.Second},
		{"no money", 429, `{"error":{"code":"insufficient_quota"}}`, nil, 10 * time.Minute},
		{"a quota that comes back", 429, `{"error":{"code":"insufficient_quota"}}`, []string{"Retry-After", "3"}, 3 * time.Second},
		{"this request is too large", 429, `{"error":{"code":"rate_limit_exceeded","message":"Request too large for gpt-4o"}}`, []string{"Retry-After", "3"}, 0},
		{"overloaded, with a time", 503, "", []string{"Retry-After", "2"}, 2 * time.Second},
		{"broken once", 500, "", nil, 0},
		{"the request's fault", 400, "", []string{"Retry-After", "3"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, change{}, answers(tt.status, tt.body, tt.header...), &fake.Provider{})
			b.post(t, "/chat/completions", plainChat)
			require.Equal(t, tt.want, b.state(t, "a").CoolingFor)
			require.Zero(t, b.state(t, "b").CoolingFor)
		})
	}
}

// Errors alone cool deployments down one after the other, but never the last.
func TestLastDeploymentIsNotEjected(t *testing.T) {
	for _, status := range []int{429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			down := answers(status, "")
			b := newBench(t, change{}, down, down, down)
			for range 5 {
				resp, _ := b.post(t, "/chat/completions", plainChat)
				require.Equal(t, status, resp.StatusCode)
				require.NotEmpty(t, resp.Header.Get(transport.HeaderDeployment), "the provider was asked")
			}
			cooling := 0
			for _, s := range b.eng.AppendStates(nil) {
				if s.CoolingFor > 0 {
					cooling++
				}
			}
			require.Equal(t, 2, cooling)
		})
	}
}

// A success ends the count of failures in a row.
func TestFailuresInARow(t *testing.T) {
	var n atomic.Int64
	ok := &fake.Provider{}
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		ok.ServeHTTP(w, r)
	})
	b := newBench(t, change{}, flaky, ok)
	for range 6 {
		resp, _ := b.post(t, "/chat/completions", plainChat)
		require.Equal(t, 200, resp.StatusCode)
		require.Zero(t, b.state(t, "a").CoolingFor)
	}
}

// The provider's own refusal reaches the client when no other deployment can serve the call.
func TestLastRefusalIsPassedOn(t *testing.T) {
	body := `{"error":{"message":"` + strings.Repeat("long ", 30_000) + `"}}`
	b := newBench(t, change{}, answers(429, body, "Retry-After", "9", "X-Request-Id", "r1"))
	resp, text := b.post(t, "/chat/completions", plainChat)
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "9", resp.Header.Get("Retry-After"))
	require.Equal(t, "r1", resp.Header.Get("X-Request-Id"))
	require.Equal(t, body, text)
}

// No error names a credential, whatever is wrong.
func TestErrorsNameNoCredential(t *testing.T) {
	edits := map[string]func(*transport.Endpoint){
		"unreachable":     func(ep *transport.Endpoint) { ep.BaseURL = "http://127.0.0.1:1" },
		"key with a line": func(ep *transport.Endpoint) { ep.Credential = transport.Key(secret + "\nX: y") },
		"no key": func(ep *transport.Endpoint) {
			ep.Credential = func(context.Context) (string, error) { return secret, errors.New("vault is sealed") }
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{edit: func(c *transport.Config) {
				ep := c.Endpoints["a"]
				edit(&ep)
				c.Endpoints["a"] = ep
			}}, &fake.Provider{})
			resp, err := b.client.Do(request(t.Context(), t, "/chat/completions", plainChat))
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorContains(t, err, `transport: deployment "a"`)
			require.NotContains(t, err.Error(), secret)
			require.Len(t, b.attempts(), 1)
			require.NotContains(t, fmt.Sprintf("%+v", b.attempts()[0]), secret)
			b.atRest(t)
		})
	}
}

// A refusal inside a stream cools the deployment down as one outside does, and one
// request goes first afterwards.
func TestRefusalInsideAStream(t *testing.T) {
	refusal := "event: response.created\ndata: {}\n\nevent: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\"}\n\n"
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"with a time": {[]string{"Content-Type", "text/event-stream", "Retry-After", "4", "X-Ratelimit-Remaining-Tokens", "-27689"}, 4 * time.Second},
		"without":     {[]string{"Content-Type", "text/event-stream"}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{}, answers(200, refusal, tt.header...), &fake.Provider{})
			b.post(t, "/responses", `{"model":"chat","stream":true,"input":"Hello. out=40"}`)
			require.Equal(t, tt.want, b.state(t, "a").CoolingFor)
			require.Zero(t, b.state(t, "a").Limit(engine.LimitTPM).Used, "nothing was produced")
			b.atRest(t)
		})
	}
}

// An answer that reports an error after it has begun to produce is settled by what
// it produced.
func TestErrorAfterTheBeginning(t *testing.T) {
	b := newBench(t, change{api: transport.Anthropic}, answers(200, halfMessage+"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", "Content-Type", "text/event-stream"), &fake.Provider{})
	resp, text := b.post(t, "/messages", streamedChat)
	require.Equal(t, "a", resp.Header.Get(transport.HeaderDeployment))
	require.Contains(t, text, "overloaded_error", "it is the client's to see")
	require.Equal(t, time.Second, b.state(t, "a").CoolingFor)
	require.EqualValues(t, 33+4, b.state(t, "a").Limit(engine.LimitTPM).Used)
	b.atRest(t)
}
