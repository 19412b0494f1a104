package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// called is the caller's side of an attempt: first a look at whether its limits admit
// the demand; then, once a deployment is chosen, the caller is charged before the
// deployment, and uncharged if the deployment refuses.
//
// The caller's request is counted before its attempt ends, so that the attempt is half
// way until the deployment has decided (protocol 4).
type called struct {
	reading
	receipt         // of an attempt under way, or of one that was admitted
	owner   *handle // nil: it has been dropped
	list    *limits // that the look was at
	amounts amounts
	why     reason // that refused; whyNothing: the caller may not ask this group
}

// admits reports whether the caller admits a demand to an owner; leases says that it is for
// a lease. A refusal rests on a fresh reading of the clock, and on no attempt that was
// half way.
func (c *called) admits(g *owner, q *ask, leases bool) bool {
	if c.owner == nil {
		c.why, c.now = whyDisabled, g.clock.Now()
		return false
	}
	if !c.owner.caller.mayAsk(g.name) {
		c.why, c.now = whyNothing, g.clock.Now()
		return false
	}
	if asked := &g.callers.owner.asked; !asked.Load() {
		asked.Store(true) // what others use of callers is then read
	}
	for try := 0; ; {
		callers := c.owner.group.Load()
		if callers == nil {
			c.why, c.now = whyDisabled, g.clock.Now()
			return false
		}
		views := callers.views.Load()
		callers.read(&c.reading)
		ms := c.owner.caller.limits.Load()
		c.list, c.amounts = ms, q.amountsOfCaller(c.owner, ms)
		t := trial{h: c.owner, limits: ms, at: c.at, amounts: c.amounts, leases: leases}
		is := t.verdict()
		if c.why = is.refusal; is.fits() {
			return true
		}
		stale := ms != nil && ms.timed && !c.fresh
		if callers.reread(&c.reading, callers.views.Load() == views) || stale || c.owner.group.Load() != callers || c.owner.caller.limits.Load() != ms {
			runtime.Gosched()
			continue
		}
		invariants.Yield()
		if is.pending && try < tries {
			if try >= triesQuick {
				runtime.Gosched()
			}
			try++
			continue
		}
		if is.pending {
			g.e.contended.Add(1)
		}
		return false
	}
}

// refused counts a refusal by the caller and returns it.
func (c *called) refused(g *owner, q *ask) decision {
	v := decision{why: c.why, caller: true, at: c.now}
	if !q.quiet {
		g.countRefusal(v)
		g.miss(&c.owner.caller.wants, c.why, q.tokens, q.input)
	}
	return v
}

// take begins the caller's attempt: it charges what the look has found to fit, or, if
// requests says so, the request alone.
func (c *called) take(requests bool) bool {
	h, ms, e := c.owner, c.list, c.at.Epoch
	pair, cost, at := h.hot.Of(e), c.amounts[counter.Tokens], c.at
	if requests {
		cost, c.amounts = 0, amounts{counter.Requests: 1}
		if !pair.Begin(e) {
			return false
		}
	} else if pair.TakeTokens(0, e, cost) != counter.Taken {
		return false
	}
	invariants.Yield()
	if h.caller.limits.Load() != ms { // a new limit on leases may have counted those held
		h.undo(e, cost)
		return false
	}
	if ms != nil {
		var o counter.Outcome
		if at, _, o = ms.take(0, at, &c.amounts, requests); o != counter.Taken {
			h.undo(e, cost)
			return false
		}
	}
	invariants.Yield()
	if pair.CountRequest(0, e, 0) != counter.Taken {
		if ms != nil {
			ms.give(len(ms.list), at, &c.amounts)
		}
		h.undo(e, cost)
		return false
	}
	c.at = at
	c.receipt = receipt{h: h, limits: ms, begun: instantIn(e, max(c.now, at.Now)), reserved: cost, input: c.amounts[counter.Input]}
	return true
}

// undo takes back what the attempt has charged, and ends it.
func (c *called) undo() {
	h, e := c.owner, c.at.Epoch
	h.hot.Of(e).AddRequests(e, -1)
	if ms := c.limits; ms != nil {
		ms.give(len(ms.list), c.at, &c.amounts)
	}
	h.undo(e, c.reserved)
	c.receipt = receipt{}
}

// admit ends the attempt. A lease begins with it, unless it is of PreCheck.
func (c *called) admit(lease bool) {
	h, e := c.owner, c.at.Epoch
	if !h.hot.Of(e).End(e) { // the minute has been folded since
		h.locked(func(*owner, int64) { h.flight.Fold(h.e.slot(e), 1) })
	}
	switch {
	case !lease:
		h.flight.Undo(h.e.slot(e))
	case h.tracked != nil:
		h.tracked.Add(h.e.slot(e), c.reserved)
	}
}

// keep returns what the attempt has charged, for its lease.
func (c *called) keep() *receipt {
	r := receipts.Get().(*receipt)
	*r = c.receipt
	return r
}
