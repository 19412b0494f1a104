package daemon

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
)

// Register adds /healthz and /readyz.
func (d *Daemon) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", d.readyz)
}

// OpenPaths returns the paths that need no token.
func OpenPaths() []string { return []string{"/healthz", "/readyz"} }

type readiness struct {
	Ready    bool        `json:"ready"`
	Draining bool        `json:"draining,omitempty"`
	Store    storeHealth `json:"store"`
	Config   fileHealth  `json:"config"`
}

type readyOnly struct {
	Ready    bool `json:"ready"`
	Draining bool `json:"draining,omitempty"`
}

type storeHealth struct {
	State       string `json:"state"` // none, connecting, opening, connected, away or outdated
	StalenessMS int64  `json:"staleness_ms,omitempty"`
	DegradedMS  int64  `json:"degraded_ms,omitempty"` // total time without the store
	Nodes       int    `json:"nodes,omitempty"`
	OtherModes  int    `json:"other_modes,omitempty"`    // nodes that are configured for other modes than this one
	Outdated    int    `json:"outdated_nodes,omitempty"` // beside Nodes, of the version before
	Problem     string `json:"problem,omitempty"`        // why it is away or outdated
}

type fileHealth struct {
	Loaded   time.Time  `json:"loaded"`
	Warnings int        `json:"warnings,omitempty"`
	Refused  *time.Time `json:"refused,omitempty"` // when a later file was refused
	Missing  bool       `json:"missing,omitempty"` // a file that was read is not there any more
}

// firstExchange is the longest time that a daemon that has just started is not ready because
// its first exchange with the store is missing, without which it may admit a whole limit
// again, or because a new store grants nothing under escrow yet.
const firstExchange = 5 * time.Second

// readyz reports ready in an outage of the store too: the daemon decides by policy,
// which is better for a gateway than no daemon.
//
// A client without the right to read metrics receives only the status.
func (d *Daemon) readyz(w http.ResponseWriter, req *http.Request) {
	r := readiness{
		Ready: !d.draining.Load(), Draining: d.draining.Load(), Store: storeHealth{State: "none"},
		Config: fileHealth{Loaded: d.loaded.Load().UTC(), Warnings: len(d.File().Warnings), Missing: d.gone.Load()},
	}
	if d.Syncer != nil {
		s := d.Syncer.Stats()
		r.Store = storeHealth{
			State: "connected", StalenessMS: s.Staleness.Milliseconds(), DegradedMS: s.Degraded.Milliseconds(),
			Nodes: s.Nodes, OtherModes: s.OtherModes, Outdated: s.Outdated, Problem: s.Problem,
		}
		if s.Outdated > 0 {
			r.Ready, r.Store.State = false, "outdated"
		} else if s.Away {
			r.Store.State = "away"
		} else if s.Exchanges < 2 { // the first exchange only asks for the epoch
			r.Store.State = "away"
			if time.Since(d.started) < firstExchange {
				r.Ready, r.Store.State = false, "connecting"
			}
		} else if s.Opens > 0 && time.Since(d.started) < firstExchange {
			r.Ready, r.Store.State = false, "opening"
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
	if !server.Insider(req.Context()) {
		_ = json.NewEncoder(w).Encode(readyOnly{r.Ready, r.Draining})
		return
	}
	_ = json.NewEncoder(w).Encode(r)
}
