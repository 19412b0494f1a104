package engine

import "slices"

// weighted draws a deployment of a tier, in proportion to its weight, among those on which the
// demand fits. -1: none.
func (v *view) weighted(t *tier, q *query) int {
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

// weightedAll is weighted by a scan of all deployments (reservoir sampling by weight).
func (v *view) weightedAll(t *tier, q *query) int {
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
			// Each deployment replaces the one drawn before with probability w/sum.
			if sum += w; at < 0 || v.e.uniform()*sum < w {
				at = i
			}
		}
	}
	return at
}
