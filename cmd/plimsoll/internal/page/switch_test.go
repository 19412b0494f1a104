package page

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// A deployment is switched by a token in a header, by its key, and by nothing less.
func TestSwitch(t *testing.T) {
	switched := map[string]bool{}
	p := newPage(t, Config{Switch: func(_ *http.Request, id string, on bool) error {
		switched[id] = on
		if id == "gone" {
			return errors.New("gone")
		}
		return nil
	}}, engine.Deployment{ID: "a", Group: "g"}, engine.Deployment{ID: "gone", Group: "g"})
	ask := func(who *server.Token, body string, header ...string) int {
		r := httptest.NewRequest("POST", "/page/switch", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r.WithContext(server.WithCaller(r.Context(), who)))
		return w.Code
	}
	off := `{"key":"` + keyOf("a") + `","on":false}`
	require.Equal(t, 204, ask(nil, off))
	require.Equal(t, map[string]bool{"a": false}, switched)
	who := &server.Token{Name: "operator"}
	require.Equal(t, 401, ask(who, off), "no header")
	require.Equal(t, 401, ask(who, off, "Authorization", "Basic eDp5"), "a browser sends that by itself")
	require.Equal(t, 204, ask(who, `{"key":"`+keyOf("a")+`","on":true}`, "Authorization", "Bearer x"))
	require.True(t, switched["a"])
	require.Equal(t, 400, ask(nil, off, "Content-Type", "text/plain"))
	require.Equal(t, 400, ask(nil, `{"key":"a"}`))
	require.Equal(t, 404, ask(nil, `{"key":"a","on":true}`))
	require.Equal(t, 409, ask(nil, `{"key":"`+keyOf("gone")+`","on":true}`))
	require.Contains(t, get(p, "/").Body.String(), ">Drain</button>")
	require.Equal(t, 405, get(p, "/page/switch").Code)
	require.NotContains(t, get(newPage(t, Config{}, engine.Deployment{ID: "a", Group: "g"}), "/").Body.String(), "switch\"")
}

// Of many deployments a viewer sees headlines, the fullest first, and the rows that it
// asks for.
func TestManyDeployments(t *testing.T) {
	var many []engine.Deployment
	for i := range 300 {
		many = append(many, engine.Deployment{ID: fmt.Sprintf("d-%03d", i), Group: fmt.Sprintf("g-%d", i/75), Limits: engine.Limits{RPM: 100, TPM: 1000}})
	}
	refused := int64(0)
	p := newPage(t, Config{
		Problem: func() string { return "The files were refused." },
		Groups: func(each func(string, int64, int64)) {
			each("g-1", 50, refused)
		},
		Faults: func(each func(string, int64, int64)) { each("d-299", refused, 0) },
	}, many...)
	require.NoError(t, p.cfg.Engine.Record("d-299", engine.Usage{InputTokens: 900}))
	p.sample(time.Now())
	refused = 30
	p.sample(time.Now())
	html := get(p, "/").Body.String()
	require.Less(t, len(html), 20_000)
	require.Contains(t, html, "The files were refused.")
	require.Less(t, strings.Index(html, "<h2>g-3</h2>"), strings.Index(html, "<h2>g-0</h2>"))
	require.Contains(t, html, "74,100 of 75,000 tokens a minute free")
	require.Contains(t, html, `<span class="refused high">30 refused in the last minute</span>`)
	require.NotContains(t, html, "d-299")

	open := get(p, "/?open="+keyOf("g-3")).Body.String()
	require.Equal(t, rowsOfGroup, strings.Count(open, "<tr data-key"))
	require.Contains(t, open, "25 more, less full than these")
	require.Contains(t, open, "30 calls refused by the provider in the last minute")
	require.Less(t, strings.Index(open, "d-299"), strings.Index(open, "d-226"))

	found := get(p, "/?q=D-13").Body.String()
	require.Equal(t, 10, strings.Count(found, "<tr data-key"))
	require.NotContains(t, found, "<h2>g-3</h2>")
}

// A viewer that takes compressed frames of many rows gets few bytes.
func TestCompressedStream(t *testing.T) {
	var many []engine.Deployment
	for i := range 300 {
		many = append(many, engine.Deployment{ID: fmt.Sprintf("deployment-%03d", i), Group: fmt.Sprintf("g-%d", i/50), Model: "azure/gpt-4o", Limits: engine.Limits{RPM: 100, TPM: 1000}})
	}
	p := newPage(t, Config{Switch: func(*http.Request, string, bool) error { return nil }}, many...)
	for i := range many {
		require.NoError(t, p.cfg.Engine.Record(many[i].ID, engine.Usage{InputTokens: int64(7 * i % 1000)}))
	}
	for range 700 {
		p.sample(time.Now())
	}
	var sizes strings.Builder
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/page/events", nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	out := newStream(w, r)
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	for _, open := range []string{"", keyOf("g-1")} {
		before := w.Body.Len()
		for range 5 {
			stats := p.cfg.Engine.Stats()
			html, err := p.render("live", p.view(time.Now(), p.cfg.Engine.AppendStates(nil), &stats, choice{open: map[string]bool{open: true}}))
			require.NoError(t, err)
			require.NoError(t, out.send(event(html)))
		}
		fmt.Fprintf(&sizes, "%d ", (w.Body.Len()-before)/5)
		require.Less(t, (w.Body.Len()-before)/5, 20_000, "bytes a second")
	}
	t.Log("bytes a second, closed and one group open:", sizes.String())
}
