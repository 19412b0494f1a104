package engine

import "slices"

const redraws = 4 // of a candidate that has no room

// better draws two distinct cells of a tier and returns the one with the lower
// key among those that fit; a cell that does not fit is drawn again. -1: none.
func (v *view) better(t *tier, q *ask) int {
	n := uint64(t.size())
	first := -1
	var kept uint64 // key of first
	for range 2 + redraws {
		r := v.e.random()
		i := t.from + int(r>>32*n>>32)
		if i == first {
			if n == 1 {
				return first
			}
			// The next ones are as likely as any: shift by 1 to n-1.
			i = t.from + (i-t.from+1+int(r&(1<<32-1)*(n-1)>>32))%int(n)
		}
		if !v.fits(i, q) || !q.allows(v, i) {
			continue
		}
		k := v.key(i, q.at)
		if first < 0 {
			first, kept = i, k
			continue
		}
		if k < kept || k == kept && r&1 == 0 {
			return i
		}
		return first
	}
	return first
}

// weighted draws a cell of a tier in proportion to its weight among those that
// fit. -1: none.
func (v *view) weighted(t *tier, q *ask) int {
	if !q.tagged() {
		w := v.weights[t.from:t.to]
		for range redraws {
			i, _ := slices.BinarySearch(w, v.e.uniform()*t.weight)
			if i < len(w) && v.fits(t.from+i, q) && q.allows(v, t.from+i) {
				return t.from + i
			}
		}
	}
	return v.weightedAll(t, q)
}

// weightedAll is weighted by looking at every cell.
func (v *view) weightedAll(t *tier, q *ask) int {
	at, sum := -1, 0.0
	for b := t.first; b < t.last; b++ {
		mask := q.mask(v, b)
		from, to := v.block(b)
		for i := from; i < to; i++ {
			if mask>>(i-from)&1 == 0 || !v.fits(i, q) {
				continue
			}
			w := v.weights[i]
			if i > t.from {
				w -= v.weights[i-1]
			}
			// Each in turn replaces the one before with probability w/sum.
			if sum += w; at < 0 || v.e.uniform()*sum < w {
				at = i
			}
		}
	}
	return at
}
