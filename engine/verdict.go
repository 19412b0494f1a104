package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// verdict is the outcome of an attempt: what refused it, and the instant that the
// decision rests on. The refusal's RetryAfter and the wait that follows use the
// same instant: at another one the demand may fit, and no event would announce
// that room.
type verdict struct {
	why    reason
	caller bool  // the caller's limits refused
	at     int64 // Unix ns
}

const (
	// rechecks is how often a caller tries again because its refusal no longer
	// holds when it is explained. After that RetryAfter is leastRetry.
	rechecks   = 8
	leastRetry = time.Millisecond
)

// refresh makes a fresh reading of the clock the instant of the decision.
func (q *reading) refresh(c *window.Clock) {
	q.now, q.fresh = c.Read(), true
	q.at.Now = within(q.at.Epoch, q.now)
}

// look returns the candidates, and sets the minute of a decision and, unless it is
// fresh, its instant, which may be as old as the last of [window.Clock.Run].
func (g *Group) look(q *reading) *view {
	if !q.fresh {
		q.now = g.clock.Now()
	}
	if q.now >= g.wake.Load() {
		g.turnOrGoOn(q.now)
	}
	e := g.epoch.Load()
	v := g.view.Load()
	q.at = counter.At{Epoch: e, Now: within(e, q.now)}
	return v
}

// again reports whether to try again after a refusal by a view. Otherwise the refusal
// stands, because it rests on a fresh reading of the clock.
func (g *Group) again(v *view, q *reading) bool {
	if !q.fresh {
		q.refresh(g.clock)
	}
	turned := q.now >= g.wake.Load()
	if turned {
		g.turn(q.now)
	}
	e := g.epoch.Load()
	if !turned && e == q.at.Epoch && g.view.Load() == v {
		return false
	}
	q.fresh = q.now >= window.Start(e) // another caller may have read a later time
	return true
}

// countRefusal counts a refusal; invalid demands have a count of their own.
func (g *Group) countRefusal(v verdict) {
	if v.why != whyInvalid {
		g.refusals[reasonLimit[v.why]].Add(1)
	}
}

// declined counts a demand that is refused for good; waited says that it has waited for a
// grant.
func (g *Group) declined(d *Demand, v verdict, waited bool) {
	g = g.alive()
	g.countRefusal(v)
	if waited {
		g.waitedInVain()
	} else {
		g.missed(d, v)
	}
}

// acquireOrExplain follows a refused attempt. It returns the reason, or a lease if
// room has come meanwhile.
func (g *Group) acquireOrExplain(d *Demand, v verdict) (Lease, error) {
	return g.acquireOr(d, v, false)
}

// acquireOr is acquireOrExplain; waited says that the demand has waited for a grant.
func (g *Group) acquireOr(d *Demand, v verdict, waited bool) (Lease, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, true, try == rechecks); err != nil {
			g.declined(d, v, waited)
			return Lease{}, err
		}
		var got admission
		if v = g.acquire(&got, d, true); got.h != nil {
			return got.lease(), nil
		}
	}
}

// pickOrExplain is acquireOrExplain for Pick.
func (g *Group) pickOrExplain(d *Demand, v verdict) (Ref, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, false, try == rechecks); err != nil {
			g.declined(d, v, false)
			return Ref{}, err
		}
		var r Ref
		if r, v = g.pick(d, true); r.h != nil {
			return r, nil
		}
	}
}
