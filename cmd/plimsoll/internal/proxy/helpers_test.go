package proxy_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	secret = "sk-the-deployment-s-own"
	chat   = `{"model":"chat","messages":[{"role":"user","content":"Hello"}]}`
	stream = `{"model":"chat","stream":true,"messages":[{"role":"user","content":"Hello"}]}`
	plain  = `{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}`
	chunk  = `data: {"choices":[{"delta":{"content":"x"}}]}` + "\n\n"
	last   = `data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}` + "\n\ndata: [DONE]\n\n"
)

// bench is a proxy on a server of its own, before deployments "a", "b" and so on,
// used in that order.
type bench struct {
	eng   *engine.Engine
	proxy *proxy.Proxy
	url   string
	stop  context.CancelFunc // as SIGTERM does
	log   *text

	upstream []string // addresses of the deployments' servers
}

// text may be written to and read at once.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.String()
}

type change struct {
	limits  engine.Limits
	api     transport.API
	aliases map[string]string
	edit    func(*proxy.Config)
	change  func(*engine.Config)
	objects map[string]bool
}

func newBench(t *testing.T, ch change, deployments ...http.Handler) *bench {
	t.Helper()
	b := &bench{log: &text{}}
	noon := time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
	cfg := engine.Config{Aliases: ch.aliases, Clock: window.NewClockFrom(func() time.Time { return noon })}
	endpoints := map[string]transport.Endpoint{}
	if ch.api == "" {
		ch.api = transport.OpenAI
	}
	for i, h := range deployments {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		b.upstream = append(b.upstream, srv.URL)
		id := string(rune('a' + i))
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Order: i, Limits: ch.limits})
		endpoints[id] = transport.Endpoint{API: ch.api, BaseURL: srv.URL + "/v1", Model: "m-" + id, Credential: transport.Key(secret)}
	}
	cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "z", Group: "decided-only"})
	if ch.change != nil {
		ch.change(&cfg)
	}
	var err error
	b.eng, err = engine.New(cfg)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	pc := proxy.Config{Engine: b.eng, Log: log}
	if ch.edit != nil {
		ch.edit(&pc)
	}
	b.proxy = proxy.New(pc)
	require.NoError(t, proxy.Check(cfg, endpoints))
	require.NoError(t, b.proxy.Apply(cfg, endpoints, ch.objects))
	mux := http.NewServeMux()
	b.proxy.Register(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	done := make(chan error, 1)
	go func() {
		done <- server.Serve(ctx, server.Config{
			Handler: server.NewGuard(proxy.Clean(mux), func() *server.Tokens { return nil }, log),
			Limits:  server.Limits{Request: 300 * time.Millisecond, Answer: 300 * time.Millisecond},
			Drain:   5 * time.Second, Log: log,
		}, l)
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NotContains(t, b.log.String(), secret)
		require.NotContains(t, b.log.String(), "client-key")
	})
	return b
}

func (b *bench) post(t *testing.T, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer client-key")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(got)
}

// settled waits until nothing is reserved, and returns the tokens counted.
func (b *bench) settled(t *testing.T) int64 {
	t.Helper()
	require.Eventually(t, func() bool { return b.eng.Stats().Held == 0 }, 10*time.Second, time.Millisecond)
	return b.eng.Stats().Tokens
}

// answers returns a handler that always answers the same.
func answers(status int, body string, headers ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

const (
	chatPath     = "/openai/v1/chat/completions"
	messagesPath = "/anthropic/v1/messages"
)
