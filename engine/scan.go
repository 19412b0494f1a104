package engine

import (
	"math/bits"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// lowest returns the two lowest keys, each with its index, among the deployments [from, to) on
// whose pairs a demand of so many tokens fits.
func (v *view) lowest(from, to int, epoch, tokens int64) (k1, k2 uint64) {
	if v.by.key == byTokens {
		return order.LowestTokens(tokens, v.pairs[epoch&1][from:to])
	}
	return order.LowestUtil(tokens, v.pairs[epoch&1][from:to], v.inverses[from:to])
}

// best returns the index of the best deployment of a small view for a demand that names so
// many tokens and may use all caps; -1: none.
func (v *view) best(epoch, tokens int64) int {
	var k1, k2 uint64
	if v.by.key == byTokens {
		k1, k2 = order.LowestTokens(tokens, v.pairs[epoch&1])
	} else {
		k1, k2 = order.LowestUtil(tokens, v.pairs[epoch&1], v.inverses)
	}
	if k1>>order.IndexBits == k2>>order.IndexBits { // tied, or none
		return v.drawnPair(0, v.n, epoch, tokens, k1, k2)
	}
	return int(k1 & order.IndexMask)
}

// lowestOf returns the two lowest keys, each with its index in the block, among the deployments
// of block b that are in mask and on which the demand fits.
func (v *view) lowestOf(b int, q *query, mask uint16) (k1, k2 uint64) {
	from, to := v.block(b)
	simple := !q.learn && !v.extraLimits && q.part == 0
	if simple && !v.failing.Load() && int(mask) == 1<<(to-from)-1 {
		return v.lowest(from, to, q.at.Epoch, q.tokens)
	}
	k1, k2 = order.NoKey, order.NoKey
	for ; mask != 0; mask &= mask - 1 {
		invariants.Look()
		j := bits.TrailingZeros16(mask)
		k := v.key(from+j, q.at)<<order.IndexBits | uint64(j)
		if simple {
			_, short := v.pair(from+j, q).Look(q.tokens)
			k |= uint64(short >> 63)
		} else if !v.fits(from+j, q) {
			continue
		}
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// pair returns a deployment's half of the minute of a search.
func (v *view) pair(i int, q *query) *counter.Pair { return v.pairs[q.at.Epoch&1][i] }

// fits reports whether a demand fits under the limits of deployment i now. It ignores the
// demand's filter.
func (v *view) fits(i int, q *query) bool {
	if v.extraLimits && v.limits[i] != nil {
		return v.fitsLimits(i, q)
	}
	if q.part == 0 {
		_, short := v.pair(i, q).Look(q.cost(v.handles[i]))
		return short >= 0
	}
	h, pair := v.handles[i], v.pair(i, q)
	return pair.Fits(h.partNow(pair, q.part), q.cost(h))
}

// fitsLimits is fits for a deployment with limits beside the pair.
func (v *view) fitsLimits(i int, q *query) bool {
	h, ms := v.handles[i], v.limits[i]
	a := &q.fixed
	if q.learn || ms.rated {
		var on amounts
		q.countOn(&on, h, ms, q.part)
		a = &on
	} else if a[counter.Requests] == 0 {
		q.count(a, q.tokens)
	}
	if pair := v.pair(i, q); !pair.Fits(h.partNow(pair, q.part), a[counter.Tokens]) {
		return false
	}
	for k := range ms.list {
		if m := &ms.list[k]; !m.Fits(q.part, q.at, a[m.Dim]) {
			return false
		}
	}
	return true
}

// drawEqual chooses uniformly among the deployments of blocks [first, last) whose key is k
// and on which the demand fits; def if none has that key any more.
func (v *view) drawEqual(first, last int, q *query, k uint64, def int) int {
	q.drew = true
	r, best := v.e.random(), order.NoKey
	for b := first; b < last; b++ {
		if v.bounds[q.at.Epoch&1][b].Load()>>order.IndexBits > k && v.prunes(q) {
			continue
		}
		mask := q.mask(v, b)
		from, to := v.block(b)
		for i := from; i < to; i++ {
			m := order.Mix(r, i)<<32 | uint64(i)
			if m < best && mask>>(i-from)&1 != 0 && v.hasKey(i, q.at, k) && v.fits(i, q) {
				best = m
			}
		}
	}
	if best == order.NoKey {
		return def
	}
	return int(best & (1<<32 - 1))
}

// prunes reports whether blocks' bounds are valid for the demand. They exclude deployments
// without headroom for one token, on which a request of no tokens may still fit.
func (q *query) prunes() bool { return q.tokens > 0 }

// prunes reports whether blocks' bounds are valid for the demand in this view. They are not if
// usage expires by the clock alone.
func (v *view) prunes(q *query) bool { return q.prunes() && !v.timeDependent }
