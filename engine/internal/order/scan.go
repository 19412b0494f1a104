package order

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// The scans return the two lowest key<<IndexBits|index of the deployments on which one request
// of that many tokens fits, NoKey if there is none. They have no
// branches that depend on usage: a mispredicted branch costs several times as much as the
// comparison, and usage that changes cannot be predicted.
//
// The tokens are the first argument because a multiplication needs its register: the loop would
// move the pairs out of it and back for each pair.

// LowestTokens scans for the fewest tokens used.
func LowestTokens(tokens int64, pairs []*counter.Pair) (k1, k2 uint64) {
	k1, k2 = NoKey, NoKey
	for i, c := range pairs {
		invariants.Look()
		used, short := c.Look(tokens)
		k := uint64(used)<<IndexBits | uint64(i) | uint64(short>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// LowestUtil scans for the lowest utilization.
func LowestUtil(tokens int64, pairs []*counter.Pair, inv []Inverse) (k1, k2 uint64) {
	k1, k2 = NoKey, NoKey
	inv = inv[:len(pairs)]
	for i, c := range pairs {
		invariants.Look()
		used, requests, short := c.LookBoth(tokens)
		k := UtilKey(uint64(used), uint64(requests), inv[i])<<IndexBits | uint64(i) | uint64(short>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// LowestBounds returns the two lowest bounds. It compares even and odd ones separately, so
// that the two chains of comparisons run in parallel.
func LowestBounds(bounds []atomic.Uint64) (k1, k2 uint64) {
	k1, k2 = NoKey, NoKey
	o1, o2 := NoKey, NoKey
	for j := 1; j < len(bounds); j += 2 {
		k, o := bounds[j-1].Load(), bounds[j].Load()
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
		o2 = min(o2, max(o1, o))
		o1 = min(o1, o)
	}
	if n := len(bounds); n&1 != 0 {
		k := bounds[n-1].Load()
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return min(k1, o1), min(k2, o2, max(k1, o1))
}

// LowestKeys returns the two lowest key<<IndexBits|index of the keys.
func LowestKeys(keys []uint64) (k1, k2 uint64) {
	k1, k2 = NoKey, NoKey
	for i, k := range keys {
		k = k<<IndexBits | uint64(i) | uint64(int64(k)>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}
