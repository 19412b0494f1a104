package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// called is the caller's side of an attempt. First admits compares the demand with the
// caller's limits. Once a deployment is chosen, take charges the caller before the
// deployment is charged, and undo gives that back if the deployment refuses.
//
// The caller's request is counted before its attempt ends, so that the attempt is half
// way until the deployment has decided (protocol 4).
type called struct {
	reading
	receipt         // of an attempt under way, or of one that was admitted
	owner   *handle // the caller; nil: it has been dropped
	list    *limits // the caller's limits at the time of admits
	amounts amounts // what the demand counts for the caller
	why     reason  // of the refusal; whyNothing: the caller may not use this group
}

// admits reports whether the demand fits the limits of its caller, and whether the caller may
// use the group g. Leases is set if the demand is for a lease. A refusal rests on a fresh
// reading of the clock, and no attempt was half way (protocol 4), unless tries are used up.
func (c *called) admits(g *owner, q *query, leases bool) bool {
	if c.owner == nil {
		c.why, c.now = whyDisabled, g.clock.Now()
		return false
	}
	if !c.owner.caller.mayAsk(g.name) {
		c.why, c.now = whyNothing, g.clock.Now()
		return false
	}
	g.callers.owner.noteAsked() // Collect then lists callers, so that the syncer reads their usage on other nodes
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
		again := callers.reread(&c.reading, callers.views.Load() == views)
		if again || stale || c.owner.group.Load() != callers || c.owner.caller.limits.Load() != ms {
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
func (c *called) refused(g *owner, q *query) decision {
	v := decision{why: c.why, caller: true, at: c.now}
	if !q.quiet {
		g.countRefusal(v)
		if c.why == whyShare { // otherwise the owner may be nil
			g.miss(&c.owner.caller.wants, c.why, q.tokens, q.input)
		}
	}
	return v
}

// take begins the caller's attempt: it charges what admits has found to fit, or the request
// alone if requests is set. False: nothing is charged, because the caller has no headroom any
// more.
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
	if h.caller.limits.Load() != ms { // a new limit on leases may have counted this one already
		h.undo(e, cost)
		return false
	}
	if ms != nil {
		var o counter.Outcome
		if at, _, o = ms.take(0, at, &c.amounts, requests, nil); o != counter.Taken {
			h.undo(e, cost)
			return false
		}
	}
	invariants.Yield()
	if pair.CountRequest(0, e) != counter.Taken {
		if ms != nil {
			ms.give(len(ms.list), at, &c.amounts)
		}
		h.undo(e, cost)
		return false
	}
	c.at = at
	begun := instantIn(e, max(c.now, at.Now))
	c.receipt = receipt{h: h, limits: ms, begun: begun, reserved: cost, input: c.amounts[counter.Input]}
	return true
}

// undo gives back what the attempt has charged, and ends it (protocol 4).
func (c *called) undo() {
	h, e := c.owner, c.at.Epoch
	h.hot.Of(e).AddRequests(e, -1)
	if ms := c.limits; ms != nil {
		ms.give(len(ms.list), c.at, &c.amounts)
	}
	h.undo(e, c.reserved)
	c.receipt = receipt{}
}

// admit ends the attempt with an admission. If lease is set, a lease begins with it; PreCheck
// begins none.
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
