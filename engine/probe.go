package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// While a deployment is half-open, its pair admits one request beyond those that
// there were: the cap on requests is what has been admitted, and one. The request
// may be of any class.

// probes returns up to how many requests a half-open deployment may take, of which so
// many are used: one more than there were when it began, or than the minute began
// with, unless the one has been admitted in an earlier minute.
func (h *handle) probes(used int64) int64 {
	if h.probeEpoch != h.turned {
		h.probeEpoch, h.probeCap = h.turned, used
		if !h.probeOut {
			h.probeCap++
		}
	}
	return h.probeCap
}

// probeTaken reports whether the one request has been admitted.
func (h *handle) probeTaken() bool {
	return h.probeOut || h.probeEpoch == h.turned && h.hot.Of(h.turned).Requests() >= h.probeCap
}

// unprobe keeps the end of a lease from admitting another request while its
// deployment is half-open: a request given back lowers the cap too, unless it is
// the one that went first, whose place another may take.
func (h *handle) unprobe(epoch, sent int64) {
	if !h.half.Load() {
		return
	}
	h.locked(func(*Group, int64) {
		switch {
		case h.probeUntil == 0:
		case epoch == h.turned && h.probeEpoch == epoch && (sent < h.probeSince || !h.probeTaken()): // a clock that was set back dates it later
			h.probeCap--
			h.shift(epoch&1, 0, 0)
		case sent >= h.probeSince && epoch != h.turned && h.probeOut:
			h.probeOut = false
			h.probeCap++
			h.shift(h.turned&1, 0, 0)
			h.eased(h.turned)
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

// partOf returns the part of a pair's caps that a demand may use.
func (v *view) partOf(i int, q *ask, p counter.Part) counter.Part {
	if p == 0 {
		return p
	}
	return v.handles[i].partNow(v.pair(i, q), p)
}
