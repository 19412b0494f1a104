package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// expire makes all windows of a deployment stale. Under the group's mutex, like all functions
// of this file.
func (h *handle) expire() {
	for _, s := range [...]*pairLedger{&h.plain[0], &h.plain[1], h.next} {
		if s != nil {
			s.tokens.Fresh, s.requests.Fresh = false, false
		}
	}
	for m := range h.limits.Load().owned() {
		m.Expire()
	}
}

// fall bounds the current windows that are stale, if a syncer has set a validity at all. It
// reports whether the caps of the pair must be set again.
func (h *handle) fall() (changed bool) {
	if h.e.validity.until.Load() == 0 {
		return false
	}
	part, l := counter.Part(h.e.validity.part.Load()), &h.cfg.Limits
	c, s := &h.hot[h.turned&1], &h.plain[h.turned&1]
	t, r := c.Adjusted()
	changed = s.tokens.Fall(part, capOf(l.TPM), c.Tokens(), t)
	changed = s.requests.Fall(part, capOf(l.RPM), c.Requests(), r) || changed
	at := counter.At{Epoch: h.turned}
	for m := range h.limits.Load().owned() {
		m.Fall(part, at, capOf(*l.Of(m.kind)))
	}
	return changed
}

// fallNow is fall that sets the caps again.
func (h *handle) fallNow() {
	if h.fall() {
		h.shift(h.turned&1, 0, 0)
	}
}

// free ends the bounds of stale windows.
func (h *handle) free() {
	for p := range h.plain {
		h.plain[p].tokens.Free()
		h.plain[p].requests.Free()
	}
	for m := range h.limits.Load().owned() {
		m.Free()
	}
	h.recap()
	h.capacityFreed(h.turned)
}
