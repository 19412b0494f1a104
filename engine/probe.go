package engine

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// probe is the one request that a half-open deployment admits: the cap on its pair's
// requests is what had been admitted when it became half-open, or what the minute began
// with, and one. The request may be of any class.
type probe struct {
	since int64 // when the deployment became half-open
	cap   int64 // on the pair's requests
	epoch int64 // of cap
	out   bool  // the request was admitted in an earlier minute
}

func newProbe(since int64) probe { return probe{since: since, epoch: math.MinInt64} }

// capAt returns the cap in a minute, of which so many requests are used.
func (p *probe) capAt(epoch, used int64) int64 {
	if p.epoch != epoch {
		p.epoch, p.cap = epoch, used
		if !p.out {
			p.cap++
		}
	}
	return p.cap
}

// taken reports whether the request has been admitted, in a minute of which so many are
// used or before.
func (p *probe) taken(epoch, used int64) bool {
	return p.out || p.epoch == epoch && used >= p.cap
}

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
