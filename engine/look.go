package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// look returns a deployment's ranking key and, in the sign of short, whether a
// request of these amounts does not fit (negative). It is the one place where the
// limits of a deployment become a rank.
func (v *view) look(i int, at counter.At, a *amounts) (key uint64, short int64) {
	switch v.by.key {
	case byLeases:
		return v.lookLeases(i, at, a)
	case byTokens:
		return v.lookTokens(i, at, a)
	case byUtilization:
	}
	inv := &v.inverses[i]
	tokens, requests, short := v.pairs[at.Epoch&1][i].LookBoth(a[counter.Tokens])
	most := uint64(0)
	if inv.tokens|inv.requests != 0 { // else other limits have these
		most = max(ratio(uint64(tokens), inv.tokens), ratio(uint64(requests), inv.requests))
	}
	if ms := v.limitsOf(i); ms != nil {
		for k := range ms.list {
			m := &ms.list[k]
			var used, s int64
			if m.timed {
				used, s = m.LookTimed(at.Now, a[m.dim])
			} else {
				used, s = m.LookOwned(at.Epoch, a[m.dim])
			}
			most, short = max(most, ratio(uint64(used), m.inverse)), short|s
		}
	}
	if v.lapses {
		most = v.lapsed(i, at, min(most, ratioMax))
	}
	return rank(v.failed(i, most), uint64(tokens)), short
}

// lookTokens is look for a ranking by tokens alone.
func (v *view) lookTokens(i int, at counter.At, a *amounts) (key uint64, short int64) {
	tokens, short := v.pairs[at.Epoch&1][i].Look(a[counter.Tokens])
	if ms := v.limitsOf(i); ms != nil {
		for k := range ms.list {
			m := &ms.list[k]
			var s int64
			if m.timed {
				_, s = m.LookTimed(at.Now, a[m.dim])
			} else {
				_, s = m.LookOwned(at.Epoch, a[m.dim])
			}
			short |= s
		}
	}
	return v.failedTokens(i, uint64(tokens)), short
}

// key returns a deployment's ranking key.
func (v *view) key(i int, at counter.At) uint64 {
	if v.further {
		k, _ := v.look(i, at, &amounts{})
		return k
	}
	c := v.pairs[at.Epoch&1][i]
	if v.by.key == byTokens {
		return v.failedTokens(i, uint64(c.Tokens()))
	}
	k := utilKey(uint64(c.Tokens()), uint64(c.Requests()), v.inverses[i])
	if v.failing.Load() {
		k = rank(v.failed(i, k>>keyTokenBits), k&keyTokenMax)
	}
	return k
}

// least fills in what a demand counts at least on any deployment; exact says that
// it counts just that on all of them.
func (v *view) least(a *amounts, q *ask) (exact bool) {
	exact = !q.learn && q.part == 0
	switch {
	case !v.rated || q.known:
		q.count(a, q.tokens)
	case v.rates != nil:
		*a = v.rates.admitted(q.input, q.tokens-q.input, q.limit)
	default:
		*a, exact = amounts{counter.Requests: 1}, false
	}
	return exact
}

// scanLimits is scan where there are limits beside the pairs, over a small tier and
// for a demand that goes to any deployment.
func (v *view) scanLimits(t *tier, q *ask) int {
	var a amounts
	exact := v.least(&a, q)
	if v.by.key == byTokens && !v.failing.Load() {
		if i := v.leastUsed(t, q, a[counter.Tokens]); i >= 0 && v.fits(i, q) {
			return i
		}
	}
	k1, k2 := noKey, noKey
	for i := t.from; i < t.to; i++ {
		invariants.Look()
		k, short := v.look(i, q.at, &a)
		k = k<<indexBits | uint64(i-t.from) | uint64(short>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	if i := v.drawn(t, q, k1, k2); i >= 0 && (exact || v.fits(i, q)) {
		return i
	}
	return -1
}

// leastUsed returns the deployment of a small tier that is ranked first by its tokens among
// those whose pair has room: mostly its other limits, which cost more to look at, have room
// too. -1: none.
func (v *view) leastUsed(t *tier, q *ask, tokens int64) int {
	k1, k2 := lowestTokens(v.pairs[q.at.Epoch&1][t.from:t.to], tokens)
	return v.drawn(t, q, k1, k2)
}

// drawn returns the deployment of a tier that a scan has found, one of several if they are
// tied; -1: none.
func (v *view) drawn(t *tier, q *ask, k1, k2 uint64) int {
	if k1 == noKey {
		return -1
	}
	i := t.from + int(k1&indexMask)
	if k1>>indexBits == k2>>indexBits {
		return v.draw(t.first, t.last, q, k1>>indexBits, i)
	}
	return i
}

// scanFurther is scan where there are limits that cells do not know, over any
// number of cells: it looks at each once, by the least that the demand may count.
func (v *view) scanFurther(t *tier, q *ask) int {
	var a amounts
	exact := v.least(&a, q)
	d := draw{e: v.e, key: noKey, at: -1}
	for b := t.first; b < t.last; b++ {
		from, to := v.block(b)
		mask := q.mask(v, b)
		var keys [blockSize]uint64
		k1, k2 := noKey, noKey
		for i := from; i < to; i++ {
			j := (i - from) & (blockSize - 1)
			invariants.Look()
			k, short := v.look(i, q.at, &a)
			k |= uint64(short>>63) | (uint64(mask>>j&1) - 1)
			keys[j] = k
			k2 = min(k2, max(k1, k))
			k1 = min(k1, k)
		}
		if k1 <= d.key && k1 != noKey {
			d.block(from, keys[:to-from], k1, k1 == k2)
		}
	}
	if d.at >= 0 && (exact || v.fits(d.at, q)) {
		return d.at
	}
	return -1
}

// draw draws uniformly among the cells with the least key, while blocks are
// looked at one after the other.
type draw struct {
	e     *Engine
	key   uint64
	at    int // -1: none yet
	r     uint64
	drawn bool
}

// block takes in a block whose least key is k, which none so far is less than;
// tied says that several of its cells have it.
func (d *draw) block(from int, keys []uint64, k uint64, tied bool) {
	if k == d.key {
		tied = true
	} else {
		d.key, d.at = k, -1
	}
	if tied && !d.drawn {
		d.r, d.drawn = d.e.random(), true
	}
	best := noKey
	if d.at >= 0 {
		best = mix(d.r, d.at)<<32 | uint64(d.at)
	}
	for j, o := range keys {
		if o == k {
			best = min(best, mix(d.r, from+j)<<32|uint64(from+j))
		}
	}
	d.at = int(best & (1<<32 - 1))
}
