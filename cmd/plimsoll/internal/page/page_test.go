package page

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func newPage(t *testing.T, cfg Config, deployments ...engine.Deployment) *Page {
	t.Helper()
	eng, err := engine.New(engine.Config{Deployments: deployments, TrackHeld: true, Clock: window.NewClockFrom(time.Now)})
	require.NoError(t, err)
	cfg.Engine = eng
	p, err := New(cfg)
	require.NoError(t, err)
	return p
}

func get(p *Page, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	mask := func(text string) string { return strings.ReplaceAll(text, "sk-secret", "(hidden)") }
	p := newPage(t, Config{Note: "An example.", Mask: mask, MaxDeployments: 2},
		engine.Deployment{ID: "sk-secret", Group: "g-sk-secret", Model: "sk-secret", Limits: engine.Limits{RPM: 1000, TPM: 40_000, RPD: 2000, OutputTPM: 500}},
		engine.Deployment{ID: `<script>alert("x")</script>`, Group: "g-sk-secret"},
		engine.Deployment{ID: "third", Group: "z"})
	require.NoError(t, p.cfg.Engine.PreCheck("sk-secret", engine.Demand{}))
	require.NoError(t, p.cfg.Engine.Record("sk-secret", engine.Usage{InputTokens: 12_345}))
	w := get(p, "/")
	require.Equal(t, http.StatusOK, w.Code)
	html := w.Body.String()
	for _, want := range []string{
		`aria-valuetext="1 of 2,000 requests today, 0 %"`, `aria-valuetext="0 of 500 tokens out, 0 %"`, "</b> of 2,000<span class=\"kind\"> today</span></span>",
		"An example.", "<h2>g-(hidden)</h2>", `aria-valuetext="12,345 of 40,000 tokens, 30 %"`, "&lt;script&gt;", "1 more deployments are not shown", "One node",
	} {
		require.Contains(t, html, want)
	}
	require.NotContains(t, html, "sk-secret")
	require.NotContains(t, html, "third")
	require.NotContains(t, html, "alert(\"x\")")

	// Nothing that the policy forbids or that comes from elsewhere.
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.NotRegexp(t, `(?i)\son[a-z]+=|\sstyle=|<script>|<style`, html)
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		require.True(t, strings.HasPrefix(m[1], "page/") || m[1] == "v1/deployments", "%s: the page may be behind a prefix", m[1])
		if strings.HasPrefix(m[1], "page/") {
			require.Equal(t, http.StatusOK, get(p, "/"+m[1]).Code)
		}
	}
}

// A group's headline says what is free of the limits that all of its deployments have.
func TestHeadroom(t *testing.T) {
	split := engine.Limits{InputTPM: 1000, OutputTPM: 500}
	p := newPage(t, Config{},
		engine.Deployment{ID: "a", Group: "plain", Limits: engine.Limits{TPM: 4000}}, engine.Deployment{ID: "b", Group: "plain", Limits: engine.Limits{TPM: 2000}},
		engine.Deployment{ID: "c", Group: "split", Limits: split}, engine.Deployment{ID: "d", Group: "split", Limits: split},
		engine.Deployment{ID: "e", Group: "open", Limits: split}, engine.Deployment{ID: "f", Group: "open"})
	require.NoError(t, p.cfg.Engine.Record("a", engine.Usage{InputTokens: 500}))
	html := get(p, "/").Body.String()
	for _, want := range []string{"5,500 of 6,000 tokens a minute free", "2,000 of 2,000 input and 1,000 of 1,000 output tokens a minute free"} {
		require.Contains(t, html, want)
	}
	require.Equal(t, 2, strings.Count(html, "a minute free"))
}

func TestAssets(t *testing.T) {
	p := newPage(t, Config{}, engine.Deployment{ID: "a", Group: "g"})
	w := get(p, "/page/page.js")
	require.Equal(t, "text/javascript; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, http.StatusNotModified, get(p, "/page/page.js", "If-None-Match", w.Header().Get("Etag")).Code)
	for _, path := range []string{"/page/page.tmpl", "/page/", "/other", "/page/../http.go"} {
		require.NotEqual(t, http.StatusOK, get(p, path).Code, path)
	}
	_, err := New(Config{})
	require.ErrorContains(t, err, "Config.Engine")
}

// Each second every viewer gets a frame; a viewer that goes leaves nothing
// behind, and there are only so many.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage(t, Config{MaxStreams: 1}, engine.Deployment{ID: "a", Group: "g", Limits: engine.Limits{RPM: 10}})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = p.Run(ctx) }()
		synctest.Wait()
		viewer, leave := context.WithCancel(ctx)
		pr, pw := io.Pipe()
		w := &pipeWriter{header: http.Header{}, w: pw}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/page/events", nil).WithContext(viewer))
		}()
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, get(p, "/page/events").Code)
		buf := make([]byte, 1<<20)
		for i := range 3 {
			require.NoError(t, p.cfg.Engine.PreCheck("a", engine.Demand{}))
			n, err := pr.Read(buf)
			require.NoError(t, err)
			text := string(buf[:n])
			require.True(t, strings.HasSuffix(text, "\n\n"))
			require.Contains(t, text, fmt.Sprintf("%d of 10 requests, %d0 %%", i+1, i+1))
			for line := range strings.Lines(strings.TrimSuffix(text, "\n\n")) {
				require.True(t, strings.HasPrefix(line, "data: "), line)
			}
		}
		require.Equal(t, "text/event-stream", w.header.Get("Content-Type"))
		leave()
		<-gone
		require.Zero(t, p.viewers.Load())
		stop()
	})
}

type pipeWriter struct {
	header http.Header
	w      io.Writer
}

func (p *pipeWriter) Header() http.Header         { return p.header }
func (p *pipeWriter) WriteHeader(int)             {}
func (p *pipeWriter) Flush()                      {}
func (p *pipeWriter) Write(b []byte) (int, error) { return p.w.Write(b) }

// The history is a minute long however long the page runs, and forgets
// deployments that are gone.
func TestHistory(t *testing.T) {
	h := newHistory()
	for n := range int64(200) {
		h.add([]engine.State{{ID: "a", Utilization: float64(n)}}, &engine.Stats{Admitted: 2 * n, Refused: map[engine.Limit]int64{engine.LimitRPM: n, engine.LimitTPM: n}})
	}
	values := h.used["a"].list()
	require.Len(t, values, 20, "a point for each ten samples, and the current one")
	require.InDelta(t, 9, values[0], 0)
	require.InDelta(t, 189, values[18], 0)
	require.InDelta(t, 199, values[19], 0)
	lately := h.since(counts{admitted: 400, refused: 500, by: map[engine.Limit]int64{engine.LimitRPM: 200}})
	require.EqualValues(t, 400-2*139, lately.admitted)
	require.EqualValues(t, 500-2*139, lately.refused)
	require.EqualValues(t, 200-139, lately.by[engine.LimitRPM])
	h.add([]engine.State{{ID: "b"}}, &engine.Stats{})
	require.Len(t, h.used, 1)
	require.Equal(t, []float32{0}, h.used["b"].list())
}

func TestBar(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		used, others, held, limit int64
		own, other, reserved      string // widths
		text                      string
		over                      bool
	}{
		{"empty", 0, 0, 0, 100, "0.00%", "0.00%", "0.00%", "0 of 100 tokens, 0 %", false},
		{"parts", 66, 11, 22, 100, "30.00%", "10.00%", "20.00%", "66 of 100 tokens, 66 %, 22 reserved, 11 by other nodes", false},
		{"beyond the end", 300, 0, 150, 100, "100.00%", "0.00%", "0.00%", "300 of 100 tokens, 300 %, 150 reserved", true},
		{"read apart", 10, 20, 30, 100, "0.00%", "9.09%", "0.00%", "10 of 100 tokens, 10 %, 30 reserved, 20 by other nodes", false},
		{"blocked", 0, 0, 0, engine.Blocked, "0.00%", "0.00%", "0.00%", "0 of 0 tokens, 100 %", false},
		{"blocked and used", 1, 0, 0, engine.Blocked, "100.00%", "0.00%", "0.00%", "1 of 0 tokens, 100 %", true},
		{"unlimited", 1234, 0, 0, 0, "", "", "", "1,234 tokens, no limit", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBar("tokens", tt.used, tt.others, tt.held, tt.limit)
			require.Equal(t, []string{tt.own, tt.other, tt.reserved, tt.text}, []string{b.Own.Width, b.Others.Width, b.Held.Width, b.Text})
			require.Equal(t, tt.over, b.Over)
		})
	}
}

func TestChart(t *testing.T) {
	line, area, tale := chart([]float32{0, 0.5, 1, 3})
	require.Equal(t, "57,22.0 58,12.0 59,2.0 60,0.0", line)
	require.Equal(t, "57,22 57,22.0 58,12.0 59,2.0 60,0.0 60,22", area)
	require.Equal(t, "last 10 minutes: from 0 % to 300 %, now 300 %", tale)
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		stats syncer.Stats
		want  share
	}{
		{syncer.Stats{}, share{"Joining", "the store has not been asked yet", false}},
		{syncer.Stats{Exchanges: 1, Nodes: 1, Staleness: 84 * time.Millisecond}, share{"In step", "1 node, 84 ms behind", false}},
		{syncer.Stats{Exchanges: 1, Nodes: 3, OtherModes: 2}, share{"In step", "3 nodes, 2 configured for another mode, 0 ms behind", false}},
		{syncer.Stats{Exchanges: 1, Nodes: 3, Staleness: 6 * time.Second}, share{"Behind", "3 nodes, last answer 6 s ago", true}},
		{syncer.Stats{Away: true, Staleness: 7 * time.Second}, share{"Store away", "deciding alone; no answer yet, see /readyz for the reason", true}},
		{syncer.Stats{Away: true, Outdated: 2, Exchanges: 5, Nodes: 1}, share{"Older nodes", "2 of an older version share by other keys: this node is not ready and admits its share alone until they have stopped", true}},
		{syncer.Stats{Away: true, Exchanges: 5, Staleness: 150 * time.Second}, share{"Store away", "deciding alone; last answer 3 min ago", true}},
	} {
		require.Equal(t, tt.want, shareOf(&tt.stats))
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		require.Equal(t, want, grouped(n))
	}
}

// The page shows a cooldown, and after it that the deployment is half-open.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage(t, Config{}, engine.Deployment{ID: "a", Group: "chat"}, engine.Deployment{ID: "b", Group: "chat"})
		require.NoError(t, p.cfg.Engine.Observe("a", provider.Signal{Kind: provider.RateLimit, RetryAfter: 3 * time.Second}))
		require.Contains(t, get(p, "/").Body.String(), "cooling down, 3 s")
		time.Sleep(4 * time.Second)
		require.NoError(t, p.cfg.Engine.PreCheck("a", engine.Demand{}))
		require.Contains(t, get(p, "/").Body.String(), "half open, one request goes first")
		require.NoError(t, p.cfg.Engine.Observe("a", provider.Signal{}))
		require.NotContains(t, get(p, "/").Body.String(), "half open")
	})
}
