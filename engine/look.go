package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// look returns a deployment's ranking key and, in the sign of short, whether a
// request of these amounts does not fit (negative). It is the one place where the
// limits of a deployment become a rank.
func (v *view) look(i int, at counter.At, a *amounts) (key uint64, short int64) {
	if v.by.key != byUtilization {
		key, short = v.glance(i, at, a[counter.Tokens])
		return key, short | v.shortBeyond(i, at, a)
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

// shortBeyond returns, in its sign, whether a limit beside the pair has no room.
func (v *view) shortBeyond(i int, at counter.At, a *amounts) (short int64) {
	ms := v.limitsOf(i).of()
	for k := range ms {
		m := &ms[k]
		var s int64
		if m.timed {
			_, s = m.LookTimed(at.Now, a[m.dim])
		} else {
			_, s = m.LookOwned(at.Epoch, a[m.dim])
		}
		short |= s
	}
	return short
}

// key returns a deployment's ranking key.
func (v *view) key(i int, at counter.At) uint64 {
	if v.further && v.by.key != byTokens {
		k, _ := v.glance(i, at, 0)
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

// glance is look that asks only the pair whether that many tokens fit.
func (v *view) glance(i int, at counter.At, n int64) (key uint64, short int64) {
	inv := &v.inverses[i]
	tokens, requests, short := v.pairs[at.Epoch&1][i].LookBoth(n)
	most, ms := uint64(0), v.limitsOf(i)
	switch v.by.key {
	case byTokens:
		return v.failedTokens(i, uint64(tokens)), short
	case byLeases:
		held := ms.gauge.UsedOwned(at.Epoch)
		return rank(v.failed(i, ratio(uint64(held), v.busy[i])), uint64(tokens)), short
	case byUtilization:
	}
	if inv.tokens|inv.requests != 0 { // else other limits have these
		most = max(ratio(uint64(tokens), inv.tokens), ratio(uint64(requests), inv.requests))
	}
	if ms != nil {
		for k := range ms.list[:ms.ranked] {
			m := &ms.list[k]
			used := int64(0)
			if m.timed {
				used = m.UsedTimed(at.Now)
			} else {
				used = m.UsedOwned(at.Epoch)
			}
			most = max(most, ratio(uint64(used), m.inverse))
		}
	}
	if v.lapses {
		most = v.lapsed(i, at, min(most, ratioMax))
	}
	return rank(v.failed(i, most), uint64(tokens)), short
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
// for a demand that goes to any deployment. Where asking every limit is dear, the first by
// rank is tried before: mostly it has room in all of its limits.
func (v *view) scanLimits(t *tier, q *ask) int {
	var a amounts
	exact := v.least(&a, q)
	if v.by.key == byTokens && !v.failing.Load() {
		pairs := v.pairs[q.at.Epoch&1][t.from:t.to]
		k1, k2 := lowestTokens(pairs, a[counter.Tokens])
		if i := v.drawnTokens(pairs, a[counter.Tokens], k1, k2); i >= 0 && v.fits(t.from+i, q) {
			return t.from + i
		}
	}
	var found [indexFrom]uint64
	keys := found[:t.size()]
	if v.timed {
		k1, k2 := v.lowestBeyond(keys, t.from, q.at, &a, false)
		if i := v.drawnOf(keys, k1, k2); i >= 0 && v.fits(t.from+i, q) {
			return t.from + i
		}
	}
	k1, k2 := v.lowestBeyond(keys, t.from, q.at, &a, true)
	if i := v.drawnOf(keys, k1, k2); i >= 0 && (exact || v.fits(t.from+i, q)) {
		return t.from + i
	}
	return -1
}

// lowestBeyond is lowest where there are limits beside the pairs, of the deployments that
// begin with from; all says to ask these limits too. It keeps their keys.
func (v *view) lowestBeyond(keys []uint64, from int, at counter.At, a *amounts, all bool) (k1, k2 uint64) {
	k1, k2 = noKey, noKey
	for i := range keys {
		invariants.Look()
		var k uint64
		var short int64
		if all {
			k, short = v.look(from+i, at, a)
		} else {
			k, short = v.glance(from+i, at, a[counter.Tokens])
		}
		k = k<<indexBits | uint64(i) | uint64(short>>63)
		keys[i] = k
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// drawnOf is drawn among the deployments whose keys a scan has kept.
func (v *view) drawnOf(keys []uint64, k1, k2 uint64) int {
	if k1 == noKey || k1>>indexBits != k2>>indexBits {
		return drawnOne(k1)
	}
	r, best := v.e.random(), noKey
	for i, k := range keys {
		if k>>indexBits == k1>>indexBits {
			best = min(best, mix(r, i)<<32|uint64(i))
		}
	}
	return int(best & (1<<32 - 1))
}

// drawnTokens is drawn among what lowestTokens has scanned.
func (v *view) drawnTokens(pairs []*counter.Pair, tokens int64, k1, k2 uint64) int {
	if k1 == noKey || k1>>indexBits != k2>>indexBits {
		return drawnOne(k1)
	}
	r, best := v.e.random(), noKey
	for i, c := range pairs {
		if used, short := c.Look(tokens); short >= 0 && uint64(used) == k1>>indexBits {
			best = min(best, mix(r, i)<<32|uint64(i))
		}
	}
	if best == noKey { // they have all moved meanwhile
		return drawnOne(k1)
	}
	return int(best & (1<<32 - 1))
}

// drawnOne returns the index of a key; -1 of none.
func drawnOne(k uint64) int {
	if k == noKey {
		return -1
	}
	return int(k & indexMask)
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

// scanFurther is scanLimits over any number of deployments, for any demand: it looks at
// them in blocks.
func (v *view) scanFurther(t *tier, q *ask) int {
	var a amounts
	exact := v.least(&a, q)
	if v.by.key == byTokens || v.timed {
		if i := v.scanBlocks(t, q, &a, false); i >= 0 && v.fits(i, q) {
			return i
		}
	}
	if i := v.scanBlocks(t, q, &a, true); i >= 0 && (exact || v.fits(i, q)) {
		return i
	}
	return -1
}

// scanBlocks is lowestBeyond and drawn over blocks.
func (v *view) scanBlocks(t *tier, q *ask, a *amounts, all bool) int {
	d := draw{e: v.e, key: noKey, at: -1}
	for b := t.first; b < t.last; b++ {
		from, to := v.block(b)
		mask := q.mask(v, b)
		var keys [blockSize]uint64
		k1, k2 := noKey, noKey
		for i := from; i < to; i++ {
			j := (i - from) & (blockSize - 1)
			invariants.Look()
			var k uint64
			var short int64
			if all {
				k, short = v.look(i, q.at, a)
			} else {
				k, short = v.glance(i, q.at, a[counter.Tokens])
			}
			k |= uint64(short>>63) | (uint64(mask>>j&1) - 1)
			keys[j] = k
			k2 = min(k2, max(k1, k))
			k1 = min(k1, k)
		}
		if k1 <= d.key && k1 != noKey {
			d.block(from, keys[:to-from], k1, k1 == k2)
		}
	}
	return d.at
}

// draw draws uniformly among the cells with the least key, while blocks are
// looked at one after the other.
type draw struct {
	e     *common
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
