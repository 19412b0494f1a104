package proxy

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// Config configures a proxy.
type Config struct {
	Engine *engine.Engine // required
	// Mask hides secrets in the log; nil = there are none.
	Mask func(string) string
	Log  *slog.Logger // nil disables logging
	// Base sends the requests; nil = the default of package transport.
	Base http.RoundTripper
	// MaxHeld is the largest number of bytes of requests in memory at the same time;
	// 0 = 256 MiB.
	MaxHeld int64
	// Caller returns the name of a request's token; nil = there are no tokens. Objects
	// and responses of one caller are hidden from the others.
	Caller func(*http.Request) string
	// Attempted, if not nil, receives each attempt at a deployment. Refused, if not nil,
	// receives each call that a limit of its group has refused.
	Attempted func(transport.Attempt)
	Refused   func(*http.Request, *engine.LimitError)
	// Wait is how long a call waits for headroom if its header gives no time, at most a
	// minute; 0 = it does not wait.
	Wait time.Duration
	// IDKey authenticates the ids of responses; nodes with the same key accept each
	// other's ids. Nil = a key derived from the deployment's credential or, for a
	// deployment without one, a random key of this process.
	IDKey []byte
	// MaxBody is the largest size of a body in bytes, at most 64 MiB; 0 = 8 MiB.
	MaxBody int64
	// Patience is the time-out of one write to a client, and of the beginning of its
	// body; 0 = 30 s.
	Patience time.Duration
}

const (
	defaultMaxHeld  = 256 << 20
	defaultPatience = 30 * time.Second
)

// Proxy answers OpenAI's and Anthropic's requests. It is safe for concurrent use.
type Proxy struct {
	hidden   atomic.Pointer[map[string]bool] // aliases that are not listed
	routing  atomic.Pointer[config.Routing]
	cfg      Config
	held     atomic.Int64 // bytes of requests
	mu       sync.Mutex   // Apply
	served   atomic.Pointer[served]
	headroom headroom
	failures every
	queues   queues
	objects  objects
	random   [32]byte // the key of ids for deployments without another
}

// served is the state that one Apply has set.
type served struct {
	rt      *transport.Transport // nil = nothing was served yet
	any     bool
	models  []model
	groups  map[string]groupInfo // by name
	pins    map[uint64]pinned    // deployments by the hash of their ID
	classes int
	masked  map[string][]string // shown names of deployments whose IDs contain a secret
}

// New returns a proxy. It serves nothing before [Proxy.Apply].
func New(cfg Config) *Proxy {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Mask == nil {
		cfg.Mask = func(text string) string { return text }
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = defaultMaxHeld
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	p := &Proxy{cfg: cfg, failures: every{gap: time.Second}}
	_, _ = rand.Read(p.random[:]) // never fails
	p.headroom.engine = cfg.Engine
	p.served.Store(&served{})
	p.routing.Store(&config.Routing{})
	return p
}

// Apply replaces the served configuration, which the engine must have already, and
// the endpoints of its deployments, which may be empty. The deployments in objects keep
// files and batches. It fails as [transport.New] does, and then changes nothing. Calls in
// flight are not affected.
func (p *Proxy) Apply(cfg engine.Config, endpoints map[string]transport.Endpoint, objects map[string]bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.served.Load()
	next := &served{rt: old.rt, any: len(endpoints) > 0, models: p.listed(modelsOf(cfg, endpoints, time.Now())), masked: map[string][]string{}}
	for id := range endpoints {
		if shown := p.cfg.Mask(id); shown != id {
			next.masked[escaped(id)] = []string{escaped(shown)}
		}
	}
	next.learn(p.cfg.Engine, cfg, endpoints, objects)
	var err error
	switch {
	case !next.any:
	case next.rt == nil:
		next.rt, err = transport.New(transport.Config{
			Engine: p.cfg.Engine, Endpoints: endpoints, Base: p.cfg.Base, MaxBody: p.cfg.MaxBody,
			Done: p.attempted, Adjust: p.adjust, Refused: p.refused, Client: p.clientOf,
		})
	default:
		err = next.rt.Apply(endpoints)
	}
	if err != nil {
		return err
	}
	p.headroom.configure(cfg)
	p.served.Store(next)
	return nil
}

// Route replaces the rules of retries, fallbacks and tags.
func (p *Proxy) Route(r config.Routing) { p.routing.Store(&r) }

// Check returns the error that [Proxy.Apply] would return, for a configuration that no
// engine has yet.
func Check(cfg engine.Config, endpoints map[string]transport.Endpoint) error {
	if len(endpoints) == 0 {
		return nil
	}
	cfg.Clock = nil
	eng, err := engine.New(cfg)
	if err != nil {
		return err
	}
	_, err = transport.New(transport.Config{Engine: eng, Endpoints: endpoints, Base: http.DefaultTransport})
	return err
}

// Serves reports whether anything can be called.
func (p *Proxy) Serves() bool { return p.served.Load().any }

// attempted logs an attempt.
func (p *Proxy) attempted(a transport.Attempt) {
	if p.cfg.Attempted != nil {
		p.cfg.Attempted(a)
	}
	log := p.cfg.Log
	if a.Err != nil && a.Context.Err() == nil && p.failures.due() {
		log.Warn("deployment did not respond (one line per second at most)", "deployment", p.cfg.Mask(a.Deployment), "error", p.cfg.Mask(a.Err.Error()))
	}
	if !log.Enabled(a.Context, slog.LevelDebug) {
		return
	}
	attrs := []any{
		"request_id", requestID(a.Context), "group", p.cfg.Mask(a.Group), "deployment", p.cfg.Mask(a.Deployment), "attempt", a.Number, "status", a.Status,
		"reserved", a.Reserved, "ending", a.Ending.String(), "input_tokens", a.Usage.InputTokens, "output_tokens", a.Usage.OutputTokens,
	}
	if a.Err != nil {
		attrs = append(attrs, "error", p.cfg.Mask(a.Err.Error()))
	}
	log.Debug("attempt", attrs...)
}

// every limits events to one per period.
type every struct {
	gap  time.Duration
	last atomic.Int64 // Unix ns
}

func (e *every) due() bool {
	now, last := time.Now().UnixNano(), e.last.Load()
	return now-last >= int64(e.gap) && e.last.CompareAndSwap(last, now)
}

// shape is the API in whose form a client is answered; OpenAI's form is used for
// [transport.Azure] too.
type shape transport.API

const (
	openAI    = shape(transport.OpenAI)
	anthropic = shape(transport.Anthropic)
)
