package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"time"
)

//go:embed assets
var assets embed.FS

var (
	templates  = template.Must(template.ParseFS(assets, "assets/*.tmpl"))
	assetKinds = map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	}
)

// policy lets the page load what the daemon itself serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// writeTime is the time-out of one write to a viewer.
const writeTime = 5 * time.Second

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

func (p *Page) render(name string, v *view) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, v)
	return b.Bytes(), err
}

// getPage is GET /.
func (p *Page) getPage(w http.ResponseWriter, r *http.Request) {
	stats := p.cfg.Engine.Stats()
	html, err := p.render("page", p.view(time.Now(), p.cfg.Engine.AppendStates(nil), &stats, choiceOf(r)))
	if err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	secure(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(html) //nolint:gosec // html/template has escaped it; an error is a viewer that has gone
}

// getEvents is GET /page/events: it sends the live part of the page each second until
// the viewer disconnects. A slow viewer misses frames.
func (p *Page) getEvents(w http.ResponseWriter, r *http.Request) {
	if p.viewers.Add(1) > int64(p.cfg.MaxStreams) {
		p.viewers.Add(-1)
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many viewers at once; the page itself can still be loaded", http.StatusServiceUnavailable)
		return
	}
	defer p.viewers.Add(-1)
	secure(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc, chosen := http.NewResponseController(w), choiceOf(r)
	out := newStream(w, r)
	if rc.Flush() != nil {
		return
	}
	for f := p.frame.Load(); ; f = p.frame.Load() {
		select {
		case <-r.Context().Done():
			return
		case <-f.ready:
		}
		f = p.frame.Load()
		html, err := p.render("live", p.view(f.at, f.states, &f.stats, chosen))
		if err != nil {
			return // templates are tested
		}
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // an error means a recorder of a test
		if out.send(event(html)) != nil || rc.Flush() != nil {
			return
		}
	}
}

// event wraps a text as a server-sent event, in which each line is marked.
func event(text []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(text) + len(text)/8)
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r"))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// asset serves one embedded file, which browsers cache and revalidate.
func asset(name, kind string) http.Handler {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // embedded: a test that makes a page finds it
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Etag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
}
