package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// BucketOf returns the bucket of a deployment, from 0 to buckets-1, for stores that spread
// deployments over buckets: FNV-1a of its ID, modulo their number. A limit that its provider
// has reported ([window.LimitID]) is in the bucket of its deployment. All nodes must agree
// on the result, so the function never changes. It panics if buckets is not positive.
func BucketOf(id string, buckets int) int {
	if buckets == 1 {
		return 0
	}
	if _, _, of, ok := window.CutLimitID(id); ok {
		id = of
	}
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return int(h % uint64(buckets))
}
