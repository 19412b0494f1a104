package engine

import (
	"math"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// mean is a learned mean of output tokens: of the first 32 samples their
// average, from then on moving by 1/32 of the difference with each:
// [16 × mean:36][samples:10]. After 1023 samples their number goes
// on at 32; a sample above 2^31 tokens counts as that many.
type mean struct{ w atomic.Uint64 }

const (
	meanSampleBits = 10
	meanSampleMax  = 1<<meanSampleBits - 1
	meanScale      = 16
	meanLargest    = int64(1) << 31
	meanSteady     = 32 // samples after which the mean moves by 1/meanSteady
	meanKnown      = 8  // samples before the mean is used
	meanShared     = 16 // a known deployment teaches its group with every 16th sample
)

const (
	// learnAll is of how many leases that began in one slot, a minute or longer, all that
	// settle are learned from, and learnOf of how many later ones one is: a mean follows
	// that many well, and each sample is an update.
	learnAll = 256
	learnOf  = 8
)

// meanOutlier is how many times the mean, or the configured expectation if that is
// larger, a sample counts at most: one answer must not decide what all others
// reserve.
const meanOutlier = 8

// learn adds a sample; expected is the output that the configuration assumes. It returns
// how many samples there were before.
func (m *mean) learn(tokens, expected int64) (before uint64) {
	for {
		w := m.w.Load()
		n, v := w&meanSampleMax, int64(w>>meanSampleBits)
		d := min(min(tokens, meanLargest)*meanScale, meanOutlier*max(v, min(expected, meanLargest)*meanScale)) - v
		if n < meanSteady {
			v += d / int64(n+1)
		} else {
			v += d / meanSteady
		}
		next := n + 1
		if next > meanSampleMax {
			next = meanSteady
		}
		if m.w.CompareAndSwap(w, uint64(v)<<meanSampleBits|next) {
			return n
		}
	}
}

// value returns the mean in tokens, rounded down; -1 before it is known.
func (m *mean) value() int64 {
	w := m.w.Load()
	if w&meanSampleMax < meanKnown {
		return -1
	}
	return int64(w >> meanSampleBits / meanScale)
}

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
	n := h.mean.learn(output, expected)
	high := h.e.high()
	if high != 0 {
		h.quantile.learn(output, expected, high)
	}
	if n < meanKnown || n%meanShared == 0 {
		if g := h.group.Load(); g != nil {
			g.mean.learn(output, expected)
			if high != 0 {
				g.quantile.learn(output, expected, high)
			}
		}
	}
}

// relearned says to those who wait that less output may be expected.
func (h *handle) relearned() {
	if g := h.group.Load(); g != nil {
		g.line.ring()
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
