package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// probeTaken reports whether the one request has been admitted.
func (h *handle) probeTaken() bool { return h.probe.taken(h.turned, h.hot.Of(h.turned).Requests()) }

// unprobe keeps the end of a lease from admitting another request while its
// deployment is half-open: a request given back lowers the cap too, unless it is
// the one that went first, whose place another may take.
func (h *handle) unprobe(epoch, sent int64) {
	if !h.half.Load() {
		return
	}
	h.locked(func(*owner, int64) {
		p := &h.probe
		switch {
		case !h.breaker.HalfOpen():
		case epoch == h.turned && p.epoch == epoch && (sent < p.since || !h.probeTaken()): // a clock that was set back dates it later
			p.cap--
			h.shift(epoch&1, 0, 0)
		case sent >= p.since && epoch != h.turned && p.out:
			p.out = false
			p.cap++
			h.shift(h.turned&1, 0, 0)
			h.capacityFreed(h.turned)
		}
	})
}

// partNow returns the part of a pair's caps that a class may use while its
// deployment is half-open: the cap on requests is not shared then, as long as the
// class's share of the limit has room.
func (h *handle) partNow(c *counter.Pair, p counter.Part) counter.Part {
	if p == 0 {
		return p
	}
	return h.partHalfOpen(c, p)
}

func (h *handle) partHalfOpen(c *counter.Pair, p counter.Part) counter.Part {
	if h.half.Load() && c.Requests() < p.Of(h.requestCap.Load()) {
		return p.Unshared()
	}
	return p
}
