package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

const (
	// learnAll is of how many leases that began in one slot, a minute or longer, all that
	// settle are learned from, and learnOf of how many later ones one is: a mean follows
	// that many well, and each sample is an update.
	learnAll = 256
	learnOf  = 8
)

// teaches reports whether a call that ended there and cost so much is learned from. A
// call that cost nothing at all was refused upstream and teaches nothing. The calls that
// are left out are spread by a multiplicative hash: a plain stride could fall in step
// with the traffic. A quantile is learned from all.
func (h *handle) teaches(at counter.Ending, u Usage) bool {
	n := uint64(at.Before())
	return u != (Usage{}) && (n < learnAll || n*0x9E3779B97F4A7C15 < math.MaxUint64/learnOf || h.e.quantile.Load() != 0)
}

// learn teaches a deployment and its group how many tokens a call has produced.
func (h *handle) learn(output int64) {
	expected := h.e.assumed.Load()
	group := h.mean.Learn(output, expected)
	high := h.e.high()
	if high != 0 {
		h.quantile.Learn(output, expected, high)
	}
	if group {
		if g := h.group.Load(); g != nil {
			g.mean.Learn(output, expected)
			if high != 0 {
				g.quantile.Learn(output, expected, high)
			}
		}
	}
}

// relearned says to those who wait that less output may be expected.
func (h *handle) relearned() {
	if g := h.group.Load(); g != nil {
		g.bell.Ring()
	}
}

// expected returns the output to reserve for, in tokens: what the deployment has
// learned, else the group (group, -1 if unknown), else what the configuration
// assumes.
func (h *handle) expected(group int64) int64 {
	if v := h.learned(); v >= 0 {
		return v
	}
	if group >= 0 {
		return group
	}
	return h.assumed.Load()
}

// learned is expected of a deployment.
func (h *handle) learned() int64 {
	if h.e.quantile.Load() != 0 {
		return h.quantile.Value()
	}
	return h.mean.Value()
}

// learnLast takes in how long a lease has lasted: the first one as it is, from then on an
// eighth of the difference. A time set back counts as none.
func (h *handle) learnLast(lasted int64) {
	lasted = max(lasted, int64(leastRetry))
	for {
		o := h.lasts.Load()
		n := lasted
		if o != 0 {
			n = max(o+(lasted-o)/8, 1)
		}
		if o == n || h.lasts.CompareAndSwap(o, n) {
			return
		}
	}
}

// roomIn estimates when fewer than most of the leases held are held: they end as evenly
// as if each lasted as long as the latest have, at most their TTL.
func (h *handle) roomIn(held, most int64) time.Duration {
	held = max(held, 1)
	lasts := min(h.lasts.Load(), int64(h.e.ttl))
	if lasts == 0 {
		lasts = guessedLast
	}
	ends := min(max(held-most+1, 1), held)
	return max(time.Duration(float64(lasts)*float64(ends)/float64(held)), leastRetry)
}

// guessedLast is how long leases are assumed to last until one has ended.
const guessedLast = int64(time.Second)
