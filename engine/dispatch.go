package engine

import (
	"errors"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

const (
	// maxWork is how many charges one dispatch compares without an admission. If more than one
	// dimension decides which waiters fit, the least charge of many waiters may fit although
	// no waiter does. The next dispatch goes on where this one stopped.
	maxWork = 1024
	// shortRest is the time from a dispatch that has used up maxWork to the next, in ns.
	shortRest = int64(4 * time.Millisecond)
	// secondLook is how many charges of a queue are compared again before a waiter behind
	// its head is admitted.
	secondLook = 32
)

// dispatch admits every waiter that fits, in order, and sets the timer to the instant at which the
// next one may fit by the clock alone. Under the line's mutex (protocol 7).
func (g *Group) dispatch() {
	l := g.line
	select {
	case <-l.Rung: // the ring for this dispatch
	default:
	}
	g.reprice()
	if l.Reevaluating.Swap(false) {
		g.dismissHopeless()
	}
	v, now := g.view.Load(), g.clock.Read()
	seen := v.moves()
	g.hold(now)
	l.work, l.stirred = maxWork, false
	for _, q := range l.queues {
		q.cursor, q.floor, q.Fitted = 0, 0, 0
		g.find(q)
	}
	// Nothing refills within an instant, and all else that gives a deployment room moves the
	// blocks, except a pool's limits.
	still := func() bool {
		return !l.stirred && l.work > 0 && v.scanned() && !v.pooled && g.clock.Read() == now && g.view.Load() == v && v.moves() == seen
	}
	for w := l.found(); w != nil; w = l.found() {
		if !g.overtakes(w, still()) {
			g.tryAdmit(w)
		}
	}
	if len(l.queues) != 0 {
		g.setTimer(still())
	}
}

// found returns the first of the waiters that find has found in the queues, nil if there is none.
func (l *line) found() (first *waiter) {
	for _, q := range l.queues {
		if w := q.found; w != nil && (first == nil || w.before(first)) {
			first = w
		}
	}
	return first
}

// overtakes reports whether a waiter before w fits by now, because capacity was freed after
// that waiter was compared. Then that waiter is the one found. A waiter that was tried and not
// admitted in this dispatch is not compared again. Still says that no deployment has gained room.
func (g *Group) overtakes(w *waiter, still bool) bool {
	for _, q := range g.line.queues {
		if !q.Head().before(w) || still && q.caller == nil {
			continue
		}
		work := secondLook
		if o, at := g.first(q, q.floor, &work); o != nil && o.before(w) {
			q.found, q.cursor = o, at
			return true
		}
	}
	return false
}

// find searches a queue from its cursor on for the first waiter that may fit.
func (g *Group) find(q *waiters) {
	q.found, q.cursor = g.first(q, q.cursor, &g.line.work)
}

// first returns the first waiter in a queue from a place on that may fit, nil if there
// is none, and the place at which the search ended. Every dispatch compares the head first, even
// if the dispatch before was cut short.
func (g *Group) first(q *waiters, from int, work *int) (*waiter, int) {
	head := q.Head()
	if from <= head.place && g.fits(q, q.Charged(head), g.line.holdsFor(head, false)) {
		return head, head.place
	}
	if g.line.stirred {
		q.Fitted = 0
	}
	holds := g.line.holdsFor(head, true)
	from = max(from, q.Resume, head.place+1)
	return q.Search(from, work, func(a *amounts) bool { return g.fits(q, a, holds) })
}

// fits reports whether a charge to a waiter of a queue fits under the limits of the queue's
// caller, if it has one, and on some deployment that is not held.
func (g *Group) fits(q *waiters, a *amounts, holds []hold) bool {
	p := g.queryOf(q, a)
	p.filter.holds = holds
	if q.caller != nil {
		if by := (called{owner: g.callers.of(q.caller)}); !by.admits(&g.owner, p, true) {
			return false
		}
	}
	if g.hasNoRoom(p) {
		return false
	}
	r, _ := g.pickFor(p)
	g.line.stirred = g.line.stirred || p.drew || !g.view.Load().scanned() // draws of other searches are not noted
	return r.h != nil
}

// queryOf returns a charge to a waiter of a queue in the form that the search reads.
func (g *Group) queryOf(q *waiters, a *amounts) *query {
	part, _ := g.e.part(q.class)
	return &query{tokens: a[counter.Tokens], input: a[counter.Input], fixed: *a, known: true, quiet: true, part: part, filter: &filter{demand: q.like}}
}

// tryAdmit admits a waiter if it fits, and searches its queue for the next one.
func (g *Group) tryAdmit(w *waiter) {
	l, q := g.line, w.queue
	q.cursor, q.found = w.place+1, nil
	var got admission
	if g.acquireBeside(&got, w.d, l.holdsFor(w, false), false); got.h == nil {
		q.floor = w.place + 1
		g.find(q)
		return
	}
	g.admit(w, got)
	l.work, l.stirred = maxWork, true
	if q.Len != 0 {
		g.find(q)
	}
	if w.holds { // the deployment that was held for it is a candidate of all again
		g.hold(g.clock.Read())
		for _, q := range l.queues {
			q.cursor = 0
			g.find(q)
		}
	}
}

// admit ends the wait of a waiter that has been admitted.
func (g *Group) admit(w *waiter, got admission) {
	g.e.waited.Add(1)
	g.line.leave(w, got, nil)
}

// acquireBeside is acquire without the deployments that are held for others. Unless why is set,
// the decision means nothing.
func (g *Group) acquireBeside(a *admission, d *Demand, holds []hold, why bool) decision {
	if len(holds) == 0 {
		return g.acquire(a, d, true)
	}
	var q query
	if !g.fillQuery(&q, d, true) {
		return decision{why: whyInvalid}
	}
	q.quiet, q.filter = true, &filter{demand: d, holds: holds}
	if !why && g.hasNoRoom(&q) {
		return decision{}
	}
	if d.Caller.h != nil {
		return g.acquireCalled(a, d, q)
	}
	return g.acquireFor(a, &q, nil)
}

// receive admits a waiter that has just joined, or sets the timer to when it may fit.
func (g *Group) receive(w *waiter) {
	l := g.line
	for try := 1; ; try++ {
		var got admission
		v := g.acquireBeside(&got, w.d, l.holdsFor(w, false), true)
		if got.h != nil {
			g.admit(w, got)
			return
		}
		o := g.nextAttempt(w.d, l.holdsFor(w, false), v.at)
		if v.caller = o.caller; o.hopeless && g.dismiss(w, v) {
			return
		}
		if (o.hopeless || o.fits) && try < rechecks {
			continue
		}
		if v.why == whyShare {
			g.say()
		}
		w.wait(v.at, o.alone)
		at := min(o.at, g.wake.Load())
		if at = max(at, v.at+int64(leastRetry)); at < l.at {
			l.arm(at)
		}
		return
	}
}

// dismiss ends the wait of a demand that no waiting helps. False: waiting helps by now.
func (g *Group) dismiss(w *waiter, v decision) bool {
	if q := (query{}); !q.fill(&g.owner, w.d, true) {
		v.why = whyInvalid // its class is no longer configured
	}
	err := noCandidate(g.name, 0)
	if g.view.Load().n != 0 { // else the group was dropped: Wait goes on in the one that has its name now, if there is one
		err = g.refusal(w.d, v, true, true)
	}
	if limited, ok := errors.AsType[*LimitError](err); ok && !limited.Never {
		return false
	}
	g.line.leave(w, admission{}, err)
	return true
}

// dismissHopeless dismisses waiters whose demands no waiting helps.
func (g *Group) dismissHopeless() {
	now := g.clock.Read()
	for _, q := range append([]*waiters(nil), g.line.queues...) {
		for w := range q.All() {
			if o := g.nextAttempt(w.d, nil, now); o.hopeless {
				g.dismiss(w, decision{why: o.why, caller: o.caller, at: now})
			}
		}
	}
}

// setTimer sets the timer to the instant at which a waiter may fit by the clock alone. A dispatch that
// has used up maxWork goes on after shortRest. Still says that a charge that fitted still does.
func (g *Group) setTimer(still bool) {
	l, now := g.line, g.clock.Read()
	at, spare, cut := int64(math.MaxInt64), l.work, l.work <= 0
	for _, q := range l.queues {
		if spare -= q.Nodes(); cut || still && q.Fitted != 0 && q.caller == nil {
			at = now
		}
	}
	for _, q := range l.queues {
		switch q.Resume = 0; {
		case cut:
			q.Resume = q.cursor
		case spare <= 0 || at > now: // else a waiter may fit now, and the work that is left suffices for all comparisons of when
			at = min(at, g.when(q, now))
		}
	}
	soon := now + int64(leastRetry)
	if l.work <= 0 {
		soon = now + shortRest
	}
	l.arm(max(min(at, g.wake.Load()), soon))
}

// when returns the instant at which a waiter of a queue may fit by the clock alone.
func (g *Group) when(q *waiters, now int64) int64 {
	l, head := g.line, q.Head()
	holds := l.holdsFor(head, true)
	at := q.Earliest(now, &l.work, func(a *amounts) int64 {
		p := g.queryOf(q, a)
		return g.nextAttemptFor(p, p.filter, holds, now).at
	})
	if head.holds {
		at = min(at, g.nextAttempt(head.d, l.holdsFor(head, false), now).at)
	}
	return at
}
