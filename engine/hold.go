package engine

import "slices"

// hold decides which deployments are held: for the head of each queue whose turn
// has come, the deployment on which it fits first, if that follows from refilling.
// Under the line's mutex.
func (g *Group) hold(now int64) {
	l := g.line
	l.holds = l.holds[:0]
	for _, q := range l.queues {
		w := q.Head()
		w.holds = false
		if now < w.turn || len(l.holds) == maxHolds {
			continue
		}
		if o := g.nextAttempt(w.d, l.holdsFor(w, false), now); o.refills {
			w.holds = true
			l.holds = append(l.holds, hold{w, o.h, o.h.limits.Load().pooled()})
		}
	}
}

// due reports whether the turn of a waiter has come and no deployment is held for it.
func (l *line) due(now int64) bool {
	return slices.ContainsFunc(l.queues, func(q *waiters) bool { return now >= q.Head().turn && !q.Head().holds })
}

// holdsFor returns the holds of the waiters before w, whose deployments are no candidates of w.
// If own is set it includes those of w itself, for the waiters behind it.
func (l *line) holdsFor(w *waiter, own bool) (holds []hold) {
	for _, o := range l.holds {
		if o.w.before(w) || own && o.w == w {
			holds = append(holds, o)
		}
	}
	return holds
}
