package engine

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Engine decides which deployment a request goes to. Its methods, and those of
// the handles it gives out, are safe for concurrent use. It does no I/O, starts
// no goroutine and writes no log; how it is doing is in [Engine.Stats] and
// [Engine.AppendStates].
type Engine struct {
	clock *window.Clock
	rand  func() uint64
	wake  func(func()) // of Config

	// Handles only: a decision looks up, never stores.
	groups   *xsync.MapOf[string, *Group] // by name and alias
	ids                                   // of deployments
	callers  callers
	patterns atomic.Pointer[patterns] // of the groups
	// meant are the names that fit patterns, by the aliases that lead to them.
	meant atomic.Pointer[map[string]string]

	maxWaiters atomic.Int64          // in a group
	parts      atomic.Pointer[parts] // of the priority classes
	validity   validity
	classes    atomic.Int64  // how many parts: a Pointer would let what it is loaded through escape
	quantile   atomic.Uint64 // of the output to expect, a float64; 0 = the mean
	assumed    atomic.Int64  // output, as configured

	ttl      time.Duration // of leases
	slotSpan int64         // minutes per slot of a flight
	slotTTL  int64         // slots a lease counts for

	mu    sync.Mutex       // Apply; before any group's mutex
	pools map[string]*pool // under mu
	round int64            // of Apply, under mu
	// countLeases says that leases are counted without a limit on them too. Written
	// under mu and the mutexes of all groups, read under one of these.
	countLeases bool
	all         atomic.Pointer[[]*Group]

	invalid, contended, dropped, late, released atomic.Int64

	trackHeld bool
	last      int64 // the latest epoch published, under mu: groups that are gone had published it

	waited, gaveUp, turnedAway atomic.Int64

	overrun                    atomic.Int64 // see Stats
	strayTokens, strayRequests atomic.Int64 // changes to windows that had been folded
	returned                   atomic.Int64 // requests given back by Release

	exact atomic.Bool   // somebody has called Short
	short chan struct{} // holds one
	// grantWithin is how long a caller may wait for a grant, ns; 0 = there are none.
	grantWithin atomic.Int64

	// Of what has been dropped. past and refused are under mu.
	past    totals
	refused [limitValues]int64
	gone    goneTotals
	rest    leftovers
}

// ids are handles by ID. Deployments and callers have one each.
type ids struct {
	handles *xsync.MapOf[string, *handle]
	kept    sync.Map // ID to weak.Pointer[handle]: dropped, but somebody may still hold them
}

const (
	defaultOutput = 256
	defaultTTL    = 15 * time.Minute
	leaseSlots    = 15 // that leases count for, at most
)

// New returns an engine for a configuration, or every problem that
// [Config.Validate] finds in it.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		clock: cfg.Clock, rand: cfg.Rand, wake: cfg.Wake, ttl: cfg.LeaseTTL, trackHeld: cfg.TrackHeld,
		groups: newNames[*Group](), pools: map[string]*pool{},
		short: make(chan struct{}, 1),
	}
	if e.clock == nil {
		e.clock = window.NewClock()
	}
	if e.ttl == 0 {
		e.ttl = defaultTTL
	}
	e.handles = newNames[*handle]()
	e.callers.init(e)
	e.slotSpan = ceilDiv(int64(e.ttl), leaseSlots*window.Minute)
	e.slotTTL = ceilDiv(int64(e.ttl), e.slotSpan*window.Minute)
	e.all.Store(new([]*Group))
	e.parts.Store(new(parts))
	e.apply(cfg)
	p := weak.Make(e)
	e.clock.Notify(func(now int64) bool {
		e := p.Value()
		if e == nil {
			return false
		}
		e.turn(now)
		return true
	})
	return e, nil
}

// newNames returns a map by name. Its own hash costs less than the default
// one, which asks the type how to hash it.
func newNames[V any]() *xsync.MapOf[string, V] {
	seed := maphash.MakeSeed()
	return xsync.NewMapOfWithHasher[string, V](func(name string, mix uint64) uint64 {
		return maphash.String(seed, name) ^ mix
	})
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// slot returns the flight slot of an epoch.
func (e *Engine) slot(epoch int64) int64 {
	if e.slotSpan == 1 { // as by default: a division costs more than the rest
		return epoch
	}
	return epoch / e.slotSpan
}

func (e *Engine) random() uint64 {
	if e.rand != nil {
		return e.rand()
	}
	return rand.Uint64()
}

// uniform returns a number in [0, 1).
func (e *Engine) uniform() float64 { return float64(e.random()>>11) / (1 << 53) }

// Group returns the group of that name or alias, to be resolved once and kept:
// it stays valid across Apply. A group whose name has an asterisk, such as "openai/*",
// is that of every name that fits and is no group's or alias's own; of several the one
// with the longest name. See [Group.Wildcard]. The error is [ErrUnknownGroup].
func (e *Engine) Group(name string) (*Group, error) {
	if g, ok := e.groups.Load(name); ok {
		return g, nil
	}
	if g, ok := e.groups.Load(e.patterns.Load().fit(name)); ok {
		return g, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownGroup, name)
}

// Ref returns the handle of a deployment, to be resolved once and kept: it
// stays valid across Apply, and a deployment that was removed and added again is
// the same. The error is [ErrUnknownDeployment].
func (e *Engine) Ref(deployment string) (Ref, error) {
	if h, ok := e.handles.Load(deployment); ok {
		return Ref{h}, nil
	}
	return Ref{}, fmt.Errorf("%w %q", ErrUnknownDeployment, deployment)
}

// turn turns every group that is due, and the callers.
func (e *Engine) turn(now int64) {
	for _, g := range *e.all.Load() {
		if now >= g.wake.Load() {
			g.turn(now)
		}
	}
	if g := e.callers.group; now >= g.wake.Load() {
		g.turn(now)
	}
}

// drop forgets a deployment or a caller, except for callers that still hold it: while there are
// any, adding its ID again finds the same one. Under its group's mutex.
func (e *Engine) drop(h *handle) {
	ids := e.idsOf(h)
	if h.caller == nil {
		e.gone.ended.Add(h.flight.Ended())
		e.gone.expired.Add(h.expired.Load())
	}
	w := weak.Make(h)
	ids.kept.Store(h.id, w)
	runtime.AddCleanup(h, func(id string) { ids.kept.CompareAndDelete(id, w) }, h.id)
	ids.handles.Compute(h.id, func(v *handle, loaded bool) (*handle, bool) { return v, !loaded || v == h })
}

// idsOf returns the IDs that a handle's is one of.
func (e *Engine) idsOf(h *handle) *ids {
	if h.caller != nil {
		return &e.callers.ids
	}
	return &e.ids
}

// handleOf returns the handle of an ID for an Apply, a new one if there is none. Under mu.
func (e *Engine) handleOf(ids *ids, id string) *handle {
	if h, ok := ids.handles.Load(id); ok {
		return h
	}
	if h := e.found(ids, id); h != nil {
		return h
	}
	return newHandle(e, id)
}

// found returns a dropped deployment or caller that somebody still holds, else nil.
func (e *Engine) found(ids *ids, id string) *handle {
	w, ok := ids.kept.LoadAndDelete(id)
	if !ok {
		return nil
	}
	h := w.(weak.Pointer[handle]).Value()
	if h != nil && h.caller == nil {
		e.gone.ended.Add(-h.flight.Ended())
		e.gone.expired.Add(-h.expired.Load())
	}
	return h
}
