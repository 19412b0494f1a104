package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// charge admits one request of that many tokens, input being part of them, to a
// cell at an instant, which only meters need: it takes the tokens,
// then a lease if leases are limited, then what the deployment's meters count,
// then the request, and gives back in reverse what it took before a refusal.
// Sealed means that nothing was taken and the frame has been replaced.
func (f *frame) charge(i int, part window.Part, at, input, tokens int64) window.Outcome {
	o := window.Refused
	part = f.partOf(i, part)
	if part == 0 {
		o = f.cells[i].TakeTokens(tokens)
	} else {
		o = f.cells[i].TakeTokensIn(part, tokens)
	}
	if o != window.Taken {
		return o
	}
	h := f.handles[i]
	invariants.Yield()
	reserved := f.limited && f.reserves[i]
	if reserved && !h.flight.reserve(part) {
		f.undo(i, tokens)
		return window.Refused
	}
	invariants.Yield()
	if f.meters != nil && f.meters[i] != nil {
		f.meters[i].pool.begin()
		var o window.Outcome
		if at, o = f.chargeMeters(i, part, at, input, tokens); o != window.Taken {
			if reserved {
				h.flight.live.Add(-1)
			}
			f.endPooled(i)
			f.undo(i, tokens)
			return o
		}
	}
	invariants.Yield()
	for cur, j := f, i; ; {
		switch cur.cells[j].TakeRequestIn(part) {
		case window.Taken:
			f.endPooled(i)
			return window.Taken
		case window.Refused:
			f.unchargeFurther(i, at, input, tokens)
			f.endPooled(i)
			cur.undo(j, tokens)
			return window.Refused
		case window.Sealed:
			runtime.Gosched()
			if cur, j = h.find(f.Epoch); cur == nil { // stalled past two epochs: folded with the tokens in it
				f.unchargeFurther(i, at, input, tokens)
				f.endPooled(i)
				h.e.strayTokens.Add(-tokens)
				return window.Sealed
			}
		}
	}
}

// endPooled ends an attempt that draws on a pool.
func (f *frame) endPooled(i int) {
	if f.pooled {
		f.metersOf(i).pooled().end()
	}
}

// chargeMeters counts a request in a cell's meters, all or none, and returns the
// instant it was counted at: a clock may have been set back.
func (f *frame) chargeMeters(i int, part window.Part, at, input, tokens int64) (int64, window.Outcome) {
	a := amounts{dimInput: input, dimOutput: tokens - input, dimTokens: tokens, dimRequests: 1}
	for ms := f.meters[i]; ; {
		o := ms.take(part, f.Epoch, at, &a)
		if o == window.Sealed {
			if later := ms.notBefore(at); later != at {
				at = later
				continue
			}
		}
		return at, o
	}
}

// unchargeFurther gives back what charge took between the tokens and the
// request.
func (f *frame) unchargeFurther(i int, at, input, tokens int64) {
	if !f.further {
		return
	}
	if ms := f.metersOf(i); ms != nil {
		a := amounts{dimInput: input, dimOutput: tokens - input, dimTokens: tokens, dimRequests: 1}
		ms.undo(f.Epoch, at, &a)
	}
	if f.limited && f.reserves[i] {
		f.handles[i].flight.live.Add(-1)
	}
}

// undo gives back the tokens of an attempt and ends it.
func (f *frame) undo(i int, tokens int64) {
	h := f.handles[i]
	given := false
	for f != nil {
		if !given {
			given = f.cells[i].AddTokens(-tokens)
		}
		invariants.Yield()
		if given && f.cells[i].EndAttempt() {
			f.eased(i)
			return
		}
		runtime.Gosched()
		f, i = h.find(f.Epoch)
	}
	if !given {
		h.e.strayTokens.Add(-tokens)
	}
}
