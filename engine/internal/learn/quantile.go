package learn

import (
	"math"
	"sync/atomic"
)

// Quantile is a learned quantile of output tokens, in one word:
// [tokens, a float32][samples:32]. The first samples leave their largest; from
// then on a sample above raises it by p/16 of itself, one at or below lowers it
// by (1-p)/16, so that it rests where a share p of the samples is not above it
// (Robbins and Monro, 1951). A step is at least 1/16 of a token.
type Quantile struct{ w atomic.Uint64 }

// step is the size of a step, as a part of the quantile.
const step = 1.0 / 16

// Learn adds a sample to the quantile p. As in a mean, a sample counts as at most
// outlier times the quantile, or what the configuration assumes.
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
