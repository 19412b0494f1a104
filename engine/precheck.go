package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/window"
)

// preCheckMetered is preCheck of a deployment with meters.
func (h *handle) preCheckMetered(d *Demand, part window.Part, ms *meters, quiet bool) (v verdict, ok bool) {
	a := h.preChecking(d)
	at := reading{now: h.clock.Now()}
	for try := 0; ; try++ {
		f, i := h.presentMetered()
		if f == nil {
			return verdict{whyDisabled, at.now}, false
		}
		c := &f.cells[i]
		ended, attempts := c.Ended(), ms.pool.attempts()
		share := f.partOf(i, part)
		why, half := admits(c, share, a[dimTokens])
		if why == whyNothing {
			var sure bool
			why, sure = ms.short(share, at.now, &a, a[dimTokens] != 0)
			n, ample := c.Since(ended)
			half = n != 0 && !(sure && ample && !h.e.shared()) || ms.pool.halfWay(attempts) && !(sure && !h.e.shared())
		}
		if why == whyNothing {
			o := window.Sealed
			if c.Begin() {
				ms.pool.begin()
				o, why = f.countRequest(i, share, ms, at.now)
				ms.pool.end()
			}
			switch o {
			case window.Taken:
				return verdict{at: at.now}, true
			case window.Sealed:
				runtime.Gosched()
				continue
			case window.Refused:
			}
		}
		p := h.place.Load()
		if p == nil || at.overtaken(h, p.g, c) {
			runtime.Gosched()
			continue
		}
		if half && try < tries {
			if try >= triesQuick {
				runtime.Gosched()
			}
			continue
		}
		if why == whyRequests && h.half.Load() {
			why = whyCooling
		}
		p.g.refuse(why, half, quiet)
		return verdict{why, at.now}, false
	}
}

// presentMetered is present for a deployment with meters.
func (h *handle) presentMetered() (*frame, int) {
	f, i := h.find(now) // before due, as cell before wake
	if f == nil || h.clock.Now() < h.due.Load() {
		return f, i
	}
	h.turn()
	return h.find(now)
}

// countRequest ends an attempt of one request and no tokens by counting it at an
// instant in the meters, then in the cell.
func (f *frame) countRequest(i int, part window.Part, ms *meters, now int64) (window.Outcome, reason) {
	h, at := f.handles[i], ms.notBefore(now)
	for k := range ms.list {
		m := &ms.list[k]
		if m.dim != dimRequests {
			continue
		}
		if o := m.take(part, f.Epoch, at, 1); o != window.Taken {
			ms.uncountRequest(k, f.Epoch, at)
			f.undo(i, 0)
			return o, m.why
		}
	}
	for cur, j := f, i; ; {
		switch cur.cells[j].TakeRequestIn(part) {
		case window.Taken:
			return window.Taken, whyNothing
		case window.Refused:
			ms.uncountRequest(len(ms.list), f.Epoch, at)
			cur.undo(j, 0)
			return window.Refused, whyRequests
		case window.Sealed:
			runtime.Gosched()
			if cur, j = h.find(f.Epoch); cur == nil {
				ms.uncountRequest(len(ms.list), f.Epoch, at)
				return window.Sealed, whyNothing
			}
		}
	}
}

// uncountRequest takes a request back from the first n meters.
func (ms *meters) uncountRequest(n int, epoch, at int64) {
	for k := n - 1; k >= 0; k-- {
		if m := &ms.list[k]; m.dim == dimRequests {
			m.undo(epoch, at, 1)
		}
	}
}
