package proxy_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/proxy"
)

// shelf is a provider that keeps files and batches.
type shelf struct {
	mu    sync.Mutex
	files map[string]int // sizes
	calls int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	w.Header().Set("Content-Type", "application/json")
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	id := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case r.Method == "POST" && path == "/files":
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		file, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		n, _ := io.Copy(io.Discard, file)
		id = fmt.Sprintf("file-%d", len(s.files))
		s.files[id] = int(n)
		say(`{"id":%q,"object":"file","bytes":%d,"purpose":"batch"}`, id, n)
	case path == "/batches":
		say(`{"id":"batch_1","object":"batch","status":"validating"}`)
	case path == "/batches/batch_1":
		s.files["file-out"] = 3
		say(`{"id":"batch_1","object":"batch","status":"completed","output_file_id":"file-out"}`)
	case strings.HasSuffix(path, "/content"):
		w.Header().Set("Content-Type", "application/jsonl")
		say("out")
	case r.Method == "DELETE":
		delete(s.files, id)
		say(`{"id":%q,"object":"file","deleted":true}`, id)
	default:
		say(`{"id":%q,"object":"file","bytes":%d,"purpose":"batch"}`, id, s.files[id])
	}
}

func upload(t *testing.T, size int) (string, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.WriteField("purpose", "batch"))
	file, err := w.CreateFormFile("file", "in.jsonl")
	require.NoError(t, err)
	_, err = file.Write(bytes.Repeat([]byte("x"), size))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return body.String(), w.FormDataContentType()
}

// Files and batches are those of the token that made them, on the deployment that
// keeps them.
func TestObjects(t *testing.T) {
	a := &shelf{files: map[string]int{}}
	b := newBench(t, change{objects: map[string]bool{"a": true}, edit: func(c *proxy.Config) {
		c.MaxHeld = 64 << 10
		c.MaxBody = 64 << 10
		c.Caller = func(r *http.Request) string { return r.Header.Get("X-Who") }
	}}, a, answers(500, ""))
	text, typ := upload(t, 1<<20) // more than may be held: it passes through
	resp, answer := b.do(t, "POST", "/openai/v1/files", text, "Content-Type", typ, "X-Who", "anna")
	require.Equal(t, 200, resp.StatusCode, answer)
	require.JSONEq(t, `{"id":"file-0","object":"file","bytes":1048576,"purpose":"batch"}`, answer)

	get := func(who, path string) (int, string) {
		resp, text := b.do(t, "GET", path, "", "X-Who", who)
		return resp.StatusCode, text
	}
	status, _ := get("anna", "/v1/files/file-0")
	require.Equal(t, 200, status)
	for _, path := range []string{"/v1/files/file-0", "/v1/files/file-0/content", "/v1/files/file-9", "/v1/batches/batch_1", "/v1/batches/file-0"} {
		status, text := get("bert", path)
		require.Equal(t, 404, status, path)
		require.Contains(t, text, "No such")
	}
	resp, _ = b.do(t, "POST", "/v1/batches", `{"input_file_id":"file-0"}`, "X-Who", "bert")
	require.Equal(t, 404, resp.StatusCode)
	resp, answer = b.do(t, "POST", "/v1/batches", `{"input_file_id":"file-0","endpoint":"/v1/chat/completions"}`, "X-Who", "anna")
	require.Equal(t, 200, resp.StatusCode, answer)
	status, _ = get("anna", "/v1/files/file-out")
	require.Equal(t, 404, status, "not yet")
	status, answer = get("anna", "/v1/batches/batch_1")
	require.Equal(t, 200, status, answer)
	status, answer = get("anna", "/v1/files/file-out/content")
	require.Equal(t, 200, status)
	require.Equal(t, "out", answer)
	status, _ = get("bert", "/v1/files/file-out/content")
	require.Equal(t, 404, status)

	var list struct {
		Data []struct{ ID, Status string }
		Last string `json:"last_id"`
		More bool   `json:"has_more"`
	}
	_, answer = get("anna", "/v1/batches")
	require.NoError(t, json.Unmarshal([]byte(answer), &list))
	require.Len(t, list.Data, 1)
	require.Equal(t, "completed", list.Data[0].Status)
	text, typ = upload(t, 1)
	_, _ = b.do(t, "POST", "/openai/v1/files", text, "Content-Type", typ, "X-Who", "anna")
	_, answer = get("anna", "/openai/v1/files?limit=1")
	require.NoError(t, json.Unmarshal([]byte(answer), &list))
	require.True(t, list.More)
	require.Equal(t, "file-2", list.Last)
	_, answer = get("anna", "/openai/v1/files?after=file-2")
	require.NoError(t, json.Unmarshal([]byte(answer), &list))
	require.Equal(t, "file-0", list.Last)
	require.False(t, list.More)
	_, answer = get("bert", "/openai/v1/files")
	require.JSONEq(t, `{"object":"list","data":[],"has_more":false,"first_id":null,"last_id":null}`, answer)

	resp, _ = b.do(t, "DELETE", "/v1/files/file-0", "", "X-Who", "bert")
	require.Equal(t, 404, resp.StatusCode)
	resp, _ = b.do(t, "DELETE", "/v1/files/file-0", "", "X-Who", "anna")
	require.Equal(t, 200, resp.StatusCode)
	status, _ = get("anna", "/v1/files/file-0")
	require.Equal(t, 404, status)
	require.Zero(t, b.eng.Stats().Admitted)
	require.Zero(t, b.proxy.Held())
}

// Without objects: true nothing is kept.
func TestObjectsAreOff(t *testing.T) {
	a := &shelf{files: map[string]int{}}
	b := newBench(t, change{}, a)
	text, typ := upload(t, 1)
	resp, answer := b.do(t, "POST", "/openai/v1/files", text, "Content-Type", typ)
	require.Equal(t, 404, resp.StatusCode)
	require.Contains(t, answer, "objects: true")
	resp, _ = b.do(t, "POST", "/openai/v1/files?model=chat", text, "Content-Type", typ)
	require.Equal(t, 404, resp.StatusCode)
	require.Zero(t, a.calls)
}

// Compressed uploads and batches are decoded, as calls are: the header that says so does not
// travel.
func TestCompressedObjects(t *testing.T) {
	zip := func(text string) string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.String()
	}
	a := &shelf{files: map[string]int{}}
	b := newBench(t, change{objects: map[string]bool{"a": true}}, a)
	text, typ := upload(t, 1<<20)
	resp, answer := b.do(t, "POST", "/v1/files", zip(text), "Content-Type", typ, "Content-Encoding", "gzip")
	require.Equal(t, 200, resp.StatusCode, answer)
	require.JSONEq(t, `{"id":"file-0","object":"file","bytes":1048576,"purpose":"batch"}`, answer)
	resp, answer = b.do(t, "POST", "/v1/batches", zip(`{"input_file_id":"file-0"}`), "Content-Encoding", "gzip")
	require.Equal(t, 200, resp.StatusCode, answer)
	for path, body := range map[string]string{"/v1/files": text, "/v1/batches": `{"input_file_id":"file-0"}`} {
		resp, answer = b.do(t, "POST", path, body, "Content-Type", typ, "Content-Encoding", "zstd")
		require.Equal(t, 415, resp.StatusCode, answer)
		resp, answer = b.do(t, "POST", path, body, "Content-Type", typ, "Content-Encoding", "gzip")
		require.Equal(t, 400, resp.StatusCode, answer)
	}
	resp, answer = b.do(t, "POST", "/v1/batches", zip(strings.Repeat(" ", 2<<20)), "Content-Encoding", "gzip")
	require.Equal(t, 400, resp.StatusCode, answer)
}
