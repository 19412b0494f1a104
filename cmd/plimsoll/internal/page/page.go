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

// Config configures a page.
type Config struct {
	Engine *engine.Engine // required
	Syncer *syncer.Syncer // nil = usage is not shared
	// Accounts returns how this node keeps limits together with other nodes, by deployment;
	// nil = usage is not shared.
	Accounts func() map[string][]syncer.Account
	// Mask hides secrets in IDs, groups and models; nil = there are none.
	Mask func(text string) string
	// Problem returns a message for operators, such as that a configuration was refused; "" =
	// no problem. Nil = never a problem.
	Problem func() string
	// Groups calls each with the number of requests that each group has admitted and refused
	// so far. Faults calls each with the number of attempts that each deployment's provider has
	// refused, and that failed. Nil = the page omits them.
	Groups func(each func(group string, admitted, refused int64))
	Faults func(each func(deployment string, refused, failed int64))
	// Tokens returns the tokens with which clients may call; nil = there are none.
	Tokens func() []Token
	// Switch, if not nil, switches a deployment on this node on or off, for POST /page/switch.
	Switch func(r *http.Request, deployment string, on bool) error
	// Note is a sentence at the top, such as that this is an example; "" = none.
	Note string
	// MaxDeployments is the largest number of rows; 0 = 200.
	MaxDeployments int
	// MaxStreams is the largest number of viewers with live updates; 0 = 64.
	MaxStreams int
}

// Page is the handler of "/" and of all paths below "/page/". It is safe for
// concurrent use. It has a history only while Run runs.
type Page struct {
	cfg Config
	mux *http.ServeMux

	viewers atomic.Int64
	frame   atomic.Pointer[frame]

	mu      sync.Mutex
	history history
}

// A frame is the live part of the page at one time. Its channel ready is closed once the
// next frame exists.
type frame struct {
	at     time.Time
	states []engine.State
	stats  engine.Stats
	ready  chan struct{}
}

// New returns a page. It returns an error if Config.Engine is nil.
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
	p.mux.HandleFunc("POST /page/switch", p.postSwitch)
	for name, kind := range assetKinds {
		p.mux.Handle("GET /page/"+name, asset(name, kind))
	}
	return p, nil
}

// ServeHTTP implements [http.Handler].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Run takes a sample each second and sends it to the viewers, until ctx ends.
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

// sample adds a sample to the history, and renders the next frame if there is a viewer.
func (p *Page) sample(now time.Time) {
	states, stats := p.cfg.Engine.AppendStates(nil), p.cfg.Engine.Stats()
	p.mu.Lock()
	p.history.add(states, &stats)
	p.history.traffic.add(p.traffic())
	p.mu.Unlock()
	if p.viewers.Load() == 0 {
		return
	}
	last := p.frame.Swap(&frame{now, states, stats, make(chan struct{})})
	close(last.ready)
}

// traffic returns the daemon's counts so far.
func (p *Page) traffic() traffic {
	t := traffic{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]Token{}}
	if p.cfg.Groups != nil {
		p.cfg.Groups(func(group string, admitted, refused int64) { t.admitted[group], t.refused[group] = admitted, refused })
	}
	if p.cfg.Faults != nil {
		p.cfg.Faults(func(id string, refused, failed int64) { t.limited[id], t.failed[id] = refused, failed })
	}
	if p.cfg.Tokens != nil {
		for _, one := range p.cfg.Tokens() {
			one.State = nil
			t.tokens[one.Name] = one
		}
	}
	return t
}
