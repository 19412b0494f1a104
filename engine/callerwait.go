package engine

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/window"
)

// atCaller runs do for the caller of a demand, under the mutex of the callers. Nothing
// happens once the caller has been dropped.
func (q *ask) atCaller(g *owner, d *Demand, at int64, leases bool, do func(h *handle, callers *owner, w verdict, now int64)) {
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

// waitOfCaller returns what keeps a demand's caller from admitting it, and for how long.
// May: the caller may ask the group.
func (q *ask) waitOfCaller(g *owner, d *Demand, at int64) (w verdict, may bool) {
	w, may = verdict{refusal: whyDisabled, never: true}, true
	if h := g.callers.of(d.Caller.h); h != nil && !h.caller.mayAsk(g.name) {
		return w, false
	}
	q.atCaller(g, d, at, true, func(_ *handle, _ *owner, is verdict, _ int64) { w = is })
	return w, may
}

// refusalOfCaller explains why a caller does not admit a demand to a group, as
// [Group.refusal] does.
func (q *ask) refusalOfCaller(g *owner, d *Demand, v decision, leases, final bool) error {
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
