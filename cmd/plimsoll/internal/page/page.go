package page

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// Config says what the page shows.
type Config struct {
	Engine *engine.Engine // required
	Syncer *syncer.Syncer // nil: usage is not shared
	// Mask changes IDs, groups and models before they are shown; nil = as they are.
	Mask func(text string) string
	// Note is a sentence at the top, such as that this is an example; "" = none.
	Note string
	// MaxDeployments is how many deployments have a row; 0 = 200.
	MaxDeployments int
	// MaxStreams is how many viewers are kept up to date at once; 0 = 64.
	MaxStreams int
}

// Page is the handler of "/" and of what is below "/page/". It is safe for
// concurrent use. It has a history only while Run runs.
type Page struct {
	cfg Config
	mux *http.ServeMux

	viewers atomic.Int64
	frame   atomic.Pointer[frame]

	mu      sync.Mutex
	history history
}

// A frame is the live part of the page at one time. ready is closed once the
// frame that follows is there.
type frame struct {
	html  []byte
	ready chan struct{}
}

// New returns a page. It fails without an engine.
func New(cfg Config) (*Page, error) {
	if cfg.Engine == nil {
		return nil, errors.New("page: Config.Engine is nil")
	}
	if cfg.Mask == nil {
		cfg.Mask = func(text string) string { return text }
	}
	if cfg.MaxDeployments == 0 {
		cfg.MaxDeployments = 200
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 64
	}
	p := &Page{cfg: cfg, mux: http.NewServeMux(), history: newHistory()}
	p.frame.Store(&frame{ready: make(chan struct{})})
	p.mux.HandleFunc("GET /{$}", p.getPage)
	p.mux.HandleFunc("GET /page/events", p.getEvents)
	for name, kind := range assetKinds {
		p.mux.Handle("GET /page/"+name, asset(name, kind))
	}
	return p, nil
}

// ServeHTTP implements [http.Handler].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Run takes a sample each second until ctx ends, and shows it to the viewers.
func (p *Page) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		p.sample(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sample adds to the history, and makes the next frame if anyone looks.
func (p *Page) sample(now time.Time) {
	states, stats := p.cfg.Engine.AppendStates(nil), p.cfg.Engine.Stats()
	p.mu.Lock()
	p.history.add(states, &stats)
	p.mu.Unlock()
	if p.viewers.Load() == 0 {
		return
	}
	html, err := p.render("live", p.view(now, states, &stats))
	if err != nil {
		return // a template that fails does so in every test
	}
	last := p.frame.Swap(&frame{html: html, ready: make(chan struct{})})
	close(last.ready)
}
