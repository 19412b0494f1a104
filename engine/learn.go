package engine

import "sync/atomic"

// mean is a learned mean of output tokens: of the first 32 samples their
// average, from then on moving by 1/32 of the difference with each. It shares
// its word with a counter, so that a settled lease costs one update:
// [16 × mean:36][samples:10][counter:18]. After 1023 samples their number goes
// on at 32; a sample above 2^31 tokens counts as that many.
type mean struct {
	w atomic.Uint64
	// over is what the counter has run over by.
	over atomic.Int64
}

const (
	meanCounterBits = 18
	meanCounterMask = 1<<meanCounterBits - 1
	meanSampleUnit  = uint64(1) << meanCounterBits
	meanSampleMax   = 1<<10 - 1
	meanValueShift  = meanCounterBits + 10
	meanScale       = 16
	meanLargest     = int64(1) << 31
	meanSteady      = 32 // samples after which the mean moves by 1/meanSteady
	meanKnown       = 8  // samples before the mean is used
	meanShared      = 16 // a known deployment teaches its group with every 16th sample
)

// meanOutlier is how many times the mean, or the configured expectation if that is
// larger, a sample counts at most: one answer must not decide what all others
// reserve.
const meanOutlier = 8

// learn adds a sample, and one to the counter if count says so; expected is the
// output that the configuration assumes. It returns how many samples there were
// before.
func (m *mean) learn(tokens, expected int64, count bool) (before uint64) {
	for {
		w := m.w.Load()
		n, v := w>>meanCounterBits&meanSampleMax, int64(w>>meanValueShift)
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
		if m.swap(w, uint64(v)<<meanValueShift|next<<meanCounterBits|w&meanCounterMask, count) {
			return n
		}
	}
}

// count adds one to the counter alone.
func (m *mean) count() {
	for {
		if w := m.w.Load(); m.swap(w, w, true) {
			return
		}
	}
}

func (m *mean) swap(from, to uint64, count bool) bool {
	if !count {
		return m.w.CompareAndSwap(from, to)
	}
	if to&meanCounterMask != meanCounterMask {
		return m.w.CompareAndSwap(from, to+1)
	}
	if !m.w.CompareAndSwap(from, to&^meanCounterMask) {
		return false
	}
	m.over.Add(meanCounterMask + 1)
	return true
}

// counted returns the counter.
func (m *mean) counted() int64 { return int64(m.w.Load()&meanCounterMask) + m.over.Load() }

// value returns the mean in tokens, rounded down; -1 before it is known.
func (m *mean) value() int64 {
	w := m.w.Load()
	if w>>meanCounterBits&meanSampleMax < meanKnown {
		return -1
	}
	return int64(w >> meanValueShift / meanScale)
}

// settled teaches a deployment and its group what a call has produced, and
// counts it if its lease had not expired. A call that cost nothing at all was
// refused upstream and teaches nothing.
func (h *handle) settled(u Usage, count bool) {
	if u == (Usage{}) {
		if count {
			h.mean.count()
		}
		return
	}
	expected := h.e.assumed.Load()
	n := h.mean.learn(u.OutputTokens, expected, count)
	high := h.e.high()
	if high != 0 {
		h.quantile.learn(u.OutputTokens, expected, high)
	}
	if n < meanKnown || n%meanShared == 0 {
		if g := h.group.Load(); g != nil {
			g.mean.learn(u.OutputTokens, expected, false)
			if high != 0 {
				g.quantile.learn(u.OutputTokens, expected, high)
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
