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

// Config configures an API.
type Config struct {
	Engine *engine.Engine // required
	// Clock is the engine's clock; nil = a new one.
	Clock *window.Clock
	// LeaseTTL is the age at which a lease that has not been ended is settled at
	// its reservation. It must be the engine's; 0 = 15 minutes.
	LeaseTTL time.Duration
	// MaxLeases is the largest number of leases held at the same time; 0 = 1,000,000.
	MaxLeases int
	// MaxHeld is the largest number of bytes in memory at the same time, of bodies and of
	// answers that clients read slowly; 0 = 64 MiB.
	MaxHeld int64
	// Jitter returns a number in [0, 1). Retry-After headers are longer by the factor
	// 1 + Jitter()/10; nil = math/rand.
	Jitter func() float64
	// Annotate, if not nil, receives the outcome of each request that is not a batch: the
	// deployment, the group, the limit that refused.
	Annotate func(ctx context.Context, key, value string)
	// Admitted and Refused, if not nil, receive the group of each request that a limit
	// admitted or refused.
	Admitted, Refused func(group string)
	// Tokens returns the tokens with which clients may call; nil = there are none.
	Tokens func() []server.TokenState
	// Accounts returns how this node keeps limits together with other nodes, by deployment;
	// nil = usage is not shared.
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

// New returns an API. The caller calls [API.Sweep] about once a second.
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

// Register adds the API's routes to a mux. It also answers requests for any other
// path below /v1/, or with another method, with an error in JSON.
func (a *API) Register(mux *http.ServeMux) {
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+r.path, r.handler)
	}
	mux.HandleFunc("/v1/", a.noRoute)
}

// route is one operation of the API, with the types of its body (nil = none) and of
// its answer.
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

// posts returns the two routes of an operation: for one body, and for a batch.
func posts[In, Out any](a *API, path string, do func(*API, *server.Token, *In, *Out) *problem) []route {
	return []route{
		{"POST", path, call(a, do), reflect.TypeFor[In](), reflect.TypeFor[Out]()},
		{"POST", path + "/batch", batch(a, do), reflect.TypeFor[batchBody[In]](), reflect.TypeFor[batchAnswer]()},
	}
}

// noRoute answers requests that no route matches.
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
