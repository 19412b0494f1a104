package engine

import "github.com/plimsoll-dev/plimsoll/window"

// While a deployment is half-open, its cell admits one request beyond those that
// there were: the cap on requests is what has been admitted, and one. The request
// may be of any class.

// probes returns up to how many requests a half-open deployment may take, when
// others have just added some: one more than there were when it began, or than
// the minute began with, unless the one has been admitted in an earlier minute.
func (f *frame) probes(i int, others int64) int64 {
	h := f.handles[i]
	if h.probeEpoch != f.Epoch {
		h.probeEpoch, h.probeCap = f.Epoch, f.cells[i].Requests()
		if !h.probeOut {
			h.probeCap++
		}
	}
	h.probeCap += others
	return h.probeCap
}

// probeTaken reports whether the one request has been admitted.
func (f *frame) probeTaken(i int) bool {
	h := f.handles[i]
	return h.probeOut || h.probeEpoch == f.Epoch && f.cells[i].Requests() >= h.probeCap
}

// leaveProbes remembers which half-open deployments have admitted their one
// request, before a frame is replaced by that of a later epoch.
func (f *frame) leaveProbes() {
	for i, h := range f.handles {
		if h.probeUntil != 0 {
			h.probeOut = f.probeTaken(i)
		}
	}
}

// unprobe keeps the end of a lease from admitting another request while its
// deployment is half-open: a request given back lowers the cap too, unless it is
// the one that went first, whose place another may take.
func (h *handle) unprobe(epoch, sent int64) {
	if !h.half.Load() {
		return
	}
	h.whole(func(f *frame, i int, _ int64) {
		switch {
		case h.probeUntil == 0:
		case epoch == f.Epoch && h.probeEpoch == f.Epoch && (sent < h.probeSince || !f.probeTaken(i)): // a clock that was set back dates it later
			h.probeCap--
			f.shift(i, 0, 0)
		case sent >= h.probeSince && epoch != f.Epoch && h.probeOut:
			h.probeOut = false
			h.probeCap++
			f.shift(i, 0, 0)
			f.eased(i)
		}
	})
}

// partNow returns the part of a cell's caps that a class may use while its
// deployment is half-open: the cap on requests is not shared then, as long as the
// class's share of the limit has room.
func (h *handle) partNow(c *window.Cell, p window.Part) window.Part {
	if c.Requests() < p.Of(h.requestCap.Load()) {
		return p.Unshared()
	}
	return p
}

// partOf returns the part of a cell's caps that a class may use.
func (f *frame) partOf(i int, p window.Part) window.Part {
	if p == 0 || !f.handles[i].half.Load() {
		return p
	}
	return f.handles[i].partNow(&f.cells[i], p)
}
