// Package learn holds what calls and answers teach of a deployment: how many output tokens
// calls produce (a mean and a quantile, each in one word that any number of goroutines
// update at once), when its provider's minutes begin, whether it counts by minutes at all,
// which limits it names, and which part of its limits refusals advise to leave unused. It knows no deployment, no
// counter and no clock.
package learn

import "sync/atomic"

// Mean is a learned mean of output tokens: of the first 32 samples their
// average, from then on moving by 1/32 of the difference with each:
// [16 × mean:36][samples:10]. After 1023 samples their number goes
// on at 32; a sample above 2^31 tokens counts as that many.
type Mean struct{ w atomic.Uint64 }

const (
	sampleBits = 10
	sampleMax  = 1<<sampleBits - 1
	scale      = 16
	largest    = int64(1) << 31
	steady     = 32 // samples after which the mean moves by 1/steady
	known      = 8  // samples before the mean is used
	shared     = 16 // a known deployment teaches its group with every sample of so many
)

// outlier is how many times the mean, or the configured expectation if that is
// larger, a sample counts at most: one answer must not decide what all others
// reserve.
const outlier = 8

// Learn adds a sample; expected is the output that the configuration assumes. It reports
// whether the group is to learn of it too: a known deployment teaches its group with every
// 16th sample.
func (m *Mean) Learn(tokens, expected int64) (group bool) {
	for {
		w := m.w.Load()
		n, v := w&sampleMax, int64(w>>sampleBits)
		d := min(min(tokens, largest)*scale, outlier*max(v, min(expected, largest)*scale)) - v
		if n < steady {
			v += d / int64(n+1)
		} else {
			v += d / steady
		}
		next := n + 1
		if next > sampleMax {
			next = steady
		}
		if m.w.CompareAndSwap(w, uint64(v)<<sampleBits|next) {
			return n < known || n%shared == 0
		}
	}
}

// Value returns the mean in tokens, rounded down; -1 before it is known.
func (m *Mean) Value() int64 {
	w := m.w.Load()
	if w&sampleMax < known {
		return -1
	}
	return int64(w >> sampleBits / scale)
}
