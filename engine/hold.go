package engine

import "math"

// hold keeps a deployment's room for a waiter that has waited for longer than it
// would alone: a limit that refills continuously never has room for a large demand
// while later ones take what refills. In a window that is no danger, because it
// begins empty and its first instant belongs to the first waiter.
type hold struct {
	w    *waiter
	h    *handle
	pool *pool // of its limits
}

// maxHolds is how many deployments of a group are held at once.
const maxHolds = 8

// patient is for how many times its lone wait a waiter lets others go first, in
// tenths.
const patient = 15

// wait sets when a deployment is held for a waiter that would wait for so many
// nanoseconds if it were alone.
func (w *waiter) wait(now, alone int64) {
	if alone < (math.MaxInt64-now)/patient {
		w.turn = now + alone*patient/10
	}
}

// held reports whether a cell's deployment is held, or draws on the limits of a
// pool of which one is.
func (v *view) held(i int, o *hold) bool {
	if v.handles[i] == o.h {
		return true
	}
	p := v.limitsOf(i).pooled()
	return p != nil && p == o.pool
}

// heldOf returns a bit for each cell of a block that is held.
func (v *view) heldOf(b int, holds []hold) (m uint16) {
	from, to := v.block(b)
	for i := from; i < to; i++ {
		for k := range holds {
			if v.held(i, &holds[k]) {
				m |= 1 << (i - from)
			}
		}
	}
	return m
}

// hold decides which deployments are held: for the head of each queue whose turn
// has come the one that has room for it first, if that is a matter of refilling.
// Under the line's mutex.
func (g *Group) hold(now int64) {
	l := g.line
	l.holds = l.holds[:0]
	for _, q := range l.queues {
		w := q.head()
		w.holds = false
		if now < w.turn || len(l.holds) == maxHolds {
			continue
		}
		if o := g.outlook(w.d, l.holdsFor(w), now); o.refills {
			w.holds = true
			l.holds = append(l.holds, hold{w, o.h, o.h.limits.Load().pooled()})
		}
	}
}

// due reports whether the turn of a waiter has come and nothing is held for it.
func (l *line) due(now int64) bool {
	for _, q := range l.queues {
		if w := q.head(); now >= w.turn && !w.holds {
			return true
		}
	}
	return false
}

// holdsFor returns the holds of waiters that come before w, which w keeps away from.
func (l *line) holdsFor(w *waiter) (holds []hold) {
	for _, o := range l.holds {
		if o.w != w && o.w.before(w) {
			holds = append(holds, o)
		}
	}
	return holds
}

// holdsBehind returns the holds that everyone in a queue keeps away from, except
// its head.
func (l *line) holdsBehind(head *waiter) (holds []hold) {
	for _, o := range l.holds {
		if o.w == head || o.w.before(head) {
			holds = append(holds, o)
		}
	}
	return holds
}
