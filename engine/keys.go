package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// key returns the ranking key of deployment i; the lowest key is chosen.
func (v *view) key(i int, at counter.At) uint64 {
	c := v.pairs[at.Epoch&1][i]
	tokens := uint64(c.Tokens())
	if v.by.key == byTokens {
		return v.failedTokens(i, tokens)
	}
	most := max(order.Ratio(tokens, v.inverses[i].Tokens), order.Ratio(uint64(c.Requests()), v.inverses[i].Requests))
	for k := range v.columns {
		if c := &v.columns[k]; c.ranks && c.limits[i] != nil {
			most = max(most, order.Ratio(uint64(c.used(c.limits[i], at)), c.inverses[i]))
		}
	}
	if v.lapses || v.failing.Load() {
		most = v.weighed(i, at, most)
	}
	return order.Rank(most, tokens)
}

// hasKey reports whether deployment i has the ranking key k. Mostly its tokens alone show that
// it has not.
func (v *view) hasKey(i int, at counter.At, k uint64) bool {
	return (v.by.key == byTokens || min(uint64(v.pairs[at.Epoch&1][i].Tokens()), order.KeyTokenMax) == k&order.KeyTokenMax) && v.key(i, at) == k
}

// keys fills in the ranking keys of the deployments from index from on, order.NoKey for those
// on which a request of these amounts does not fit. It is the one place where the limits of
// deployments become a rank. Unless all is set, only the pairs decide whether the request fits.
func (v *view) keys(to []uint64, from int, at counter.At, a *amounts, all bool) {
	switch {
	case all:
		v.ratios(to, from, at, a)
	case v.by.key != byTokens:
		v.ratios(to, from, at, nil)
	default:
		clear(to)
	}
	tokens, weighed := v.by.key == byTokens, v.lapses || v.failing.Load()
	for i, c := range v.pairs[at.Epoch&1][from:][:len(to)] {
		invariants.Look()
		used, short := c.Look(a[counter.Tokens])
		ratio, k := to[i], uint64(used)
		switch {
		case !tokens && !weighed:
			k = order.Rank(ratio, k)
		case !tokens:
			k = order.Rank(v.weighed(from+i, at, ratio&^lacks), k)
		case weighed:
			k = v.failedTokens(from+i, k)
		}
		to[i] = k | uint64((short|int64(ratio))>>63)
	}
}

// lacks is the sign bit of a ratio: the amounts do not fit under some limit.
const lacks = 1 << 63

// ratios fills in the utilization of the deployments from index from on: for each the largest
// ratio of usage to limit over its limits. With amounts, the sign bit is set for deployments
// on which these do not fit under a limit beside the pair.
func (v *view) ratios(to []uint64, from int, at counter.At, a *amounts) {
	pairs, inv := v.pairs[at.Epoch&1][from:][:len(to)], v.inverses[from:][:len(to)]
	if v.unlimited {
		clear(to)
	} else {
		for i, c := range pairs {
			to[i] = max(order.Ratio(uint64(c.Tokens()), inv[i].Tokens), order.Ratio(uint64(c.Requests()), inv[i].Requests))
		}
	}
	for k := range v.columns {
		if c := &v.columns[k]; a != nil || c.ranks {
			c.add(to, from, at, a)
		}
	}
}

// weighed returns the ratio by which a deployment of this utilization ranks, if minutes end at
// different times or calls fail (lapse.go, failing.go).
func (v *view) weighed(i int, at counter.At, ratio uint64) uint64 {
	ratio = min(ratio, order.RatioMax)
	if v.lapses {
		ratio = v.lapsed(i, at, ratio)
	}
	return v.failed(i, ratio)
}

// least fills in the least that a demand counts on any deployment. Exact reports that it counts
// the same on all of them.
func (v *view) least(a *amounts, q *query) (exact bool) {
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

// scan returns the best deployment of a tier for any demand, whatever the tier's size; -1:
// none. Comparing with every limit is expensive, so the deployment that ranks first by its pair
// is tried before: mostly it ranks first by all limits too, and the demand fits under them.
func (v *view) scan(t *tier, q *query) int {
	var a amounts
	exact := v.least(&a, q)
	whole, tried := q.filter == nil && t.size() <= order.IndexFrom && !v.failing.Load(), q.unfit && v.extraLimits && t.from == 0
	if whole && v.byPairs && !tried && v.misses.Load() < q.now>>20<<6|missesMost {
		k1, k2 := v.lowest(t.from, t.to, q.at.Epoch, a[counter.Tokens])
		if tried = v.ranksFirst(t.from, q.at, k1, k2); tried {
			i := v.drawnPair(t.from, t.to, q.at.Epoch, a[counter.Tokens], k1, k2)
			if i >= 0 && (exact && !v.extraLimits || v.firstFits(t, t.from+i, q)) {
				return t.from + i
			}
		}
		if !v.extraLimits || k1 == order.NoKey {
			return -1
		}
		v.missed(q)
	}
	if !tried && (v.timed || v.extraLimits && !whole && v.by.key == byTokens) {
		if i := v.scanBlocks(t, q, &a, false); i >= 0 && v.firstFits(t, i, q) {
			return i
		}
	}
	if i := v.scanBlocks(t, q, &a, true); i >= 0 && (exact || v.fits(i, q)) {
		return i
	}
	return -1
}

// ranksFirst reports whether the lowest key of a scan of pairs, k1, remains the lowest if all
// limits are compared. A limit beside a pair only raises a key by utilization. K2 is the
// second lowest; both have their index beyond from. Of equals a scan of all limits draws one.
func (v *view) ranksFirst(from int, at counter.At, k1, k2 uint64) bool {
	return !v.extraLimits || v.by.key == byTokens ||
		k1>>order.IndexBits != k2>>order.IndexBits && v.key(from+int(k1&order.IndexMask), at) < k2>>order.IndexBits
}

// missesMost is how often in 2^20 ns the first by its pair may not be the best deployment, because
// of a limit beside the pair. Until those are over, the requests that follow compare with all
// limits at once.
const missesMost = 1<<6 - 1

// missed counts such a miss.
func (v *view) missed(q *query) { v.misses.Store(max(v.misses.Load(), q.now>>20<<6) + 1) }

// firstFits is fits for the first by rank. It leaves that to an admission that follows, which
// then need not ask twice.
func (v *view) firstFits(t *tier, i int, q *query) bool {
	q.unsure = q.eager && t.from == 0 && v.limitsOf(i) != nil
	return q.unsure || v.fits(i, q)
}

// drawnPair returns the choice among the pairs [from, to) whose two lowest keys, with their
// indexes, are k1 and k2: the lowest, or one drawn at random if several have that key. The
// result is an index from 0; -1: the demand fits on none.
func (v *view) drawnPair(from, to int, epoch, tokens int64, k1, k2 uint64) int {
	key := k1 >> order.IndexBits
	if k1 == order.NoKey {
		return -1
	}
	if key == k2>>order.IndexBits {
		r, best := v.e.random(), order.NoKey
		inv := v.inverses[from:to]
		for i, c := range v.pairs[epoch&1][from:to] {
			used, requests, short := c.LookBoth(tokens)
			k := uint64(used)
			if v.by.key != byTokens {
				k = order.UtilKey(k, uint64(requests), inv[i])
			}
			best = min(best, order.Mix(r, i)<<32|uint64(i)|order.Differ(k, key)|uint64(short>>63))
		}
		if best != order.NoKey { // else they have all moved since the scan
			return int(best & (1<<32 - 1))
		}
	}
	return int(k1 & order.IndexMask)
}

// scanBlocks returns the deployment with the lowest key, scanning block by block, and one drawn
// at random if several have that key; -1: none.
func (v *view) scanBlocks(t *tier, q *query, a *amounts, all bool) int {
	d := tieDraw{e: v.e, key: order.NoKey, at: -1}
	for b := t.first; b < t.last; b++ {
		from, to := v.block(b)
		var found [order.BlockSize]uint64
		keys := found[:to-from]
		v.keys(keys, from, q.at, a, all)
		if q.filter != nil {
			for mask, i := q.mask(v, b), 0; i < len(keys); i++ {
				keys[i] |= uint64(mask>>i&1) - 1
			}
		}
		if k1, k2 := order.LowestKeys(keys); k1>>order.IndexBits <= d.key && k1 != order.NoKey {
			d.block(from, keys, k1, k1>>order.IndexBits == k2>>order.IndexBits)
		}
	}
	q.drew = q.drew || d.drawn
	return d.at
}

// tieDraw draws uniformly among the deployments with the lowest key, while blocks are
// scanned one after the other.
type tieDraw struct {
	e     *common
	key   uint64 // the lowest so far
	at    int    // the deployment drawn so far; -1: none yet
	r     uint64 // the random number of this draw
	drawn bool   // r is set
}

// block adds a block to the draw. K1 is its lowest key with its index, and is not above the
// lowest key so far. If tied is set, several deployments of the block have that key.
func (d *tieDraw) block(from int, keys []uint64, k1 uint64, tied bool) {
	k := k1 >> order.IndexBits
	if k != d.key {
		d.key, d.at = k, -1
		if !tied {
			d.at = from + int(k1&order.IndexMask)
			return
		}
	}
	if !d.drawn {
		d.r, d.drawn = d.e.random(), true
	}
	best := order.NoKey
	if d.at >= 0 {
		best = order.Mix(d.r, d.at)<<32 | uint64(d.at)
	}
	for j, o := range keys {
		best = min(best, order.Mix(d.r, from+j)<<32|uint64(from+j)|order.Differ(o, k))
	}
	d.at = int(best & (1<<32 - 1))
}
