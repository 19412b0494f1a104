package engine

import (
	"math"
	"slices"
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
	caller   bool    // because of the demand's caller
	why      reason  // of hopeless demands
}

// outlook returns what a demand has to wait for at an instant, when it keeps away
// from what others hold.
func (g *Group) outlook(d *Demand, holds []hold, now int64) outlook {
	var q ask
	if !q.fill(&g.owner, d, true) {
		return outlook{hopeless: true, why: whyInvalid}
	}
	return g.outlookFor(&q, &filter{demand: d}, holds, now)
}

func (g *Group) outlookFor(q *ask, l *filter, holds []hold, now int64) outlook {
	o := g.outlookOfGroup(q, l, holds, now)
	if l.demand.Caller.h != nil {
		w, may := q.waitOfCaller(&g.owner, l.demand, now)
		if o.besideCaller(&w, now); !may {
			o.why = whyNothing
		}
	}
	return o
}

func (g *Group) outlookOfGroup(q *ask, l *filter, holds []hold, now int64) outlook {
	q.filter = l
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.turnLocked(now)
	now = max(now, window.Start(e))
	q.now, q.at = now, counter.At{Epoch: e, Now: now}
	v := g.view.Load()
	l.resolve(v)
	o := outlook{at: math.MaxInt64, alone: math.MaxInt64, after: math.MaxInt64, hopeless: true, why: whyDisabled}
	for i := 0; i < len(v.handles) && !(q.known && o.at == now); i++ { // of a charge to a waiter nothing else is asked
		h := v.handles[i]
		if !q.allows(v, i) {
			continue
		}
		w := h.wait(q.amountsOn(h, v.limitsOf(i)), q.part, true, now)
		o.hopeless = o.hopeless && w.never
		if w.never {
			continue
		}
		o.alone = min(o.alone, int64(w.after))
		if slices.ContainsFunc(holds, func(o hold) bool { return v.held(i, &o) }) {
			continue
		}
		o.fits = o.fits || w.fits()
		if int64(w.after) < o.after {
			o.after, o.h, o.refills = int64(w.after), h, w.refills
		}
		if w.refusal != whyInFlight && w.after < math.MaxInt64-time.Duration(now) {
			o.at = min(o.at, now+int64(w.after))
		}
	}
	return o
}

// besideCaller takes in what the demand's caller has to wait for. While the caller has no
// room, nothing is held for the demand.
func (o *outlook) besideCaller(w *verdict, now int64) {
	switch {
	case w.never:
		o.hopeless, o.caller = true, true
	case !w.fits():
		o.fits, o.refills = false, false
		o.alone, o.after = max(o.alone, int64(w.after)), max(o.after, int64(w.after))
		if w.refusal == whyInFlight || w.after >= math.MaxInt64-time.Duration(now) {
			o.at = math.MaxInt64
		} else {
			o.at = max(o.at, now+int64(w.after))
		}
	}
}
