package engine

import (
	"time"
)

const (
	// rechecks is how often a caller tries again because its refusal no longer
	// holds when it is explained. After that RetryAfter is leastRetry.
	rechecks   = 8
	leastRetry = time.Millisecond
)

// look returns the candidates, and sets when a decision is made.
func (g *Group) look(q *reading) *view {
	g.read(q)
	return g.view.Load()
}

// again reports whether to try again after a refusal by a view. Otherwise the refusal
// stands, because it rests on a fresh reading of the clock.
func (g *Group) again(v *view, q *reading) bool {
	return g.reread(q, g.view.Load() == v)
}

// declined counts a demand that is refused for good; waited says that it has waited for a
// grant.
func (g *Group) declined(d *Demand, v verdict, waited bool) {
	g = g.alive()
	g.countRefusal(v)
	if waited {
		g.waitedInVain()
	} else {
		g.miss(v.why, d.tokens(), d.InputTokens)
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
