package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/window"
)

// secret is the credential of every deployment in the tests.
const secret = "sk-the-deployment-s-own"

// morning is when the tests take place: 40 seconds before the next minute.
var morning = time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)

// bench is a transport before some servers: deployment "a" is the first's, used
// before "b", the second's, and so on.
type bench struct {
	eng    *engine.Engine
	client *http.Client
	mu     sync.Mutex
	done   []transport.Attempt
	urls   map[string]string // of the servers, by deployment
}

// change is what a test wants otherwise.
type change struct {
	limits  engine.Limits
	profile provider.Profile
	api     transport.API
	edit    func(*transport.Config)
}

func newBench(t *testing.T, ch change, handlers ...http.Handler) *bench {
	t.Helper()
	b := &bench{urls: map[string]string{}}
	cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return morning })}
	endpoints := map[string]transport.Endpoint{}
	for i, h := range handlers {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		id := string(rune('a' + i))
		b.urls[id] = srv.URL
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Order: i, Limits: ch.limits, Profile: ch.profile})
		if ch.api == "" {
			ch.api = transport.OpenAI
		}
		ep := transport.Endpoint{API: ch.api, BaseURL: srv.URL + "/v1", Model: "model-" + id, Credential: transport.Key(secret)}
		endpoints[id] = ep
	}
	var err error
	b.eng, err = engine.New(cfg)
	require.NoError(t, err)
	tc := transport.Config{Engine: b.eng, Endpoints: endpoints, Done: func(a transport.Attempt) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.done = append(b.done, a)
	}}
	if ch.edit != nil {
		ch.edit(&tc)
	}
	tr, err := transport.New(tc)
	require.NoError(t, err)
	t.Cleanup(tr.CloseIdleConnections)
	b.client = &http.Client{Transport: tr}
	return b
}

// attempts returns the attempts that have ended.
func (b *bench) attempts() []transport.Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]transport.Attempt(nil), b.done...)
}

func (b *bench) state(t *testing.T, id string) engine.State {
	t.Helper()
	for _, s := range b.eng.AppendStates(nil) {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no deployment %q", id)
	return engine.State{}
}

func request(ctx context.Context, t *testing.T, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://any.invalid/v1"+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer client-key")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// post sends a body and returns the answer with its text.
func (b *bench) post(t *testing.T, path, body string) (*http.Response, string) {
	t.Helper()
	return b.send(t, request(t.Context(), t, path, body))
}

func (b *bench) send(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := b.client.Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(text)
}

// atRest fails if something is still reserved.
func (b *bench) atRest(t *testing.T) {
	t.Helper()
	s := b.eng.Stats()
	require.Zero(t, s.Held, "leases held")
	require.Equal(t, s.Admitted, s.Settled+s.Released, "every lease has ended")
}

// answers returns a handler that always answers the same.
func answers(status int, body string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// bills returns a handler that reports a prompt of so many tokens, nothing while it is 0.
func bills(prompt *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		usage := ""
		if n := prompt.Load(); n > 0 {
			usage = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":5,"total_tokens":%d}`, n, n+5)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[]`+usage+`}`)
	})
}
