package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// probeTaken reports whether the probe, the one request of a half-open deployment, has been
// admitted. Under the group's mutex.
func (h *handle) probeTaken() bool { return h.probe.taken(h.turned, h.hot.Of(h.turned).Requests()) }

// unprobe keeps a request that is given back from admitting a second probe while its
// deployment is half-open: the cap falls with the count. If the request is the
// probe itself, the cap stays, and another request may be the probe.
func (h *handle) unprobe(epoch, sent int64) {
	if !h.halfOpen.Load() {
		return
	}
	h.locked(func(*owner, int64) {
		p := &h.probe
		switch {
		case !h.breaker.HalfOpen():
		case epoch == h.turned && p.epoch == epoch && (sent < p.since || !h.probeTaken()): // after a clock is set back sent may be too late
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

// partNow returns the part of a pair's caps that a class may use now. While the deployment is
// half-open, any class may use the whole cap on requests, which is one probe, if
// the class's share of the limit itself has headroom.
func (h *handle) partNow(c *counter.Pair, p counter.Part) counter.Part {
	if p == 0 {
		return p
	}
	return h.partHalfOpen(c, p)
}

func (h *handle) partHalfOpen(c *counter.Pair, p counter.Part) counter.Part {
	if h.halfOpen.Load() && c.Requests() < p.Of(h.requestCap.Load()) {
		return p.Unshared()
	}
	return p
}
