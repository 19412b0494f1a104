package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/window"
)

// turn ends cooldowns and reported limits that are over and rolls the group over to the present
// minute; it returns the frame to use.
func (g *Group) turn(now int64) *frame {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turnLocked(now)
}

func (g *Group) turnLocked(now int64) *frame {
	f := g.cur.Load()
	if now < f.wake.Load() {
		return f
	}
	var lapsed []*handle
	if now >= f.end {
		for i, h := range f.handles {
			if _, relimit := f.awake(i, now); relimit {
				lapsed = append(lapsed, h)
			}
		}
		f.leaveProbes()
		f = g.roll(f, window.EpochAt(now))
	} else {
		f.wake.Store(f.end)
		for i, h := range f.handles {
			if h.alarm() == 0 {
				continue
			}
			changed, relimit := f.awake(i, now)
			if relimit {
				lapsed = append(lapsed, h)
			}
			f.recap(i) // or moves the wake-up to the next change
			f.send(i)
			if changed {
				f.eased(i)
			}
		}
	}
	if lapsed != nil {
		g.relimit(now, lapsed...)
		f = g.cur.Load()
	}
	f.markFailing()
	return f
}

// roll publishes the frame of an epoch after f. The frame before f is folded:
// sealed, so that a writer that still holds it notices, and added to the totals.
func (g *Group) roll(f *frame, epoch int64) *frame {
	from, to := g.e.slot(f.Epoch), g.e.slot(epoch)
	for _, h := range f.handles {
		h.flight.expire(from, to, g.e.slotTTL)
	}
	l := f.layout.cut(func(h *handle) bool { return h.lingers(epoch) })
	n := g.next
	g.next = nil
	if n == nil || n.Epoch != epoch || n.layout != l {
		fresh := newFrame(l, epoch)
		if n != nil && n.Epoch == epoch {
			copy(fresh.shares, n.shares)
		}
		n = fresh
	}
	old := f.prev.Load()
	for i := range n.handles {
		n.rollMeters(i, f, old)
	}
	n.open()
	n.prev.Store(f)
	g.publish(n)
	for _, h := range f.handles[len(n.handles):] {
		h.drop()
	}
	f.prev.Store(nil)
	g.fold(old)
	return n
}

// prepare builds the next frame ahead of time, so that no request waits for it.
func (g *Group) prepare(f *frame) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cur.Load() == f && g.next == nil {
		g.next = newFrame(f.layout, f.Epoch+1)
	}
}

// publish makes f the group's frame. Handles are sent there after that: what
// they still find meanwhile has ended, or is sealed.
func (g *Group) publish(f *frame) {
	g.cur.Store(f)
	for i := range f.handles {
		f.send(i)
	}
	g.line.ring()
}

// off as a handle's wake-up keeps callers from counting in its cell alone.
const off int64 = -1 << 63

// send sends a handle to its cell in a published frame.
func (f *frame) send(i int) {
	h := f.handles[i]
	h.spot.Store(&f.spots[i])
	h.cell.Store(&f.cells[i])
	wake := f.end
	if at := h.alarm(); at != 0 {
		wake = min(wake, at)
	}
	h.due.Store(wake)
	if h.meters.Load() != nil {
		wake = off
	}
	h.wake.Store(wake)
}

// open counts others' usage that was absorbed ahead of the epoch and sets the
// caps of a frame not yet published.
func (f *frame) open() {
	for i := range f.handles {
		f.cells[i].Shift(f.shares[i].tokens, f.shares[i].requests, 0, 0)
		f.handles[i].meters.Load().absorb(f.shares[i].others())
		f.recap(i)
	}
}

// closeTries bounds how long a fold waits for attempts that are half way in a
// minute that ended a minute ago.
const closeTries = 10_000

// fold seals a frame and moves its usage to the totals. What nobody has
// collected yet is kept for the next Collect.
func (g *Group) fold(f *frame) {
	if f == nil {
		return
	}
	for i, h := range f.handles {
		g.foldCell(f, i, h)
	}
}

func (g *Group) foldCell(f *frame, i int, h *handle) {
	f.cells[i].Close()
	for range closeTries {
		if f.cells[i].Room().Half == 0 {
			break
		}
		runtime.Gosched() // to the attempt that is half way
	}
	t, r := f.cells[i].Seal()
	s := &f.shares[i]
	others, othersRequests := f.elsewhere(i)
	own, requests := max(t-others, 0), max(r-othersRequests, 0)
	g.past.tokens += own
	g.past.requests += requests
	g.past.overrun += max(t-h.tokenCap, 0)
	split := f.ownSplit(i)
	if own != s.toldTokens || requests != s.toldRequests || split != s.toldSplit() {
		g.e.rest.keep(h.report(f.Epoch, own, requests, split), &g.e.dropped)
	}
}

// lingers reports whether a removed handle still has something to count for.
func (h *handle) lingers(epoch int64) bool {
	if epoch < h.goneSince+2 {
		return true
	}
	leases, _ := h.flight.count()
	at := window.Start(epoch)
	return leases != 0 || h.coolUntil > at || h.meters.Load().today(epoch) || h.meters.Load().filled(at)
}

// drop forgets a removed handle. Whoever still holds it finds its heir by ID.
func (h *handle) drop() {
	h.leaveDays()
	h.place.Store(nil)
	h.spot.Store(nil)
	h.cell.Store(nil)
	h.e.gone.settled.Add(h.mean.counted())
	h.e.gone.expired.Add(h.flight.expired.Load())
	h.unname()
}

// unname takes a dropped handle out of the map, unless its ID has an heir.
func (h *handle) unname() {
	h.e.handles.Compute(h.id, func(v *handle, loaded bool) (*handle, bool) { return v, !loaded || v == h })
}
