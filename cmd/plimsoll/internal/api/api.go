package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/server"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Config is what an API is made of.
type Config struct {
	Engine *engine.Engine // required
	// Clock is the engine's; nil = one of the API's own.
	Clock *window.Clock
	// LeaseTTL is how long a lease may go without an ending before it is settled
	// at its reservation: the engine's; 0 = 15 minutes.
	LeaseTTL time.Duration
	// MaxLeases is how many leases may be held at once; 0 = 1,000,000.
	MaxLeases int
	// MaxHeld is how many bytes of bodies, and of answers that clients are slow to read,
	// may be held at once; 0 = 64 MiB.
	MaxHeld int64
	// Jitter returns a number in [0, 1), of which a tenth is added to the
	// Retry-After header; nil = the runtime's randomness.
	Jitter func() float64
	// Annotate, if not nil, receives what came of each request that is not a batch:
	// the deployment, the group, the limit that refused.
	Annotate func(ctx context.Context, key, value string)
	// Admitted and Refused, if not nil, receive the group of each request that a limit
	// admitted or refused.
	Admitted, Refused func(group string)
	// Tokens returns the tokens that may call; nil = there are none.
	Tokens func() []server.TokenState
	// Accounts returns how limits are kept together with other nodes, by deployment; nil =
	// nothing is known.
	Accounts func() map[string][]syncer.Account
}

// API answers requests for decisions. Its methods are safe for concurrent use.
type API struct {
	engine       *engine.Engine
	clock        *window.Clock
	leases       *leases
	jitter       func() float64
	count        struct{ admitted, refused func(group string) }
	annotateWith func(ctx context.Context, key, value string)
	known        atomic.Pointer[map[string]known]
	tokens       func() []server.TokenState
	accounts     func() map[string][]syncer.Account
	held         atomic.Int64 // bytes of bodies, and of large answers
	most         int64
}

// New returns an API. Call [API.Sweep] from time to time, about once a second.
func New(cfg Config) *API {
	cfg = cfg.withDefaults()
	a := &API{
		engine: cfg.Engine, clock: cfg.Clock, jitter: cfg.Jitter, annotateWith: cfg.Annotate,
		leases: newLeases(cfg.LeaseTTL, cfg.MaxLeases), most: cfg.MaxHeld,
	}
	a.count.admitted, a.count.refused, a.tokens = cfg.Admitted, cfg.Refused, cfg.Tokens
	a.accounts = cfg.Accounts
	return a
}

// Register adds the API's routes to a mux. A request for a path below /v1/ that
// is none of them, or with another method, is answered in JSON too.
func (a *API) Register(mux *http.ServeMux) {
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+r.path, r.handler)
	}
	mux.HandleFunc("/v1/", a.noRoute)
}

// route is one operation of the API, with the types of its body, if it has one,
// and of its answer.
type route struct {
	method, path string
	handler      http.Handler
	in, out      reflect.Type
}

func (a *API) routes() []route {
	list := slices.Concat(
		posts(a, "/v1/pick", (*API).pick),
		posts(a, "/v1/precheck", (*API).preCheck),
		posts(a, "/v1/record", (*API).record),
		[]route{
			{"POST", "/v1/acquire", http.HandlerFunc(a.postAcquire), reflect.TypeFor[acquireBody](), reflect.TypeFor[acquireAnswer]()},
			{"POST", "/v1/acquire/batch", batch(a, (*API).acquire), reflect.TypeFor[batchBody[demandBody]](), reflect.TypeFor[batchAnswer]()},
		},
		posts(a, "/v1/settle", (*API).settle),
		posts(a, "/v1/release", (*API).release),
		posts(a, "/v1/observe", (*API).observe),
	)
	return append(list,
		route{"GET", "/v1/deployments", http.HandlerFunc(a.getDeployments), nil, reflect.TypeFor[deploymentsAnswer]()},
		route{"GET", "/v1/groups/{name...}", http.HandlerFunc(a.getGroup), nil, reflect.TypeFor[groupAnswer]()},
		route{"GET", "/v1/explain", http.HandlerFunc(a.getExplain), nil, reflect.TypeFor[explainAnswer]()},
		route{"GET", "/v1/admin/tokens", http.HandlerFunc(a.getTokens), nil, reflect.TypeFor[tokensAnswer]()},
	)
}

// posts are the routes of an operation: for one body, and for a batch of them.
func posts[In, Out any](a *API, path string, do func(*API, *server.Token, *In, *Out) *problem) []route {
	return []route{
		{"POST", path, call(a, do), reflect.TypeFor[In](), reflect.TypeFor[Out]()},
		{"POST", path + "/batch", batch(a, do), reflect.TypeFor[batchBody[In]](), reflect.TypeFor[batchAnswer]()},
	}
}

// noRoute answers what no route matches.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	for _, known := range a.routes() {
		if known.path == r.URL.Path {
			w.Header().Set("Allow", known.method)
			a.refuse(w, &problem{status: http.StatusMethodNotAllowed, kind: "method_not_allowed", message: "use " + known.method + " for " + known.path})
			return
		}
	}
	a.refuse(w, &problem{status: http.StatusNotFound, kind: "not_found", message: "no such path; docs/API.md lists them"})
}
