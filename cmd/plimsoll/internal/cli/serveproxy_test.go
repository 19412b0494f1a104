package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// upstream plays a provider of chats, embeddings and messages, and remembers the
// last request.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	last http.Header
	sent string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	p := &upstream{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.last, p.sent = r.Header.Clone(), string(body)
		p.mu.Unlock()
		switch {
		case strings.Contains(string(body), `"stream":true`):
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"Ahoy"}}],"usage":null}`+"\n\n"+
				`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`+"\n\ndata: [DONE]\n\n")
		case strings.HasSuffix(r.URL.Path, "/embeddings"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25]}],"usage":{"prompt_tokens":2,"total_tokens":2}}`)
		case strings.HasSuffix(r.URL.Path, "/messages"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"type":"message","role":"assistant","content":[{"type":"text","text":"Ahoy"}],"usage":{"input_tokens":9,"output_tokens":2}}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Ahoy"}}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// got returns the header and the body of the last request.
func (p *upstream) got() (http.Header, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.sent
}

// callable is a configuration of two groups at a provider, one for each API.
func (p *upstream) callable(key string) string {
	return fmt.Sprintf(`deployments:
- {id: main, group: gpt-4o, model: openai/gpt-4o-2024-11-20, rpm: 900, tpm: 150000, endpoint: {url: %s/v1, key: %s}}
- {id: claude, group: claude-sonnet, model: anthropic/claude-sonnet-4-5, rpm: 300, tpm: 90000, endpoint: {url: %[1]s, key: %[2]s}}
- {id: decided, group: no-endpoint}
aliases: {gpt-4: gpt-4o}
`, p.URL, key)
}

const aChat = `{"model":"gpt-4","messages":[{"role":"user","content":"Hello"}]}`

// A daemon calls what has an endpoint, for those who have a token, and follows its
// configuration. No key and no token is in what it writes.
func TestServeProxy(t *testing.T) {
	p := newUpstream(t)
	dir := t.TempDir()
	config, tokens := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "tokens")
	write(t, config, p.callable("sk-hunter2hunter2"))
	token := plimsoll(t.Context(), "token", "one")
	write(t, tokens, token.stdout)
	plain := strings.TrimSpace(token.stderr)
	s := serve(t, "--config", config, "--tokens", tokens, "--log", "debug")
	require.Contains(t, s.stdout.String(), s.url+"/openai/v1 is the base URL")
	require.Contains(t, s.stdout.String(), s.url+"/anthropic is the base URL")

	for _, header := range [][]string{{"Authorization", "Bearer " + plain}, {"X-Api-Key", plain}} {
		status, got := s.ask(t, "/openai/v1/chat/completions", aChat, header...)
		require.Equal(t, 200, status, got)
		require.Equal(t, "chat.completion", got["object"])
		last, sent := p.got()
		require.Equal(t, "Bearer sk-hunter2hunter2", last.Get("Authorization"))
		require.Empty(t, last.Get("X-Api-Key"))
		require.JSONEq(t, strings.Replace(aChat, "gpt-4", "gpt-4o-2024-11-20", 1), sent)

		status, got = s.ask(t, "/anthropic/v1/messages", `{"model":"claude-sonnet","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`, header...)
		require.Equal(t, 200, status, got)
		last, _ = p.got()
		require.Equal(t, "sk-hunter2hunter2", last.Get("X-Api-Key"))
		require.Empty(t, last.Get("Authorization"))
	}
	status, _ := s.ask(t, "/openai/v1/chat/completions", aChat, "X-Api-Key", "wrong")
	require.Equal(t, 401, status)
	status, _ = s.ask(t, "/openai/v1/chat/completions", aChat)
	require.Equal(t, 401, status)
	bearer := []string{"Authorization", "Bearer " + plain}
	_, states := s.ask(t, "/v1/groups/gpt-4o", "", bearer...)
	require.EqualValues(t, 22, states["deployments"].([]any)[0].(map[string]any)["tokens"], "usage as the provider reported it")
	status, got := s.ask(t, "/openai/v1/chat/completions", strings.Replace(aChat, "gpt-4", "no-endpoint", 1), bearer...)
	require.Equal(t, 404, status)
	require.Contains(t, got["error"].(map[string]any)["message"], "none of its deployments has an endpoint")

	write(t, config, p.callable("sk-hunter3hunter3"))
	servertest.Until(t, "the new key is used", func() bool {
		_, _ = s.ask(t, "/openai/v1/chat/completions", aChat, bearer...)
		last, _ := p.got()
		return last.Get("Authorization") == "Bearer sk-hunter3hunter3"
	})
	write(t, config, strings.Replace(p.callable("sk-hunter4hunter4"), "/v1,", "/v1?x=1,", 1))
	servertest.Until(t, "the broken file is refused", func() bool { return strings.Contains(s.stderr.String(), "nothing changed") })
	status, _ = s.ask(t, "/openai/v1/chat/completions", aChat, bearer...)
	require.Equal(t, 200, status)
	p.Close() // the provider does not answer any more
	status, got = s.ask(t, "/openai/v1/chat/completions", aChat, bearer...)
	require.Equal(t, 502, status)
	require.NotContains(t, fmt.Sprint(got), strings.TrimPrefix(p.URL, "http://"))
	servertest.Until(t, "the log says why", func() bool { return strings.Contains(s.stderr.String(), "deployment did not respond") })
	write(t, config, oneDeployment)
	servertest.Until(t, "nothing can be called", func() bool {
		status, got := s.ask(t, "/openai/v1/chat/completions", aChat, bearer...)
		return status == 404 && strings.Contains(fmt.Sprint(got), "docs/CONFIG.md")
	})
	require.Equal(t, cli.ExitOK, s.stop())
	for _, secret := range []string{"hunter2", "hunter3", "hunter4", plain} {
		require.NotContains(t, s.stderr.String()+s.stdout.String(), secret)
	}
}

// The routes of the proxy are few, whatever is asked for, and no page drives it.
func TestServeProxyBounds(t *testing.T) {
	p := newUpstream(t)
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, p.callable("k"))
	s := serve(t, "--config", config)
	for _, path := range []string{"chat/completions", "images/nothing", "x", "chat/completions/y"} {
		_, _ = s.ask(t, "/openai/v1/"+path, aChat)
	}
	figures := s.text(t, s.url+"/metrics")
	require.Contains(t, figures, `plimsoll_proxy_request_duration_seconds_count{route="/openai/v1/chat/completions"} 1`+"\n")
	require.Equal(t, 1, strings.Count(figures, "plimsoll_proxy_request_duration_seconds_count"))
	for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Content-Type", "text/plain"}} {
		status, _ := s.ask(t, "/openai/v1/chat/completions", aChat, header...)
		require.Contains(t, []int{403, 415}, status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/openai/v1/chat/completions", strings.NewReader(aChat))
	require.NoError(t, err)
	r.Host = "evil.example"
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 403, resp.StatusCode)
	_, models := s.ask(t, "/openai/v1/models", "")
	require.Len(t, models["data"], 3)
}
