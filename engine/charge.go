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
		h.endAttempt(f.Epoch, tokens, false)
		return window.Refused
	}
	c := &f.cells[i]
	for {
		switch c.TakeRequest() {
		case window.Taken:
			return window.Taken
		case window.Refused:
			h.endAttempt(f.Epoch, tokens, reserved)
			return window.Refused
		case window.Sealed:
			runtime.Gosched()
			n, j := h.find(f.Epoch)
			if n == nil { // stalled past two epochs: folded with the tokens in it
				h.endAttempt(f.Epoch, tokens, reserved)
				return window.Sealed
			}
			c = &n.cells[j]
		}
	}
}
