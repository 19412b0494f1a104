package engine

import (
	"math"
	"time"
)

// nextAttempt is the event or the time for which a demand that does not fit has to wait.
type nextAttempt struct {
	// at is the instant at which the demand may fit by the clock alone, Unix ns; MaxInt64 if
	// only an event, such as the end of a lease, can make it fit.
	at int64
	// alone is for how many nanoseconds the demand waits at most if nothing else is admitted
	// and no deployment is held for others. It is an estimate if a lease must end.
	alone    int64
	after    int64   // alone, without deployments that are held for others
	h        *handle // the deployment on which the demand fits after that
	refills  bool    // it fits there because a limit refills continuously
	fits     bool    // it fits now
	hopeless bool    // no waiting helps, or there is no candidate
	caller   bool    // no waiting helps because of the demand's caller
	why      reason  // of a hopeless demand
}

// nextAttempt returns the nextAttempt of a demand at an instant, without the deployments that holds
// keep for others.
func (g *Group) nextAttempt(d *Demand, holds []hold, now int64) nextAttempt {
	var q query
	if !q.fill(&g.owner, d, true) {
		return nextAttempt{hopeless: true, why: whyInvalid}
	}
	return g.nextAttemptFor(&q, &filter{demand: d}, holds, now)
}

func (g *Group) nextAttemptFor(q *query, l *filter, holds []hold, now int64) nextAttempt {
	o := g.nextAttemptInGroup(q, l, holds, now)
	if l.demand.Caller.h != nil {
		w, may := q.waitOfCaller(&g.owner, l.demand, now)
		if o.besideCaller(&w, now); !may {
			o.why = whyNothing
		}
	}
	return o
}

func (g *Group) nextAttemptInGroup(q *query, l *filter, holds []hold, now int64) nextAttempt {
	q.filter = l
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.lookLocked(q, now)
	o, now := nextAttempt{at: math.MaxInt64, alone: math.MaxInt64, after: math.MaxInt64, hopeless: true, why: whyDisabled}, q.now
	for i := 0; i < len(v.handles) && !(q.known && o.at == now); i++ { // for a waiter's charge only o.at is read
		if !q.allows(v, i) {
			continue
		}
		w := v.wait(i, q)
		o.hopeless = o.hopeless && w.never
		if w.never {
			continue
		}
		o.alone = min(o.alone, int64(w.after))
		if v.held(i, holds) {
			continue
		}
		o.fits = o.fits || w.fits()
		if int64(w.after) < o.after {
			o.after, o.h, o.refills = int64(w.after), v.handles[i], w.refills
		}
		if w.refusal != whyInFlight && w.after < math.MaxInt64-time.Duration(now) {
			o.at = min(o.at, now+int64(w.after))
		}
	}
	return o
}

// besideCaller extends the nextAttempt by the wait for the demand's caller. While the caller has no
// headroom, no deployment is held for the demand.
func (o *nextAttempt) besideCaller(w *verdict, now int64) {
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
