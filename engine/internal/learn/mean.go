// Package learn has what the engine learns of a deployment from calls and answers: how many
// output tokens calls produce (a mean and a quantile, each in one word that any number of
// goroutines update at once), when its provider's minutes begin, whether it counts by minutes at
// all, which limits it reports, and which part of its limits refusals advise to leave unused. It
// uses no deployment, no counter and no clock. All types except Mean and Quantile are under the
// mutex of their owner.
package learn

import "sync/atomic"

// Mean is a learned mean of output tokens: the average of the first 32 samples, from then on
// an exponential moving average with a weight of 1/32. The word is [16 × mean:36][samples:10].
// After 1023 samples the number of samples continues at 32. A sample above 2^31 tokens counts
// as 2^31. The zero value has no samples.
type Mean struct{ w atomic.Uint64 }

const (
	sampleBits = 10
	sampleMax  = 1<<sampleBits - 1
	scale      = 16
	largest    = int64(1) << 31
	steady     = 32 // samples after which the mean moves by 1/steady
	known      = 8  // samples before the mean is used
	shared     = 16 // once the mean is known, every 16th sample is one of the group's too
)

// outlier is the largest sample, in multiples of the mean or of the configured expectation if
// that is larger. A larger sample is lowered to that, so that one answer does not decide what
// all others reserve.
const outlier = 8

// Learn adds a sample; expected is the output that the configuration assumes, in tokens. It
// reports whether the sample must be added to the group's mean too: all are until the mean is
// known, then every 16th.
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
