package proxy_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// Calls of one conversation go to one deployment, whatever names the conversation.
// Other conversations go elsewhere too.
func TestConversationsStayTogether(t *testing.T) {
	same := answers(200, plain, "Content-Type", "application/json")
	b := newBench(t, change{change: func(c *engine.Config) {
		for i := range c.Deployments {
			c.Deployments[i].Order = 0
		}
	}}, same, same, same, same)
	for name, call := range map[string]func(session string) (body string, headers []string){
		"own header":    func(s string) (string, []string) { return chat, []string{"X-Plimsoll-Affinity", s} },
		"Codex":         func(s string) (string, []string) { return chat, []string{"Session-Id", s} },
		"Codex, before": func(s string) (string, []string) { return chat, []string{"Session_id", s} },
		"Claude Code":   func(s string) (string, []string) { return chat, []string{"X-Claude-Code-Session-Id", s} },
		"cache key":     func(s string) (string, []string) { return `{"model":"chat","prompt_cache_key":"` + s + `"}`, nil },
		"LiteLLM":       func(s string) (string, []string) { return `{"model":"chat","litellm_session_id":"` + s + `"}`, nil },
		"session": func(s string) (string, []string) {
			return `{"model":"chat","metadata":{"session_id":"` + s + `"}}`, nil
		},
		"user":           func(s string) (string, []string) { return `{"model":"chat","metadata":{"user_id":"` + s + `"}}`, nil },
		"conversation":   func(s string) (string, []string) { return `{"model":"chat","conversation":{"id":"` + s + `"}}`, nil },
		"LiteLLM header": func(s string) (string, []string) { return chat, []string{"X-Litellm-Session-Id", s} },
	} {
		t.Run(name, func(t *testing.T) {
			used := map[string]bool{}
			for _, session := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"} {
				first := ""
				for range 4 {
					body, headers := call(session)
					resp, text := b.post(t, chatPath, body, headers...)
					require.Equal(t, 200, resp.StatusCode, text)
					at := resp.Header.Get("X-Plimsoll-Deployment")
					require.Contains(t, []string{"", at}, first)
					first = at
				}
				used[first] = true
			}
			require.Greater(t, len(used), 1)
		})
	}
}

// Tags and the class of a call come by our headers and by LiteLLM's fields, which
// reach no provider.
func TestTagsAndPriority(t *testing.T) {
	var sent []byte
	provider := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		answers(200, plain, "Content-Type", "application/json").ServeHTTP(w, r)
	})
	b := newBench(t, change{limits: engine.Limits{RPM: 100}, change: func(c *engine.Config) {
		c.Deployments[1].Tags = []string{"eu", "fast"}
		c.PriorityShare = []float64{1, 0.01}
	}}, provider, provider)
	for body, headers := range map[string][]string{
		`{"model":"chat","x":1}`:                                     {"X-Plimsoll-Tags", "eu, fast"},
		`{"model":"chat","x":2}`:                                     {"X-Litellm-Tags", "spending-only,eu"},
		`{"model":"chat","tags":["eu"]}`:                             nil,
		`{"model":"chat","metadata":{"tags":["eu","bill-me"]}}`:      nil,
		`{"litellm_metadata":{"tags":["fast"]},"model":"chat"}`:      nil,
		`{"model":"chat","metadata":{"tags":["eu"],"trace":"kept"}}`: nil,
	} {
		resp, text := b.post(t, chatPath, body, headers...)
		require.Equal(t, 200, resp.StatusCode, "%s: %s", body, text)
		require.Equal(t, "b", resp.Header.Get("X-Plimsoll-Deployment"), body)
		require.NotContains(t, string(sent), "tags")
		require.NotContains(t, string(sent), "litellm")
		require.Equal(t, strings.Contains(body, "kept"), strings.Contains(string(sent), `"metadata":{"trace":"kept"}`))
	}
	resp, _ := b.post(t, chatPath, chat, "X-Litellm-Tags", "spending-only")
	require.Equal(t, "a", resp.Header.Get("X-Plimsoll-Deployment"), "a tag that no deployment has labels spending")
	resp, text := b.post(t, chatPath, chat, "X-Plimsoll-Tags", "mars")
	require.Equal(t, 400, resp.StatusCode)
	require.Contains(t, text, `has all of the tags [\"mars\"]`)

	resp, _ = b.post(t, chatPath, chat, "X-Plimsoll-Priority", "1")
	require.Equal(t, 429, resp.StatusCode, "its class has no share")
	resp, _ = b.post(t, chatPath, `{"model":"chat","priority":7}`)
	require.Equal(t, 429, resp.StatusCode, "LiteLLM's later classes are the last one")
	resp, _ = b.post(t, chatPath, `{"model":"chat","priority":7}`, "X-Plimsoll-Priority", "0")
	require.Equal(t, 200, resp.StatusCode)
	require.NotContains(t, string(sent), "priority")
	for _, wrong := range []string{"2", "-1", "high"} {
		resp, text = b.post(t, chatPath, chat, "X-Plimsoll-Priority", wrong)
		require.Equal(t, 400, resp.StatusCode)
		require.Contains(t, text, "X-Plimsoll-Priority must be a whole number from 0 to 1")
	}
}

// A call waits as long as its header or the daemon says, and no longer.
func TestWaiting(t *testing.T) {
	release := make(chan struct{})
	b := newBench(t, change{limits: engine.Limits{MaxInFlight: 1}, edit: func(c *proxy.Config) { c.Wait = time.Minute }}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
		answers(200, plain).ServeHTTP(w, r)
	}))
	status := make(chan int, 3)
	call := func(headers ...string) {
		go func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+chatPath, strings.NewReader(chat))
			if err != nil {
				t.Error(err)
			}
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				status <- 0
				return
			}
			_ = resp.Body.Close()
			status <- resp.StatusCode
		}()
	}
	call()
	require.Eventually(t, func() bool { return b.eng.Stats().Held == 1 }, 10*time.Second, time.Millisecond)
	resp, _ := b.post(t, chatPath, chat, "X-Plimsoll-Wait", "0s")
	require.Equal(t, 429, resp.StatusCode, "not at all")
	resp, _ = b.post(t, chatPath, chat, "X-Plimsoll-Wait", "10ms")
	require.Equal(t, 429, resp.StatusCode, "its time passed")
	for _, wrong := range []string{"1h", "-1s", "soon", "5"} {
		resp, text := b.post(t, chatPath, chat, "X-Plimsoll-Wait", wrong)
		require.Equal(t, 400, resp.StatusCode)
		require.Contains(t, text, "X-Plimsoll-Wait must be a time from 0s to 1m")
	}
	call()
	require.Eventually(t, func() bool { return b.eng.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	release <- struct{}{}
	require.Equal(t, 200, <-status)
	require.Eventually(t, func() bool { return b.eng.Stats().Held == 1 }, 10*time.Second, time.Millisecond)
	call() // waits until the daemon is about to end
	require.Eventually(t, func() bool { return b.eng.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	b.stop()
	require.Equal(t, 429, <-status)
	release <- struct{}{}
	require.Equal(t, 200, <-status)
	b.settled(t)
}

// A body of gzip is read as what it holds, within the limits of others.
func TestCompressedBodies(t *testing.T) {
	zip := func(text string) string {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return buf.String()
	}
	var sent []byte
	b := newBench(t, change{edit: func(c *proxy.Config) { c.MaxBody = 1 << 20 }}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		require.Empty(t, r.Header.Get("Content-Encoding"))
		answers(200, plain, "Content-Type", "application/json").ServeHTTP(w, r)
	}))
	resp, text := b.post(t, chatPath, zip(chat), "Content-Encoding", "gzip")
	require.Equal(t, 200, resp.StatusCode, text)
	require.JSONEq(t, strings.Replace(chat, `"chat"`, `"m-a"`, 1), string(sent))
	resp, _ = b.post(t, chatPath, zip(`{"model":"chat","x":"`+strings.Repeat("x", 2<<20)+`"}`), "Content-Encoding", "gzip")
	require.Equal(t, 413, resp.StatusCode)
	for _, broken := range []string{chat, zip(chat)[:30], ""} {
		resp, _ = b.post(t, chatPath, broken, "Content-Encoding", "gzip")
		require.Equal(t, 400, resp.StatusCode)
	}
	resp, _ = b.post(t, chatPath, chat, "Content-Encoding", "br")
	require.Equal(t, 415, resp.StatusCode)
	b.settled(t)
	require.Eventually(t, func() bool { return b.proxy.Held() == 0 }, 10*time.Second, time.Millisecond)
}
