package learn

import (
	"math"
	"sync/atomic"
)

// Quantile is a learned quantile of output tokens, in one word:
// [tokens, a float32][samples:32]. After the first samples it is their largest. From
// then on a sample above it raises it by p/16 of itself, and any other lowers it
// by (1-p)/16, so that it converges to where a share p of the samples is not above it
// (stochastic approximation: Robbins and Monro, 1951). The factor 1/16 applies to at least one
// token. The zero value has no samples.
type Quantile struct{ w atomic.Uint64 }

// step is the size of a step, as a part of the quantile.
const step = 1.0 / 16

// Learn adds a sample to the quantile p, from 0 to 1. As in a mean, a sample is lowered to
// outlier times the quantile, or times the expected output if that is larger.
func (q *Quantile) Learn(tokens, expected int64, p float64) {
	for {
		w := q.w.Load()
		n, v := w&math.MaxUint32, float64(math.Float32frombits(uint32(w>>32)))
		x := min(float64(min(tokens, largest)), outlier*max(v, float64(expected)))
		by := max(v, 1) * step
		switch {
		case n < known:
			v = max(v, x)
			n++
		case x > v:
			v += float64(by * p)
		default:
			v = max(v-float64(by*(1-p)), 0)
		}
		if q.w.CompareAndSwap(w, uint64(math.Float32bits(float32(min(v, float64(largest)))))<<32|n) {
			return
		}
	}
}

// Value returns the quantile in tokens, rounded up; -1 before it is known.
func (q *Quantile) Value() int64 {
	w := q.w.Load()
	if w&math.MaxUint32 < known {
		return -1
	}
	return int64(math.Ceil(float64(math.Float32frombits(uint32(w >> 32)))))
}
