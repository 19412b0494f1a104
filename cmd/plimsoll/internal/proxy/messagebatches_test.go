package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// counter is a provider that keeps batches of messages.
type counter struct {
	mu   sync.Mutex
	made int
	got  []string // method, path and size of the body
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, n))
	id, action, _ := strings.Cut(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1/messages/batches"), "/"), "/")
	if r.Method == http.MethodPost && action == "" {
		c.made++
		id = fmt.Sprintf("msgbatch_%d", c.made)
	}
	w.Header().Set("Content-Type", "application/json")
	status, results := "in_progress", "null"
	switch {
	case r.Method == http.MethodDelete:
		_, _ = fmt.Fprintf(w, `{"id":%q,"type":"message_batch_deleted"}`, id)
		return
	case action == "results":
		w.Header().Set("Content-Type", "application/x-jsonl")
		_, _ = io.WriteString(w, `{"custom_id":"one","result":{"type":"errored"}}`+"\n")
		return
	case action == "cancel":
		status = "canceling"
	case r.Method == http.MethodGet:
		status, results = "ended", fmt.Sprintf(`"https://provider.example/v1/messages/batches/%s/results"`, id)
	}
	_, _ = fmt.Fprintf(w, `{"id":%q,"type":"message_batch","processing_status":%q,"results_url":%s}`, id, status, results)
}

// keeping is a proxy before one provider that keeps batches of messages.
func keeping(t *testing.T) (*counter, func(who, method, path, body string) (int, string)) {
	c := &counter{}
	b := newBench(t, change{api: transport.Anthropic, objects: map[string]bool{"a": true}, edit: func(c *proxy.Config) {
		c.MaxHeld = 64 << 10
		c.MaxBody = 64 << 10
		c.Caller = func(r *http.Request) string { return r.Header.Get("X-Who") }
	}}, c, answers(500, ""))
	t.Cleanup(func() {
		require.Zero(t, b.eng.Stats().Admitted)
		require.Zero(t, b.proxy.Held())
	})
	return c, func(who, method, path, body string) (int, string) {
		resp, text := b.do(t, method, path, body, "X-Who", who, "Content-Type", "application/json")
		return resp.StatusCode, text
	}
}

// Batches of messages are those of the token that made them.
func TestMessageBatches(t *testing.T) {
	c, do := keeping(t)
	large := `{"requests":[` + strings.Repeat(" ", 1<<20) + `]}` // more than may be held: it passes through
	status, text := do("anna", "POST", "/anthropic/v1/messages/batches?beta=true", large)
	require.Equal(t, 200, status, text)
	require.JSONEq(t, `{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress","results_url":null}`, text)
	require.Equal(t, []string{fmt.Sprintf("POST /v1/messages/batches %d", len(large))}, c.got)

	for _, at := range [...]struct{ method, path string }{{"GET", ""}, {"DELETE", ""}, {"POST", "/cancel"}, {"GET", "/results"}} {
		status, text = do("bert", at.method, "/v1/messages/batches/msgbatch_1"+at.path, "")
		require.Equal(t, 404, status, at)
		require.Contains(t, text, `"type":"not_found_error"`)
		require.Contains(t, text, "No such message batch")
	}
	require.Len(t, c.got, 1, "nothing of it went upstream")
	status, _ = do("anna", "GET", "/v1/batches/msgbatch_1", "")
	require.Equal(t, 404, status, "it is none of OpenAI's")

	status, text = do("anna", "GET", "/v1/messages/batches/msgbatch_1", "")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"id":"msgbatch_1","type":"message_batch","processing_status":"ended","results_url":"/v1/messages/batches/msgbatch_1/results"}`, text)
	status, text = do("anna", "GET", "/anthropic/v1/messages/batches/msgbatch_1/results", "")
	require.Equal(t, 200, status)
	require.Contains(t, text, `"custom_id":"one"`)
	status, text = do("anna", "POST", "/messages/batches/msgbatch_1/cancel", "{}")
	require.Equal(t, 200, status)
	require.Contains(t, text, "canceling")

	status, text = do("anna", "DELETE", "/v1/messages/batches/msgbatch_1", "")
	require.Equal(t, 200, status)
	require.Contains(t, text, "message_batch_deleted")
	status, _ = do("anna", "GET", "/v1/messages/batches/msgbatch_1", "")
	require.Equal(t, 404, status)
}

// A list of batches has the caller's, the newest first, and pages in both directions.
func TestListMessageBatches(t *testing.T) {
	_, do := keeping(t)
	for range 4 {
		status, text := do("anna", "POST", "/v1/messages/batches", "{}")
		require.Equal(t, 200, status, text)
	}
	for _, tt := range []struct {
		query string
		ids   string
		more  bool
	}{
		{"", "4 3 2 1", false},
		{"?limit=3", "4 3 2", true},
		{"?limit=2&after_id=msgbatch_3", "2 1", false},
		{"?limit=2&before_id=msgbatch_1", "3 2", true},
		{"?limit=2&before_id=msgbatch_3", "4", false},
		{"?before_id=msgbatch_4", "", false},
	} {
		_, text := do("anna", "GET", "/v1/messages/batches"+tt.query, "")
		var list struct {
			Data []struct{ ID string }
			More bool `json:"has_more"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &list))
		ids := []string{}
		for _, d := range list.Data {
			ids = append(ids, strings.TrimPrefix(d.ID, "msgbatch_"))
		}
		require.Equal(t, tt.ids, strings.Join(ids, " "), tt.query)
		require.Equal(t, tt.more, list.More, tt.query)
	}
	_, text := do("bert", "GET", "/v1/messages/batches", "")
	require.JSONEq(t, `{"data":[],"has_more":false,"first_id":null,"last_id":null}`, text)
	status, text := do("anna", "POST", "/openai/v1/files", "x")
	require.Equal(t, 404, status, "files are kept by deployments of OpenAI's API")
	require.Contains(t, text, "objects: true")
}
