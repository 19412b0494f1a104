package daemon

import (
	"encoding/json"
	"net/http"
	"time"
)

// Register adds the paths that tell whether the daemon lives and is ready.
func (d *Daemon) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", d.readyz)
}

// OpenPaths are those that need no token.
func OpenPaths() []string { return []string{"/healthz", "/readyz"} }

type readiness struct {
	Ready    bool        `json:"ready"`
	Draining bool        `json:"draining,omitempty"`
	Store    storeHealth `json:"store"`
	Config   fileHealth  `json:"config"`
}

type storeHealth struct {
	State       string `json:"state"` // none, connected or away
	StalenessMS int64  `json:"staleness_ms,omitempty"`
	DegradedMS  int64  `json:"degraded_ms,omitempty"` // away, in all
	Nodes       int    `json:"nodes,omitempty"`
}

type fileHealth struct {
	Loaded   time.Time  `json:"loaded"`
	Warnings int        `json:"warnings,omitempty"`
	Refused  *time.Time `json:"refused,omitempty"` // when a later one could not be taken
}

// readyz is ready in an outage of the store too: decisions go on by policy, and
// a gateway without its daemon would do worse.
func (d *Daemon) readyz(w http.ResponseWriter, _ *http.Request) {
	r := readiness{
		Ready: !d.draining.Load(), Draining: d.draining.Load(), Store: storeHealth{State: "none"},
		Config: fileHealth{Loaded: d.loaded.Load().UTC(), Warnings: len(d.File().Warnings)},
	}
	if d.Syncer != nil {
		s := d.Syncer.Stats()
		r.Store = storeHealth{"connected", s.Staleness.Milliseconds(), s.Degraded.Milliseconds(), s.Nodes}
		if s.Away {
			r.Store.State = "away"
		} else if s.Exchanges == 0 {
			r.Store.State = "connecting"
		}
	}
	if p := d.problem.Load(); p != nil {
		at := p.at.UTC()
		r.Config.Refused = &at
	}
	w.Header().Set("Content-Type", "application/json")
	if !r.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(r)
}
