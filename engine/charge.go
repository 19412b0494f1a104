package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/window"
)

// charge admits one request of that many tokens to a cell: it takes the tokens,
// then a lease if leases are limited, then the request, and gives back in
// reverse what it took before a refusal. Sealed means that nothing was taken and
// the frame has been replaced.
func (f *frame) charge(i int, tokens int64) window.Outcome {
	if o := f.cells[i].TakeTokens(tokens); o != window.Taken {
		return o
	}
	h := f.handles[i]
	reserved := f.limited && f.reserves[i]
	if reserved && !h.flight.reserve() {
		f.undo(i, tokens)
		return window.Refused
	}
	for {
		switch f.cells[i].TakeRequest() {
		case window.Taken:
			return window.Taken
		case window.Refused:
			if reserved {
				h.flight.live.Add(-1)
			}
			f.undo(i, tokens)
			return window.Refused
		case window.Sealed:
			runtime.Gosched()
			n, j := h.find(f.Epoch)
			if n == nil { // stalled past two epochs: folded with the tokens in it
				if reserved {
					h.flight.live.Add(-1)
				}
				h.e.strayTokens.Add(-tokens)
				return window.Sealed
			}
			f, i = n, j
		}
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
