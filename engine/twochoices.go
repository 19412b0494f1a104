package engine

const redraws = 4 // how often a candidate on which the demand does not fit is drawn again

// pickPowerOfTwo draws two distinct deployments of a tier on which the demand fits, and returns the one
// with the lower key (power of two choices). After redraws it returns the one that it has. -1:
// none.
func (v *view) pickPowerOfTwo(t *tier, q *query) int {
	n := uint64(t.size())
	first, kept := -1, uint64(0) // and its key
	for range 2 + redraws {
		r := v.e.random()
		i := t.from + int(r>>32*n>>32)
		if i == first {
			if n == 1 {
				return first
			}
			// Any other deployment, equally likely: an offset of 1 to n-1 from the first.
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
