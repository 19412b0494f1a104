package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// fillQuery is fill that counts an invalid demand in Stats.
func (g *Group) fillQuery(q *query, d *Demand, learn bool) bool {
	ok := q.fill(&g.owner, d, learn)
	if !ok {
		g.e.invalid.Add(1)
	}
	return ok
}

// acquire admits a demand. If one search of plain deployments finds the best, it is admitted
// there; otherwise acquireAny searches in general. The admission is empty at first, and stays
// so if the demand is refused. If quiet is set, a refusal is not counted, because the caller
// may try again.
func (g *Group) acquire(a *admission, d *Demand, quiet bool) decision {
	indexMissed := false
	now := g.clock.Now()
	if n, ok := d.named(); ok && d.plain() && g.view.Load().simple && now < g.wake.Load() {
		if e, v := g.epoch.Load(), g.view.Load(); v.plain() {
			admitted := false
			if v.small {
				admitted = g.acquireBest(a, d, v, e, now, n)
			} else {
				admitted, indexMissed = v.acquireIndexed(a, d, e, now, n)
			}
			if admitted {
				return decision{at: now}
			}
		}
	}
	return g.acquireAny(a, d, quiet, indexMissed)
}

// acquireBest is acquire for plain demands and small views, the common case. False: nothing was
// counted, and acquireAny decides. The attempt is that of charge (protocol 4).
//
// The admission is filled in first. A locked update lets a processor complete the stores before
// it, so that the caller, which copies the lease at once, need not wait for them: 4 of 50 ns.
func (g *Group) acquireBest(a *admission, d *Demand, v *view, e, now, n int64) bool {
	i := v.best(e, n)
	if i < 0 {
		return false
	}
	h, c := v.handles[i], v.pairs[e&1][i]
	if d.OutputTokens == 0 {
		out := d.capped(h.expected(g.expected()))
		if most := h.tokenMost.Load(); n+out > most && most > 0 {
			out = max(most-n, 0)
		}
		n += out
	}
	a.h, a.begun, a.reserved, a.input = h, instantIn(e, now), n, d.InputTokens
	invariants.Yield()
	if c.TakeTokens(0, e, n) == counter.Taken {
		invariants.Yield()
		if c.TakeRequest(0, e) == counter.Taken {
			return true
		}
		h.undo(e, n)
	}
	*a = admission{}
	return false
}

// acquireAny is acquire for any demand and any view. IndexMissed is set if a search by bounds
// has just found none.
func (g *Group) acquireAny(a *admission, d *Demand, quiet, indexMissed bool) decision {
	var q query
	if !g.fillQuery(&q, d, true) {
		return decision{why: whyInvalid}
	}
	q.quiet, q.indexMissed = quiet, indexMissed
	if d.Caller.h != nil {
		return g.acquireCalled(a, d, q)
	}
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.acquireFiltered(a, d, q)
	}
	return g.acquireFor(a, &q, nil)
}

func (g *Group) acquireFiltered(a *admission, d *Demand, q query) decision {
	l := filter{demand: d}
	q.filter = &l
	return g.acquireFor(a, &q, nil)
}

// acquireCalled is acquire for a demand that names a caller.
//
//go:noinline
func (g *Group) acquireCalled(a *admission, d *Demand, q query) decision {
	by := called{owner: g.callers.of(d.Caller.h)}
	if q.filter == nil && len(d.Exclude)|len(d.Tags) != 0 {
		q.filter = &filter{demand: d}
	}
	v := g.acquireFor(a, &q, &by)
	if a.h != nil {
		a.caller = receipts.Get().(*receipt)
		*a.caller = by.receipt
	}
	return v
}

// acquireFor charges a deployment and the demand's caller, or neither. By is nil if the demand
// names no caller.
func (g *Group) acquireFor(a *admission, q *query, by *called) decision {
	for q.eager = by == nil; ; {
		if by != nil && !by.admits(&g.owner, q, true) {
			return by.refused(&g.owner, q)
		}
		v, c, refused := g.seek(q)
		if c.i < 0 {
			return refused
		}
		if by != nil && !by.take(false) {
			continue // another request took the headroom of the caller since admits: compare again
		}
		invariants.Yield()
		o := v.charge(a, c, q)
		switch {
		case by == nil:
		case o == counter.Taken:
			by.admit(true)
		default:
			by.undo()
		}
		switch o {
		case counter.Taken:
			return decision{at: q.now}
		case counter.Moved:
			g.await()
			q.fresh = false
		case counter.Refused: // another request took the headroom since the search, or the first by rank has none: search again
		}
	}
}
