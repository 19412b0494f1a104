package engine

import "github.com/plimsoll-dev/plimsoll/window"

// waitOfCaller returns what keeps a demand's caller from admitting it, and for how long.
// May: the caller may ask the group.
func (q *ask) waitOfCaller(g *owner, d *Demand, at int64) (w wait, may bool) {
	disabled := wait{limit: LimitDisabled, never: true}
	h := g.callers.of(d.Caller.h)
	if h == nil {
		return disabled, true
	}
	if !h.caller.mayAsk(g.name) {
		return disabled, false
	}
	callers := h.lockAt(at)
	if callers == nil {
		return disabled, true
	}
	defer callers.mu.Unlock()
	now := max(at, window.Start(callers.epoch.Load()))
	return h.wait(q.amountsOfCaller(h, h.limits.Load()), 0, true, now), true
}

// refusalOfCaller explains why a caller does not admit a demand to a group, as
// [Group.refusal] does.
func (q *ask) refusalOfCaller(g *owner, d *Demand, v verdict, leases, final bool) error {
	id := d.Caller.h.id
	if v.why == whyNothing {
		return &groupError{id, g.name}
	}
	e := newLimitError(1)
	e.Group, e.Caller, e.Limit = g.name, id, reasonLimit[v.why]
	h := g.callers.of(d.Caller.h)
	if h == nil {
		return e
	}
	callers := h.lockAt(v.at)
	if callers == nil {
		return e
	}
	defer callers.mu.Unlock()
	now := max(v.at, window.Start(callers.epoch.Load()))
	w := h.wait(q.amountsOfCaller(h, h.limits.Load()), 0, leases, now)
	if w.limit == LimitNone && !final {
		return nil
	}
	e.Limit, e.RetryAfter, e.Never = w.limit, w.after, w.never
	e.settle(v)
	e.States = append(e.States, h.state(callers, now, nil))
	return e
}
