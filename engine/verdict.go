package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// verdict is the outcome of an attempt: what refused it, and the instant that the
// decision rests on. The refusal's RetryAfter and the wait that follows use the
// same instant: at another one the demand may fit, and no event would announce
// that room.
type verdict struct {
	why reason
	at  int64 // Unix ns
}

const (
	// rechecks is how often a caller tries again because its refusal no longer
	// holds when it is explained. After that RetryAfter is leastRetry.
	rechecks   = 8
	leastRetry = time.Millisecond
)

// refresh makes a fresh reading of the clock the instant of the decision.
func (q *ask) refresh(c *window.Clock) {
	q.at, q.fresh = moment{now: c.Read()}, true
}

// frame returns the window of the current minute. Its reading of the clock becomes
// the instant of the decision; it may be as old as the last of [window.Clock.Run].
// The demand must not have been decided on before: see [Group.reframe].
func (g *Group) frame(q *ask) *frame {
	f := g.cur.Load()
	q.at.now = g.clock.Now()
	if q.at.now >= f.wake.Load() {
		return g.turn(q.at.now)
	}
	return f
}

// reframe is frame for a decision that begins again.
func (g *Group) reframe(q *ask) *frame {
	q.at, q.fresh = moment{}, false
	return g.frame(q)
}

// again returns the frame in which to try again after a refusal by f; nil if the
// refusal stands, because it rests on a fresh reading of the clock.
func (g *Group) again(f *frame, q *ask) *frame {
	if !q.fresh {
		q.refresh(g.clock)
	}
	n := g.cur.Load()
	if q.at.now >= f.wake.Load() {
		n = g.turn(q.at.now)
	} else if n == f {
		return nil
	}
	q.fresh = q.at.now >= n.begin() // another caller may have read a later time
	return n
}

// countRefusal counts a refusal; invalid demands have a count of their own.
func (g *Group) countRefusal(v verdict) {
	if v.why != whyInvalid {
		g.refusals[reasonLimit[v.why]].Add(1)
	}
}

// acquireOrExplain follows a refused attempt. It returns the reason, or a lease if
// room has come meanwhile.
func (g *Group) acquireOrExplain(d *Demand, v verdict) (Lease, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, true, try == rechecks); err != nil {
			g.alive().countRefusal(v)
			return Lease{}, err
		}
		var got grant
		var m metered
		if got, m, v = g.acquire(d, true); got.h != nil {
			return got.lease(m), nil
		}
	}
}

// pickOrExplain is acquireOrExplain for Pick.
func (g *Group) pickOrExplain(d *Demand, v verdict) (Ref, error) {
	for try := 1; ; try++ {
		if err := g.refusal(d, v, false, try == rechecks); err != nil {
			g.alive().countRefusal(v)
			return Ref{}, err
		}
		var r Ref
		if r, v = g.pick(d, true); r.h != nil {
			return r, nil
		}
	}
}
