package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Group is the deployments that can stand in for each other under one name. It
// is resolved once with [Engine.Group] and stays valid across Apply.
//
// TryAcquire is what most callers want: it picks, admits and reserves in one
// step, and the [Lease] it returns is settled with the true usage afterwards.
// Acquire is the same with a reason when it refuses. Pick only advises. None of
// these blocks, and none allocates except Acquire for its error. Wait is Acquire for
// those who would rather wait than be refused.
type Group struct {
	cur      atomic.Pointer[frame]
	clock    *window.Clock
	asked    atomic.Bool // somebody wanted a deployment since the last Collect
	_        [40]byte
	e        *Engine
	line     *line
	name     string
	mean     mean // learned output tokens
	quantile quantile

	refusals [limitKinds]atomic.Int64

	mu   sync.Mutex
	next *frame // the following epoch's, built ahead; nil: not yet
	past totals
	// applied is what the last Apply that changed the group configured.
	applied []Deployment
}

// totals are the lifetime counts of windows that have been folded.
type totals struct{ tokens, requests, overrun int64 }

// Name returns the group's name, whatever alias it was resolved by.
func (g *Group) Name() string { return g.name }

// Pick returns the deployment a request should go to. It reserves nothing:
// follow it with [Ref.PreCheck], or use TryAcquire. False: none has room.
func (g *Group) Pick(d Demand) (Ref, bool) {
	r, _ := g.pick(&d, false)
	return r, r.h != nil
}

// pick picks for a demand. Quiet: a refusal is not counted, because the caller may
// try again.
func (g *Group) pick(d *Demand, quiet bool) (Ref, verdict) {
	var q ask
	if !g.ask(&q, d, false) {
		return Ref{}, verdict{why: whyInvalid}
	}
	q.quiet = quiet
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.pickFiltered(d, q)
	}
	return g.pickFor(&q)
}

func (g *Group) pickFiltered(d *Demand, q ask) (Ref, verdict) {
	l := filter{demand: d}
	q.filter = &l
	return g.pickFor(&q)
}

func (g *Group) pickFor(q *ask) (Ref, verdict) {
	if !g.asked.Load() {
		g.asked.Store(true)
	}
	f := g.frame(q)
	for {
		c := f.choose(q)
		if c.i >= 0 {
			return Ref{f.handles[c.i]}, verdict{}
		}
		n := g.again(f, q)
		if n == nil {
			if h := g.heir(); h != nil {
				g = h
				f = g.reframe(q)
				continue
			}
			return Ref{}, g.refused(q, c.why)
		}
		f = n
	}
}

// refused counts a refusal and returns it.
func (g *Group) refused(q *ask, why reason) verdict {
	if !q.quiet {
		g.refusals[reasonLimit[why]].Add(1)
	}
	return verdict{why, q.at.now}
}

// heir returns the group that has this one's name now, nil unless this one was
// dropped because it had no deployments left.
func (g *Group) heir() *Group {
	if len(g.cur.Load().handles) != 0 {
		return nil
	}
	if n, ok := g.e.groups.Load(g.name); ok && n != g {
		return n
	}
	return nil
}

// alive returns the group, or its heir.
func (g *Group) alive() *Group {
	if h := g.heir(); h != nil {
		return h
	}
	return g
}

// TryAcquire picks a deployment, counts the request and reserves its tokens, all
// within the limits. False: no deployment has room, or the demand is invalid;
// Acquire says which. End the lease with Settle, SettleReserved or Release.
func (g *Group) TryAcquire(d Demand) (Lease, bool) {
	l, m, _ := g.acquire(&d, false)
	return l.lease(m), l.h != nil
}

// Acquire is TryAcquire with the reason for a refusal: [ErrInvalidDemand],
// [ErrNoCandidate] or a [*LimitError]. It does not block.
func (g *Group) Acquire(d Demand) (Lease, error) {
	l, m, v := g.acquire(&d, true)
	if l.h == nil {
		return g.acquireOrExplain(&d, v)
	}
	return l.lease(m), nil
}

// grant is a Lease before it is handed out, but for what the meters count. (A
// word more, and it would travel through memory, at half the price of a lease.)
type grant struct {
	h              *handle
	begun          instant
	reserved, held int64
}

func (l *grant) lease(m metered) Lease {
	if l.h != nil && l.h.listens.Load() {
		return l.marked(m)
	}
	return Lease{h: l.h, begun: l.begun, reserved: l.reserved, held: l.held, metered: m}
}

// marked is lease of a deployment whose answers are observed.
func (l *grant) marked(m metered) Lease {
	var at mark
	if f, i := l.h.find(l.begun.epoch()); f != nil {
		at = l.h.mark(f, i)
	}
	return Lease{h: l.h, begun: l.begun, reserved: l.reserved, held: l.held, metered: m, mark: at}
}

// acquire admits a demand. The grant has no deployment if it was refused. Quiet: a
// refusal is not counted, because the caller may try again.
func (g *Group) acquire(d *Demand, quiet bool) (grant, metered, verdict) {
	var q ask
	if !g.ask(&q, d, true) {
		return grant{}, 0, verdict{why: whyInvalid}
	}
	q.quiet = quiet
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.acquireFiltered(d, q)
	}
	return g.acquireFor(&q)
}

func (g *Group) acquireFiltered(d *Demand, q ask) (grant, metered, verdict) {
	l := filter{demand: d}
	q.filter = &l
	return g.acquireFor(&q)
}

func (g *Group) acquireFor(q *ask) (grant, metered, verdict) {
	f := g.frame(q)
	for {
		c := f.choose(q)
		if c.i < 0 {
			n := g.again(f, q)
			if n == nil {
				if h := g.heir(); h != nil {
					g = h
					f = g.reframe(q)
					continue
				}
				if !g.asked.Load() {
					g.asked.Store(true)
				}
				return grant{}, 0, g.refused(q, c.why)
			}
			f = n
			continue
		}
		h := f.handles[c.i]
		input, cost := q.input, int64(0)
		if f.meters != nil {
			a := q.amountsOn(h, f.meters[c.i])
			input, cost = a[dimInput], a[dimTokens]
		} else {
			cost = q.cost(h)
		}
		switch f.charge(c.i, q.part, q.at.now, input, cost) {
		case window.Taken:
			invariants.Yield()
			if c.seq != 0 {
				f.raiseAfter(c)
			}
			held := h.flight.enter(h, g.e.slot(f.Epoch), cost, f.limited && f.reserves[c.i])
			var m metered
			if f.meters != nil {
				m = f.meters[c.i].remember(input)
			}
			return grant{h, f.instantIn(q.at.now), cost, held}, m, verdict{at: q.at.now}
		case window.Sealed:
			runtime.Gosched()
			f = g.reframe(q)
		case window.Refused: // lost to another: choose again
		}
	}
}
