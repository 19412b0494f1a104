package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// capsOf returns the caps of a half with a ledger, adjustments and requests counted.
func (h *handle) capsOf(s *pairLedger, adjusted, adjustedRequests, used int64) (tokens, requests int64) {
	tokens, requests = s.tokens.Cap(h.tokenCap, adjusted), s.requests.Cap(h.reqCap, adjustedRequests)
	switch {
	case h.removed || !h.enabled:
		tokens = counter.Disabled
	case h.breaker.Cooling():
		tokens = counter.Cooling
	case !h.breaker.HalfOpen():
	case s.tokens.Window != h.turned: // only the current minute admits the probe
		tokens = counter.Cooling
	default:
		h.requestCap.Store(requests)
		requests = min(requests, h.probe.capAt(h.turned, used))
	}
	return tokens, requests
}

// recap sets the caps of both halves. Under the group's mutex.
func (h *handle) recap() {
	for p := range int64(2) {
		h.shift(p, 0, 0)
	}
}

// shift adds to the counts of a half and sets its caps again. Under the group's mutex.
func (h *handle) shift(p, tokens, requests int64) {
	if h.breaker.HalfOpen() && h.plain[p].tokens.Window == h.turned {
		h.probe.capAt(h.turned, h.hot[p].Requests())
		h.probe.cap += requests
	}
	c := &h.hot[p]
	adjusted, adjustedRequests := c.Adjusted()
	tokenCap, requestCap := h.capsOf(&h.plain[p], adjusted, adjustedRequests, c.Requests())
	if c.Shift(tokens, requests, tokenCap, requestCap) {
		h.flight.Undo(h.e.slot(h.plain[p].tokens.Window)) // Shift moved the tag, but began no lease (protocol 6)
	}
	h.ceiled(p)
	if s := h.seat.Load(); s != nil && h.failing.Load() != 0 {
		s.in.failing.Store(true)
	}
}

// ceiled marks the view if a ceiling bounds the tokens of a half and no limit does.
func (h *handle) ceiled(p int64) {
	if h.tokenCap != counter.Max || h.plain[p].tokens.Most() >= counter.Max {
		return
	}
	if s := h.seat.Load(); s != nil {
		s.in.ceiled[p].Store(true)
	}
}

// own returns this node's usage in a half. Under the group's mutex.
func (h *handle) own(p int64) (tokens, requests int64) {
	c, s := &h.hot[p], &h.plain[p]
	t, r := c.Adjusted()
	return s.tokens.Own(c.Tokens(), t), s.requests.Own(c.Requests(), r)
}

// inFlight returns how many leases are held. Under the group's mutex.
func (h *handle) inFlight() (n int64) {
	now := h.e.slot(h.turned)
	for k := now - h.e.slotTTL; k <= now; k++ {
		n += h.flight.Held(k, h.unfolded)
	}
	return n
}

// unfolded returns how many leases of a slot began in minutes that are not folded yet.
func (h *handle) unfolded(slot int64) (n int64) {
	for p := range h.plain {
		if h.e.slot(h.plain[p].tokens.Window) == slot {
			n += h.hot[p].Began()
		}
	}
	return n
}
