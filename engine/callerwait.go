package engine

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/window"
)

// atCaller runs do for the caller of a demand, under the mutex of the callers' group, with the
// caller's verdict. If the caller has been dropped it does nothing.
func (q *query) atCaller(g *owner, d *Demand, at int64, leases bool, do func(h *handle, callers *owner, w verdict, now int64)) {
	h := g.callers.of(d.Caller.h)
	if h == nil {
		return
	}
	if callers := h.lockAt(at); callers != nil {
		defer callers.mu.Unlock()
		now := max(at, window.Start(callers.epoch.Load()))
		do(h, callers, h.wait(q.amountsOfCaller(h, h.limits.Load()), 0, leases, now), now)
	}
}

// waitOfCaller returns the verdict of the caller's limits on a demand, with the time for which
// it does not fit, and whether the caller may use the group.
func (q *query) waitOfCaller(g *owner, d *Demand, at int64) (w verdict, may bool) {
	w, may = verdict{refusal: whyDisabled, never: true}, true
	if h := g.callers.of(d.Caller.h); h != nil && !h.caller.mayAsk(g.name) {
		return w, false
	}
	q.atCaller(g, d, at, true, func(_ *handle, _ *owner, is verdict, _ int64) { w = is })
	return w, may
}

// refusalOfCaller returns the error of a demand that its caller's limits refuse, as
// [Group.refusal] does for deployments. Nil: the demand fits by now, and final is not set.
func (q *query) refusalOfCaller(g *owner, d *Demand, v decision, leases, final bool) error {
	id := d.Caller.h.id
	if v.why == whyNothing {
		return fmt.Errorf("%w: caller %q may not ask group %q", ErrNoCandidate, id, g.name)
	}
	e := newLimitError(1)
	e.Group, e.Caller, e.Limit = g.name, id, reasonLimit[v.why]
	fits := false
	q.atCaller(g, d, v.at, leases, func(h *handle, callers *owner, w verdict, now int64) {
		fits = w.fits()
		e.Limit, e.RetryAfter, e.Never = w.limit(), w.after, w.never
		e.settle(v)
		e.States = append(e.States, h.state(callers, now, nil))
	})
	if fits && !final {
		return nil
	}
	return e
}
