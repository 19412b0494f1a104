package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// do sends a request of any method.
func (b *bench) do(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(text)
}

// Clients use the paths that they were configured with: ours, LiteLLM's with and
// without /v1, Azure's with the deployment in the path, with slashes too many.
func TestPaths(t *testing.T) {
	var got string
	provider := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got = r.URL.RequestURI() + " " + string(text)
		answers(200, plain, "Content-Type", "application/json").ServeHTTP(w, r)
	})
	b := newBench(t, change{aliases: map[string]string{"a/b": "chat"}}, provider)
	body := `{"messages":[],"model":"chat"}`
	for path, want := range map[string]string{
		"/openai/v1/chat/completions":    "/v1/chat/completions",
		"/v1/chat/completions":           "/v1/chat/completions",
		"/chat/completions":              "/v1/chat/completions",
		"/openai/chat/completions":       "/v1/chat/completions",
		"/openai/v1/chat/completions/":   "/v1/chat/completions",
		"//openai//v1/chat//completions": "/v1/chat/completions",
		"/openai/deployments/chat/chat/completions?api-version=2024-10-21": "/v1/chat/completions?",
		"/engines/chat/chat/completions":                                   "/v1/chat/completions",
		"/openai/deployments/chat/embeddings":                              "/v1/embeddings",
		"/openai/responses?api-version=preview":                            "/v1/responses?",
		"/responses/compact":                                               "/v1/responses/compact",
		"/v1/responses/input_tokens":                                       "/v1/responses/input_tokens",
		"/completions":                                                     "/v1/completions",
		"/v1/images/generations":                                           "/v1/images/generations",
		"/openai/v1/audio/speech":                                          "/v1/audio/speech",
		"/moderations":                                                     "/v1/moderations",
		"/rerank":                                                          "/v1/rerank",
		"/openai/deployments/a%2Fb/chat/completions?api-version=x&beta=1&drop=1#none": "/v1/chat/completions?beta=1",
	} {
		resp, text := b.do(t, "POST", path, body)
		require.Equal(t, 200, resp.StatusCode, "%s: %s", path, text)
		uri, sent, _ := strings.Cut(got, " ")
		require.Equal(t, strings.TrimSuffix(want, "?"), strings.TrimSuffix(uri, "?"), path)
		require.Contains(t, sent, `"model":"m-a"`, path)
	}
	// Azure's clients name the model in the path alone.
	resp, text := b.do(t, "POST", "/openai/deployments/chat/chat/completions?api-version=x", `{"messages":[]}`, "Api-Key", "client-key")
	require.Equal(t, 200, resp.StatusCode, text)
	require.Contains(t, got, `"model":"m-a"`)
	resp, _ = b.do(t, "POST", "/openai/deployments/nobody/chat/completions", body)
	require.Equal(t, 404, resp.StatusCode)
	resp, _ = b.do(t, "POST", "/chat/completions", `{"messages":[]}`)
	require.Equal(t, 400, resp.StatusCode)
	b.settled(t)

	for _, path := range []string{"/openai/v1/threads", "/v1/threads/x/runs", "/openai/v1/fine_tuning/jobs", "/anthropic/v1/complete", "/v1/realtime", "/openai/v1/vector_stores"} {
		resp, text := b.do(t, "POST", path, body)
		require.Equal(t, 404, resp.StatusCode, path)
		require.Contains(t, text, fmt.Sprintf(`the path \"%s\" is not served by this proxy; below`, path))
	}
	for path, allow := range map[string]string{"/v1/chat/completions": "POST", "/responses/resp_1": "DELETE, GET", "/openai/v1/models": "GET", "/v1/messages/count_tokens": "POST"} {
		resp, _ := b.do(t, "PATCH", path, body)
		require.Equal(t, 405, resp.StatusCode, path)
		require.Equal(t, allow, resp.Header.Get("Allow"), path)
	}
}

func TestAnthropicPaths(t *testing.T) {
	var got string
	provider := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.RequestURI()
		answers(200, `{"input_tokens":7}`, "Content-Type", "application/json").ServeHTTP(w, r)
	})
	b := newBench(t, change{api: transport.Anthropic}, provider)
	for path, want := range map[string]string{
		"/anthropic/v1/messages": "/v1/messages", "/v1/messages?beta=true": "/v1/messages?beta=true", "/messages": "/v1/messages", "/anthropic/messages": "/v1/messages",
		"/anthropic/v1/messages/count_tokens?beta=true": "/v1/messages/count_tokens?beta=true", "/v1/messages/count_tokens": "/v1/messages/count_tokens",
	} {
		resp, text := b.do(t, "POST", path, `{"model":"chat","messages":[]}`)
		require.Equal(t, 200, resp.StatusCode, "%s: %s", path, text)
		require.Equal(t, want, got)
		require.Equal(t, "chat", resp.Header.Get("X-Plimsoll-Group"))
	}
	resp, text := b.do(t, "GET", "/anthropic/v1/models", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, text, `"first_id":"chat"`)
	require.Contains(t, text, `{"type":"model","id":"chat","display_name":"chat","created_at":"`)
	_, text = b.do(t, "GET", "/v1/models/chat", "", "Anthropic-Version", "2023-06-01")
	require.Contains(t, text, `"display_name":"chat"`)
	_, text = b.do(t, "GET", "/models/chat", "")
	require.Contains(t, text, `"object":"model"`)
	resp, text = b.do(t, "GET", "/anthropic/v1/models/nobody", "")
	require.Equal(t, 404, resp.StatusCode)
	require.Contains(t, text, `"not_found_error"`)
}
