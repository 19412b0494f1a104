package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// The memory of a body is used again only after its last reader has ended: no request ever
// carries a part of another, though providers answer early and clients go away.
func TestMemoryOfBodies(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", h2), func(t *testing.T) {
			var mixed atomic.Int64
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := r.ContentLength
				if n%3 == 0 { // an answer before the body has come
					_, _ = io.CopyN(io.Discard, r.Body, 10)
					_, _ = io.WriteString(w, `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
					return
				}
				text, err := io.ReadAll(r.Body)
				if _, after, ok := strings.Cut(string(text), `"x":"`); err == nil && (!ok || strings.Trim(after, after[:1]) != `"}`) {
					mixed.Add(1)
				}
				_, _ = io.WriteString(w, `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
			}))
			var protocols http.Protocols
			protocols.SetHTTP1(!h2)
			protocols.SetUnencryptedHTTP2(h2)
			srv.Config.Protocols = &protocols
			srv.Start()
			defer srv.Close()
			eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}}})
			require.NoError(t, err)
			base := &http.Transport{Protocols: &protocols}
			defer base.CloseIdleConnections()
			rt, err := transport.New(transport.Config{
				Engine: eng, Endpoints: map[string]transport.Endpoint{"a": {API: transport.OpenAI, BaseURL: srv.URL, Model: "model-a"}},
				Base: base,
			})
			require.NoError(t, err)
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() {
					for i := range 60 {
						ctx, cancel := context.WithCancel(t.Context())
						size := []int{10, 5000, 70_000, 300_000}[i%4] + i + worker
						body := `{"model":"chat","x":"` + strings.Repeat(string(rune('a'+(worker*60+i)%26)), size) + `"}`
						if i%5 == 0 {
							time.AfterFunc(time.Duration(i)*50*time.Microsecond, cancel)
						}
						r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://any.invalid/chat/completions", strings.NewReader(body))
						if err != nil {
							t.Error(err)
						} else if resp, err := rt.RoundTrip(r); err == nil {
							_, _ = io.Copy(io.Discard, resp.Body)
							_ = resp.Body.Close()
						}
						cancel()
					}
				})
			}
			wg.Wait()
			require.Zero(t, mixed.Load())
			require.Zero(t, eng.Stats().Held)
		})
	}
}

// A body of many tiny items costs memory in proportion to its size.
func TestTinyItems(t *testing.T) {
	const size = 2 << 20
	fill := func(before, unit, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(unit, (size-len(before)-len(after))/len(unit)), ",") + after
	}
	for name, tt := range map[string]struct{ path, body string }{
		"messages": {"/chat/completions", fill(`{"model":"chat","messages":[`, `{},`, `]}`)},
		"parts":    {"/chat/completions", fill(`{"model":"chat","messages":[{"role":"user","content":[`, `{},`, `]}]}`)},
		"texts":    {"/chat/completions", fill(`{"model":"chat","messages":[{"role":"user","content":[`, `"",`, `]}]}`)},
		"tools":    {"/chat/completions", fill(`{"model":"chat","messages":[],"tools":[`, `{},`, `]}`)},
		"calls":    {"/chat/completions", fill(`{"model":"chat","messages":[{"role":"a","tool_calls":[`, `{"function":0},`, `]}]}`)},
		"members":  {"/chat/completions", fill(`{"model":"chat",`, `"":0,`, `"x":0}`)},
		"inputs":   {"/embeddings", fill(`{"model":"chat","input":[`, `"",`, `]}`)},
		"lists":    {"/embeddings", fill(`{"model":"chat","input":[`, `[],`, `]}`)},
		"numbers":  {"/embeddings", fill(`{"model":"chat","input":[`, `1,`, `]}`)},
		"items":    {"/responses", fill(`{"model":"chat","input":[`, `{"type":"function_call","name":"f","arguments":"{}"},`, `]}`)},
		"blocks":   {"/responses", fill(`{"model":"chat","instructions":[`, `{"type":"text","text":"x"},`, `]}`)},
		"escapes":  {"/chat/completions", fill(`{"model":"chat","messages":[{"role":"user","content":"`, `\u0041`, `"}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change{limits: engine.Limits{TPM: 1}}, answers(200, ""))
			used := allocated(func() { b.post(t, tt.path, tt.body) })
			require.Less(t, used, int64(8*size), "bytes allocated in all")
		})
	}
}

// allocated returns the bytes that are allocated while f runs, freed or not.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
