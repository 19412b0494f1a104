package engine

import "sync/atomic"

// mean is a learned mean of output tokens: of the first 32 samples their
// average, from then on moving by 1/32 of the difference with each. It is one
// word, [256 × mean:54][samples:10]; after 1023 samples the count goes on at 32.
// A sample that meets another one is left out.
type mean struct{ w atomic.Uint64 }

const (
	meanCountBits = 10
	meanCountMax  = 1<<meanCountBits - 1
	meanScale     = 256
	meanSettled   = 32 // samples after which the mean moves by 1/meanSettled
	meanKnown     = 8  // samples before the mean is used
	meanShared    = 16 // a known deployment teaches its group with every 16th sample
)

// learn adds a sample and returns how many there were before it.
func (m *mean) learn(tokens int64) (before uint64) {
	w := m.w.Load()
	n, v := w&meanCountMax, int64(w>>meanCountBits)
	d := tokens*meanScale - v
	if n < meanSettled {
		v += d / int64(n+1)
	} else {
		v += d / meanSettled
	}
	next := n + 1
	if next > meanCountMax {
		next = meanSettled
	}
	m.w.CompareAndSwap(w, uint64(v)<<meanCountBits|next)
	return n
}

// value returns the mean in tokens, rounded down; -1 before it is known.
func (m *mean) value() int64 {
	w := m.w.Load()
	if w&meanCountMax < meanKnown {
		return -1
	}
	return int64(w >> meanCountBits / meanScale)
}

// learn teaches a deployment and its group what a call has produced. A call
// that cost nothing at all was refused upstream and teaches nothing.
func (h *handle) learn(u Usage) {
	if u == (Usage{}) {
		return
	}
	n := h.mean.learn(u.OutputTokens)
	if n < meanKnown || n%meanShared == 0 {
		if p := h.place.Load(); p != nil {
			p.g.mean.learn(u.OutputTokens)
		}
	}
}

// expected returns the output to reserve for, in tokens: the deployment's mean,
// else the group's (group, -1 if unknown), else what the configuration assumes.
func (h *handle) expected(group int64) int64 {
	if v := h.mean.value(); v >= 0 {
		return v
	}
	if group >= 0 {
		return group
	}
	return h.assumed.Load()
}
