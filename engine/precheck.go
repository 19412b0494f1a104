package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// preCheck counts one request on a deployment if it fits. A refusal rests on a fresh
// reading of the clock. If quiet is set, a refusal is not counted, because the caller may
// try again.
func preCheck(h *handle, d *Demand, quiet bool) (v decision, ok bool) {
	if d.Caller.h != nil {
		return preCheckCalled(h, d, quiet)
	}
	return preCheckAlone(h, d, quiet)
}

// preCheckAlone is preCheck without the limits of the demand's caller.
func preCheckAlone(h *handle, d *Demand, quiet bool) (v decision, ok bool) {
	tokens, ok := d.named()
	part, known := h.e.part(d.Priority)
	if !ok || !known {
		h.e.invalid.Add(1)
		return decision{why: whyInvalid}, false
	}
	var q query
	for try := 0; ; {
		g := h.group.Load()
		if g == nil {
			return decision{why: whyDisabled, at: h.e.clock.Now()}, false
		}
		views := g.views.Load()
		g.read(&q.reading)
		ms := h.limits.Load()
		why, halfWay, o := tryRequest(h, ms, d, part, tokens, q.at)
		if o == counter.Taken {
			return decision{at: q.now}, true
		}
		if o == counter.Moved {
			g.await()
			q.fresh = false
			continue
		}
		again := ms != nil && ms.timed && !q.fresh
		if g.reread(&q.reading, g.views.Load() == views) || again || h.group.Load() != g || h.limits.Load() != ms {
			runtime.Gosched()
			continue
		}
		if halfWay && try < tries {
			if try >= triesQuick {
				runtime.Gosched()
			}
			try++
			continue
		}
		if (why == whyRequests || why == whyShare) && h.halfOpen.Load() {
			why = whyCooling
		}
		g.refuse(why, tokens, d.InputTokens, halfWay, quiet)
		return decision{why: why, at: q.now}, false
	}
}

// tryRequest counts a request at a moment if it fits. Otherwise it returns the reason, and
// whether an attempt half way may change that (protocol 4).
func tryRequest(h *handle, ms *limits, d *Demand, part counter.Part, tokens int64, at counter.At) (why reason, halfWay bool, o counter.Outcome) {
	c := h.hot.Of(at.Epoch)
	if c.Window() != at.Epoch {
		return whyNothing, false, counter.Moved
	}
	t := trial{h: h, limits: ms, at: at, part: part, amounts: ms.admitted(d.InputTokens, tokens-d.InputTokens, d.MaxOutputTokens)}
	if v := t.verdict(); !v.fits() {
		return v.refusal, v.pending, counter.Refused
	}
	part = h.partNow(c, part)
	if ms == nil {
		if o = c.CountRequest(part, at.Epoch); o == counter.Refused {
			why = bounded(whyRequests, c.Room(part).Ceiled)
		}
		return why, false, o
	}
	if !c.Begin(at.Epoch) {
		return whyNothing, false, counter.Moved
	}
	ms.pool.begin()
	defer ms.pool.end()
	return h.countRequest(c, ms, part, at)
}

// countRequest counts one request without tokens in the limits beside the pair, then in the
// pair, and ends the attempt that its caller has begun (protocol 4).
func (h *handle) countRequest(c *counter.Pair, ms *limits, part counter.Part, at counter.At) (why reason, halfWay bool, o counter.Outcome) {
	one := amounts{counter.Requests: 1}
	if at, why, o = ms.take(part, at, &one, true, nil); o == counter.Taken {
		if o = c.TakeRequest(part, at.Epoch); o == counter.Taken {
			h.flight.Undo(h.e.slot(at.Epoch)) // it is no lease
			return whyNothing, false, o
		}
		ms.give(len(ms.list), at, &one)
		why = bounded(whyRequests, c.Room(part).Ceiled)
	}
	h.undo(at.Epoch, 0)
	return why, false, o
}

// PreCheck admits one request on this deployment and counts it, if the deployment is
// enabled, not cooling down and within its limits on requests. The tokens that the demand
// names must fit too, but are not reserved: Record counts them after the call. PreCheck ignores
// Order, Tags, Exclude and the limit on leases. The zero Ref refuses.
func (r Ref) PreCheck(d Demand) bool {
	if r.h == nil || preChecked(r.h, &d) {
		return r.h != nil
	}
	_, ok := preCheck(r.h, &d, false)
	return ok
}

// preChecked is preCheck for the common case: a plain demand, no limits beside the pair, a
// minute that still runs. False: it counted nothing, and preCheck decides.
func preChecked(h *handle, d *Demand) bool {
	tokens, ok := d.named()
	if !ok || d.Priority != 0 || d.Caller.h != nil {
		return false
	}
	if g := h.group.Load(); g != nil && h.limits.Load() == nil && g.clock.Now() < g.wake.Load() {
		e := g.epoch.Load()
		return h.hot.Of(e).TryRequest(e, tokens)
	}
	return false
}

// preCheckCalled is preCheck for a demand that names a caller.
func preCheckCalled(h *handle, d *Demand, quiet bool) (v decision, ok bool) {
	g := h.group.Load()
	if g == nil {
		return decision{why: whyDisabled, at: h.e.clock.Now()}, false
	}
	var q query
	if !q.fill(g, d, false) {
		g.e.invalid.Add(1)
		return decision{why: whyInvalid}, false
	}
	c := called{owner: g.callers.of(d.Caller.h)}
	q.quiet = quiet
	for taken := false; !taken; taken = c.take(true) {
		if !c.admits(g, &q, false) {
			return c.refused(g, &q), false
		}
	}
	if v, ok = preCheckAlone(h, d, quiet); ok {
		c.admit(false)
	} else {
		c.undo()
	}
	return v, ok
}
