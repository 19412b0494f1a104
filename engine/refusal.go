package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// maxStates is how many states an error carries.
const maxStates = 32

// refusal explains why the group has no deployment for a demand, at the instant of
// the verdict. Nil: the demand fits at that instant, because room
// has come since; final returns the shortest wait instead. Learn says whether an
// output that the demand leaves open was filled in.
func (g *Group) refusal(d *Demand, v verdict, learn, final bool) error {
	if v.why == whyInvalid {
		return g.e.invalidity(d)
	}
	g = g.alive()
	var q ask
	g.ask(&q, d, learn)
	q.filter = &filter{demand: d}
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(v.at)
	e := f.refusal(g.name, &q, max(v.at, f.begin()))
	switch {
	case e == nil:
		return &candidateError{g.name, f.candidates()}
	case e.Limit == LimitNone && !final:
		return nil
	}
	e.settle(v)
	return e
}

// settle completes the error of a demand that fits by now: it names what refused it.
func (e *LimitError) settle(v verdict) {
	if e.Limit == LimitNone {
		e.Limit, e.RetryAfter, e.Never = reasonLimit[v.why], leastRetry, false
	}
}

// refusal explains at an instant what refuses a demand; the limit is LimitNone if
// the demand fits. Nil: there is no candidate. Under the group's mutex.
func (f *frame) refusal(group string, q *ask, now int64) *LimitError {
	q.filter.resolve(f)
	fits := ""
	e := &LimitError{Group: group, Never: true}
	for i := range f.candidates() {
		if !q.allows(f, i) {
			continue
		}
		if e.Candidates == 0 {
			e.States = make([]State, 0, min(maxStates, f.candidates()))
		}
		w := f.wait(i, q.amountsOn(f.handles[i], f.metersOf(i)), q.part, true, now)
		if w.limit == LimitNone {
			fits = w.id
		}
		e.consider(w)
		if e.Candidates++; len(e.States) < maxStates {
			e.States = append(e.States, f.state(group, i, now))
		}
	}
	if e.Candidates == 0 {
		return nil
	}
	if fits != "" {
		e.Deployment, e.Limit = fits, LimitNone
	}
	return e
}

// refusal explains why a deployment does not take one more request, as
// [Group.refusal] does.
func (h *handle) refusal(d *Demand, v verdict, final bool) error {
	if v.why == whyInvalid {
		return h.e.invalidity(d)
	}
	e := &LimitError{Deployment: h.id, Limit: reasonLimit[v.why], Candidates: 1, Never: true}
	p := h.lock()
	if p == nil {
		return e
	}
	defer p.g.mu.Unlock()
	f := p.g.turnLocked(v.at)
	if !f.has(p.i, h) {
		return e
	}
	now := max(v.at, f.begin())
	part, _ := h.e.part(d.Priority)
	w := f.wait(p.i, h.preChecking(d), part, false, now)
	if w.limit == LimitNone && !final {
		return nil
	}
	e.Group, e.Limit, e.RetryAfter, e.Never = p.g.name, w.limit, w.after, w.never
	e.settle(v)
	e.States = append(e.States, f.state(p.g.name, p.i, now))
	p.g.refusals[reasonLimit[v.why]].Add(1)
	return e
}

// preChecking returns what a demand counts for PreCheck.
func (h *handle) preChecking(d *Demand) amounts {
	tokens, _ := d.named()
	if ms := h.meters.Load(); ms != nil {
		return ms.admitted(d.InputTokens, tokens-d.InputTokens, d.MaxOutputTokens)
	}
	return amounts{dimInput: d.InputTokens, dimOutput: tokens - d.InputTokens, dimTokens: tokens, dimRequests: 1}
}

// wait is how long a deployment keeps refusing a demand, and for which limit.
type wait struct {
	id    string
	limit Limit
	after time.Duration
	never bool
	// refills says that usage goes away continuously there, not at an instant.
	refills bool
	cause   provider.Kind // of a cooldown
}

// consider makes w the error's deployment if it frees up earlier.
func (e *LimitError) consider(w wait) {
	if e.Candidates != 0 && (w.never || !e.Never && w.after >= e.RetryAfter) {
		return
	}
	e.Deployment, e.Limit, e.RetryAfter, e.Never, e.Cause = w.id, w.limit, w.after, w.never, provider.Fine
	if w.limit == LimitCooldown {
		e.Cause = w.cause
	}
}

// wait returns what keeps a cell from admitting a request, and for how long if
// nothing else is admitted or given back, within a part of the caps; leases says
// whether it is for a lease, which limits on leases refuse, and limits on tokens
// even if it names none. Under the group's mutex.
func (f *frame) wait(i int, a amounts, part window.Part, leases bool, now int64) wait {
	h, c := f.handles[i], &f.cells[i]
	w := wait{id: h.id, cause: h.cause}
	if h.gone || !h.enabled {
		w.limit, w.never = LimitDisabled, true
		return w
	}
	tokenCap, _ := c.Caps()
	others, othersRequests := f.elsewhere(i)
	tokenCap = max(tokenCap, min(h.tokenCap, f.shares[i].ceilTokens+others)) // what it is once cooled down
	if leases || a[dimTokens] != 0 {
		w.until(LimitTPM, now, c.Tokens(), a[dimTokens], part.Of(tokenCap), part.Of(h.tokenCap), part.Of(h.configuredTokenCap), h.lapseOf(provider.Tokens))
	}
	reqCap := min(h.reqCap, f.shares[i].ceilRequests+othersRequests) // what it is without a probe
	w.until(LimitRPM, now, c.Requests(), 1, part.Of(reqCap), part.Of(h.reqCap), part.Of(h.configuredReqCap), h.lapseOf(provider.Requests))
	if ms := h.meters.Load(); ms != nil {
		w.metered(h, ms, &a, part, leases, f.Epoch, now)
	}
	most := part.Of(h.flight.cap.Load())
	if leases && most <= h.flight.live.Load() && h.cfg.Limits.MaxInFlight != 0 {
		if most == 0 {
			w.limit, w.after, w.never = LimitInFlight, 0, true
		} else if !w.never {
			w.atLeast(LimitInFlight, h.flight.roomIn(most, h.e.ttl))
		}
	}
	switch {
	case w.never:
	case h.coolUntil > now:
		w.atLeast(LimitCooldown, time.Duration(h.coolUntil-now))
	case h.probeUntil > now && c.Requests() >= h.probeCap:
		w.atLeast(LimitCooldown, time.Duration(h.probeUntil-now))
	}
	return w
}

// until raises the wait to when a cost fits under a cap, which a ceiling of this
// window may hold below the limit. A cost that only the reported limit is too low
// for, and not the configured one, fits when the report lapses.
func (w *wait) until(l Limit, now, used, cost, ceil, limit, configured, lapse int64) {
	if w.never || used+cost <= ceil {
		return
	}
	if after, never := window.RetryAfter(now, max(used, limit), cost, limit); never {
		w.beyond(l, now, cost <= configured, lapse)
	} else {
		w.atLeast(l, max(after, window.UntilNext(now)))
	}
}

// beyond takes in that a cost is above a limit: it never fits, unless it is within
// what is configured; then it does when the reported limit lapses.
func (w *wait) beyond(l Limit, now int64, configured bool, lapse int64) {
	if configured && lapse > now {
		w.atLeast(l, time.Duration(lapse-now))
		return
	}
	w.limit, w.after, w.never = l, 0, true
}

// metered is until for all meters.
func (w *wait) metered(h *handle, ms *meters, a *amounts, part window.Part, leases bool, epoch, now int64) {
	for i := range ms.list {
		m := &ms.list[i]
		n := a[m.dim]
		if w.never || m.dim != dimRequests && !leases && a[dimTokens] == 0 || m.fits(part, now, n) {
			continue
		}
		if after, never := m.wait(part, epoch, now, n); never {
			w.beyond(reasonLimit[m.why], now, n <= part.Of(m.configured), h.lapseOf(m.reportedAs()))
		} else {
			w.refill(reasonLimit[m.why], after, m.bucket)
		}
	}
}

// refill is atLeast for a meter, which may be a bucket.
func (w *wait) refill(l Limit, after time.Duration, bucket bool) {
	if w.atLeast(l, after); w.after == after {
		w.refills = bucket
	}
}

// atLeast raises the wait.
func (w *wait) atLeast(l Limit, after time.Duration) {
	if after > w.after {
		w.limit, w.after, w.refills = l, after, false
	}
}
