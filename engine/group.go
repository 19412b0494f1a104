package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
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
	view atomic.Pointer[view] // the candidates; on one cache line with what every request reads of the owner
	owner
	line  *line
	ids   *ids // of its deployments
	names *names

	// Under mu.
	past    totals
	removed []*handle // candidates no more, but they still count
	// applied are the deployments that the last Apply configured.
	applied []*handle
}

// totals are the lifetime counts of windows that have been folded.
type totals struct{ tokens, requests int64 }

// Name returns the group's name, whatever alias it was resolved by.
func (g *Group) Name() string { return g.name }

// Pick returns the deployment a request should go to. It reserves nothing:
// follow it with [Ref.PreCheck], or use TryAcquire. False: none has room.
func (g *Group) Pick(d Demand) (Ref, bool) {
	r, _ := g.pick(&d, false)
	return r, r.h != nil
}

// pick picks for a demand: at once where one scan of plain deployments finds the best,
// else in general. Quiet: a refusal is not counted, because the caller may try again.
func (g *Group) pick(d *Demand, quiet bool) (Ref, verdict) {
	if n, ok := d.named(); ok && d.plain() {
		if !g.asked.Load() {
			g.asked.Store(true)
		}
		if e, v := g.minute(), g.view.Load(); v.plain() {
			if i := v.best(e, n); i >= 0 {
				return Ref{v.handles[i]}, verdict{}
			}
		}
	}
	return g.pickAny(d, quiet)
}

// pickAny is pick for any demand and any view.
func (g *Group) pickAny(d *Demand, quiet bool) (Ref, verdict) {
	var q ask
	if !g.ask(&q, d, false) {
		return Ref{}, verdict{why: whyInvalid}
	}
	q.quiet = quiet
	if d.Caller.h != nil {
		return g.pickCalled(d, q)
	}
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.pickFiltered(d, q)
	}
	return g.pickFor(&q)
}

// pickCalled is pick for a demand that names a caller.
//
//go:noinline
func (g *Group) pickCalled(d *Demand, q ask) (Ref, verdict) {
	if by := (called{owner: g.callers.of(d.Caller.h)}); !by.admits(&g.owner, &q, true) {
		return Ref{}, by.refused(&g.owner, &q)
	}
	return g.pickFiltered(d, q)
}

func (g *Group) pickFiltered(d *Demand, q ask) (Ref, verdict) {
	l := filter{demand: d}
	q.filter = &l
	return g.pickFor(&q)
}

func (g *Group) pickFor(q *ask) (Ref, verdict) {
	v, c, refused := g.seek(q)
	if c.i < 0 {
		return Ref{}, refused
	}
	return Ref{v.handles[c.i]}, verdict{}
}

// seek returns the deployment that the search chooses, an index of the view; -1: none
// has room, and the verdict says why.
func (g *Group) seek(q *ask) (*view, choice, verdict) {
	if !g.asked.Load() {
		g.asked.Store(true)
	}
	for {
		v := g.look(&q.reading)
		c := v.choose(q)
		if c.i >= 0 {
			return v, c, verdict{}
		}
		if g.again(v, &q.reading) {
			continue
		}
		if h := g.heir(); h != nil {
			g, q.fresh = h, false
			continue
		}
		return v, c, g.refused(q, c.why)
	}
}

// refused counts a refusal and returns it.
func (g *Group) refused(q *ask, why reason) verdict {
	if !q.quiet {
		g.refusals[reasonLimit[why]].Add(1)
		if why == whyShare {
			g.miss(why, q.tokens, q.input)
		}
	}
	return verdict{why: why, at: q.now}
}

// heir returns the group that has this one's name now, nil unless this one was
// dropped because it had no deployments left.
func (g *Group) heir() *Group {
	if g.view.Load().n != 0 {
		return nil
	}
	if n, ok := g.names.groups.Load(g.name); ok && n != g {
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
func (g *Group) TryAcquire(d Demand) (lease Lease, ok bool) {
	ok = g.tryAcquire(&lease, &d) // inlined, so that the lease is filled in where it is wanted
	return
}

func (g *Group) tryAcquire(l *Lease, d *Demand) bool {
	if g.acquire(&l.admission, d, false); l.h == nil {
		return false
	}
	if l.h.noting.Load() {
		l.mark = l.noted()
	}
	return true
}

// Acquire is TryAcquire with the reason for a refusal: [ErrInvalidDemand],
// [ErrNoCandidate] or a [*LimitError]. It does not block.
func (g *Group) Acquire(d Demand) (Lease, error) {
	var a admission
	if v := g.acquire(&a, &d, true); a.h == nil {
		return g.acquireOrExplain(&d, v)
	}
	return a.lease(), nil
}

// admission is a Lease before it is handed out: no h means a refusal. It is filled in
// place, because a struct of five words that is returned is copied by way of the stack at
// every call.
type admission struct {
	receipt
	caller *receipt // what the demand's caller was charged; nil if it names none
}

func (a *admission) lease() Lease { return Lease{admission: *a, mark: a.mark()} }

// mark returns the lease's mark, if answers are observed.
func (a *admission) mark() (at mark) {
	if a.h != nil && a.h.noting.Load() {
		at = a.noted()
	}
	return at
}

// noted notes what only some engines want to know of a lease, the tokens that it
// holds, and returns its mark.
func (a *admission) noted() (at mark) {
	h := a.h
	if h.tracked != nil {
		h.tracked.Add(h.e.slot(a.begun.epoch()), a.reserved)
	}
	if h.answers.Load() != nil {
		at = h.mark(a.begun.epoch())
	}
	return at
}

// acquire admits a demand: at once where one scan of plain deployments finds the
// best, else in general. The admission, empty at first, stays so if the demand is refused.
// Quiet: a refusal is not counted, because the caller may try again.
func (g *Group) acquire(a *admission, d *Demand, quiet bool) verdict {
	if n, ok := d.named(); ok && d.plain() {
		e, now := g.minuteNow()
		if v := g.view.Load(); v.plain() {
			if g.acquireBest(a, d, v, e, now, n) {
				return verdict{at: now}
			}
		}
	}
	return g.acquireAny(a, d, quiet)
}

// acquireBest is acquire for plain demands and small views. False: nothing was
// counted, look again in general.
func (g *Group) acquireBest(a *admission, d *Demand, v *view, e, now, n int64) bool {
	i := v.best(e, n)
	if i < 0 {
		return false
	}
	h, c := v.handles[i], v.pairs[e&1][i]
	if d.OutputTokens == 0 {
		out := d.capped(h.expected(g.expected()))
		if most := h.ceiling.Load(); n+out > most && most > 0 {
			out = max(most-n, 0)
		}
		n += out
	}
	invariants.Yield()
	if c.TakeTokens(0, e, n) != counter.Taken {
		return false
	}
	invariants.Yield()
	if c.TakeRequest(0, e) != counter.Taken {
		h.undo(e, n)
		return false
	}
	a.h, a.begun, a.reserved, a.input = h, instantIn(e, now), n, d.InputTokens
	return true
}

// acquireAny is acquire for any demand and any view.
func (g *Group) acquireAny(a *admission, d *Demand, quiet bool) verdict {
	var q ask
	if !g.ask(&q, d, true) {
		return verdict{why: whyInvalid}
	}
	q.quiet = quiet
	if d.Caller.h != nil {
		return g.acquireCalled(a, d, q)
	}
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.acquireFiltered(a, d, q)
	}
	return g.acquireFor(a, &q)
}

func (g *Group) acquireFiltered(a *admission, d *Demand, q ask) verdict {
	l := filter{demand: d}
	q.filter = &l
	return g.acquireFor(a, &q)
}

func (g *Group) acquireFor(a *admission, q *ask) verdict {
	for {
		v := g.look(&q.reading)
		c := v.choose(q)
		if c.i >= 0 {
			invariants.Yield()
			o := v.charge(a, c, q)
			if o == counter.Taken {
				return verdict{at: q.now}
			}
			if o == counter.Moved {
				g.await()
				q.fresh = false
			}
			continue // lost to another: choose again
		}
		if g.again(v, &q.reading) {
			continue
		}
		if h := g.heir(); h != nil {
			g, q.fresh = h, false
			continue
		}
		if !g.asked.Load() {
			g.asked.Store(true)
		}
		return g.refused(q, c.why)
	}
}
