package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// outlook is what a demand that does not fit has to wait for.
type outlook struct {
	// at is when the clock alone may make it fit, Unix ns; MaxInt64 where an event
	// must. A lease that ends is an event.
	at int64
	// alone is for how many nanoseconds it waits at most if nothing else is admitted and
	// nothing is held for others, an estimate where a lease must end.
	alone    int64
	after    int64   // the same of what is not held
	h        *handle // on which it fits after that
	refills  bool    // because a limit refills continuously
	fits     bool    // it does fit
	hopeless bool    // no waiting helps, or there is no candidate
}

// outlook returns what a demand has to wait for at an instant, when it keeps away
// from what others hold.
func (g *Group) outlook(d *Demand, holds []hold, now int64) outlook {
	var q ask
	if !q.fill(g, d, true) {
		return outlook{hopeless: true}
	}
	return g.outlookFor(&q, &filter{demand: d}, holds, now)
}

func (g *Group) outlookFor(q *ask, l *filter, holds []hold, now int64) outlook {
	q.filter = l
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.turnLocked(now)
	now = max(now, window.Start(e))
	q.now, q.at = now, counter.At{Epoch: e, Now: now}
	v := g.view.Load()
	l.resolve(v)
	o := outlook{at: math.MaxInt64, alone: math.MaxInt64, after: math.MaxInt64, hopeless: true}
	for i, h := range v.handles {
		if !q.allows(v, i) {
			continue
		}
		w := h.wait(q.amountsOn(h, v.limitsOf(i)), q.part, true, now)
		o.hopeless = o.hopeless && w.never
		if w.never {
			continue
		}
		o.alone = min(o.alone, int64(w.after))
		if isHeld(v, i, holds) {
			continue
		}
		o.fits = o.fits || w.limit == LimitNone
		if int64(w.after) < o.after {
			o.after, o.h, o.refills = int64(w.after), h, w.refills
		}
		if w.limit != LimitInFlight && w.after < math.MaxInt64-time.Duration(now) {
			o.at = min(o.at, now+int64(w.after))
		}
	}
	return o
}

// hopeless reports whether no waiting helps a demand, or there is no candidate.
func (g *Group) hopeless(d *Demand, now int64) bool {
	var q ask
	if !q.fill(g, d, true) {
		return true
	}
	q.filter = &filter{demand: d}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	v := g.view.Load()
	q.filter.resolve(v)
	for i, h := range v.handles {
		if q.allows(v, i) && !h.wait(q.amountsOn(h, v.limitsOf(i)), q.part, true, now).never {
			return false
		}
	}
	return true
}

func isHeld(v *view, i int, holds []hold) bool {
	for k := range holds {
		if holds[k].covers(v, i) {
			return true
		}
	}
	return false
}
