package proxy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

func TestModels(t *testing.T) {
	b := newBench(t, change{aliases: map[string]string{"gpt": "gpt-5", "gpt-5": "chat", "no": "decided-only"}}, answers(200, plain))
	get := func(path string) (int, string) {
		resp, err := http.Get(b.url + path)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, string(text)
	}
	status, text := get("/openai/v1/models")
	require.Equal(t, 200, status)
	for _, name := range []string{"chat", "gpt", "gpt-5"} {
		require.Contains(t, text, `{"id":"`+name+`","object":"model",`)
	}
	require.NotContains(t, text, "decided-only")
	require.NotContains(t, text, `"no"`)
	status, text = get("/openai/v1/models/gpt-5")
	require.Equal(t, 200, status)
	require.Contains(t, text, `{"id":"gpt-5",`)
	status, _ = get("/openai/v1/models/no")
	require.Equal(t, 404, status)
}

// Endpoints come and go with the configuration; a bad one changes nothing.
func TestApply(t *testing.T) {
	b := newBench(t, change{}, answers(200, plain))
	cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}}
	srv := httptest.NewServer(answers(200, `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`))
	defer srv.Close()
	ep := transport.Endpoint{API: transport.OpenAI, BaseURL: srv.URL}
	half := map[string]transport.Endpoint{"a": ep}
	require.ErrorContains(t, proxy.Check(cfg, half), `Endpoints["b"]: is missing`)
	require.NoError(t, b.eng.Apply(cfg))
	require.Error(t, b.proxy.Apply(cfg, half, nil))
	require.True(t, b.proxy.Serves())

	require.NoError(t, b.proxy.Apply(cfg, nil, nil))
	require.False(t, b.proxy.Serves())
	for _, path := range []string{chatPath, messagesPath} {
		resp, text := b.post(t, path, chat)
		require.Equal(t, 404, resp.StatusCode)
		require.Contains(t, text, "endpoint")
	}
	require.NoError(t, b.proxy.Apply(cfg, map[string]transport.Endpoint{"a": ep, "b": ep}, nil))
	resp, text := b.post(t, chatPath, chat)
	require.Equal(t, 200, resp.StatusCode, text)
}

// A call that is under way when the end begins has the time to end.
func TestCallsEndInOrder(t *testing.T) {
	begun, next := make(chan struct{}), make(chan struct{})
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk)
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-next
		_, _ = io.WriteString(w, last)
	}))
	go func() {
		<-begun
		b.stop()
		<-time.After(300 * time.Millisecond)
		close(next)
	}()
	resp, text := b.post(t, chatPath, stream)
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, text, "[DONE]")
	require.EqualValues(t, 12+34, b.settled(t))
}

// Many calls at once, of clients that stay and clients that go, leave nothing
// reserved or held.
func TestManyAtOnce(t *testing.T) {
	b := newBench(t, change{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			_, _ = io.WriteString(w, chunk)
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, last)
	}), answers(200, plain))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+chatPath, strings.NewReader(stream))
				if err != nil {
					t.Error(err)
				}
				r.Header.Set("Content-Type", "application/json")
				if resp, err := http.DefaultClient.Do(r); err == nil {
					if (i+j)%3 == 0 {
						_, _ = io.CopyN(io.Discard, resp.Body, int64(j*50))
						cancel()
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	b.settled(t)
	s := b.eng.Stats()
	require.EqualValues(t, 320, s.Admitted)
	require.Equal(t, s.Admitted, s.Settled)
	require.Eventually(t, func() bool { return b.proxy.Held() == 0 }, 10*time.Second, time.Millisecond)
}
