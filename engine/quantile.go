package engine

import (
	"math"
	"sync/atomic"
)

// quantile is a learned quantile of output tokens, in one word:
// [tokens, a float32][samples:32]. The first samples leave their largest; from
// then on a sample above raises it by p/16 of itself, one at or below lowers it
// by (1-p)/16, so that it rests where a share p of the samples is not above it
// (Robbins and Monro, 1951). A step is at least 1/16 of a token.
type quantile struct{ w atomic.Uint64 }

// quantileStep is the size of a step, as a part of the quantile.
const quantileStep = 1.0 / 16

// learn adds a sample to the quantile p. As in a mean, a sample counts as at most
// meanOutlier times the quantile, or what the configuration assumes.
func (q *quantile) learn(tokens, expected int64, p float64) {
	for {
		w := q.w.Load()
		n, v := w&math.MaxUint32, float64(math.Float32frombits(uint32(w>>32)))
		x := min(float64(min(tokens, meanLargest)), meanOutlier*max(v, float64(expected)))
		step := max(v, 1) * quantileStep
		switch {
		case n < meanKnown:
			v = max(v, x)
			n++
		case x > v:
			v += float64(step * p)
		default:
			v = max(v-float64(step*(1-p)), 0)
		}
		if q.w.CompareAndSwap(w, uint64(math.Float32bits(float32(min(v, float64(meanLargest)))))<<32|n) {
			return
		}
	}
}

// value returns the quantile in tokens, rounded up; -1 before it is known.
func (q *quantile) value() int64 {
	w := q.w.Load()
	if w&math.MaxUint32 < meanKnown {
		return -1
	}
	return int64(math.Ceil(float64(math.Float32frombits(uint32(w >> 32)))))
}

// high returns the quantile that the configuration asks for; 0 = the mean.
func (e *Engine) high() float64 { return math.Float64frombits(e.quantile.Load()) }

// expected returns the group's learned output, in tokens; -1 if unknown.
func (g *Group) expected() int64 {
	if g.e.quantile.Load() != 0 {
		return g.quantile.value()
	}
	return g.mean.value()
}

// learned is expected of a deployment.
func (h *handle) learned() int64 {
	if h.e.quantile.Load() != 0 {
		return h.quantile.value()
	}
	return h.mean.value()
}
