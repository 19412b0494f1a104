package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// indexedScans is how many blocks a search by bounds scans before it gives up, and all
// blocks are scanned.
const indexedScans = 6

// searchIndexed searches a large tier for the best deployment by branch and bound. It scans
// the block with the lowest bound, sets the bound to the block's lowest key, and is done when
// no other bound is lower than the key that it found. None (-1) means that it found
// none, not that there is none: bounds only rank (protocol 3).
func (v *view) searchIndexed(t *tier, q *query) choice {
	bounds := v.bounds[q.at.Epoch&1][t.first:t.last]
	for range indexedScans {
		k1, k2 := order.LowestBounds(bounds)
		bound, next, j := k1>>order.IndexBits, k2>>order.IndexBits, int(k1&order.IndexMask)-t.first
		if bound == order.FullKey {
			break
		}
		at := -1
		if bound == next {
			r := v.e.random()
			if bound == 0 { // no key is lower than that of an unused deployment: any of those will do
				if i := t.from + int(r&(1<<32-1)*uint64(t.size())>>32); v.key(i, q.at) == 0 && v.fits(i, q) && q.allows(v, i) {
					return choice{i: i}
				}
			}
			if at = v.drawTied(t, q, k1, k2, r); at >= 0 {
				j = int(v.blockOf[at]) - t.first
			} else {
				j = tiedBlock(bounds, bound, r, j)
			}
		}
		b := t.first + j
		bl := &v.blocks[q.at.Epoch&1][b]
		seq := bl.Seq()
		c1, c2 := v.lowestUsable(b, q)
		least := c1 >> order.IndexBits
		bl.Raise(bound, least, seq)
		if c1 == order.NoKey || least > next || least == next && least > bound { // another block may have a key as low
			continue
		}
		i := int(v.starts[b]) + int(c1&order.IndexMask)
		switch {
		case at >= 0 && v.key(at, q.at) == least:
			i = at
		case c2>>order.IndexBits == least:
			i = v.drawEqual(b, b+1, q, least, i)
		}
		if v.fits(i, q) && q.allows(v, i) {
			return choice{i: i, second: c2 >> order.IndexBits, seq: seq}
		}
		break
	}
	return choice{i: -1}
}

// bestIndexed is best for a simple view that is not small, by searchIndexed. None: it searched and
// found none.
func (v *view) bestIndexed(epoch, tokens int64) (i int, none bool) {
	if tokens == 0 {
		return -1, false
	}
	i = v.searchIndexed(&v.tiers[0], &query{tokens: tokens, reading: reading{at: counter.At{Epoch: epoch}}}).i
	return i, i < 0
}

// acquireIndexed admits a plain demand to the deployment that searchIndexed finds. If it is not
// admitted, nothing was counted, and the caller searches in general. None: searchIndexed has searched
// and found none.
func (v *view) acquireIndexed(a *admission, d *Demand, epoch, now, tokens int64) (admitted, none bool) {
	if tokens == 0 || d.OutputTokens == 0 {
		return false, false
	}
	q := query{tokens: tokens, input: d.InputTokens, reading: reading{now: now, at: counter.At{Epoch: epoch}}}
	c := v.searchIndexed(&v.tiers[0], &q)
	if c.i < 0 {
		return false, true
	}
	invariants.Yield()
	return v.charge(a, c, &q) == counter.Taken, false
}

const (
	maxTied  = 64 // of more tied blocks one block is drawn first, by tiedBlock
	tiedTips = 64 // deployments that drawTied draws at most
)

// drawTied draws uniformly among the deployments of all tied blocks whose key is that of k1 and
// k2, the bounds of the first two, by rejection: it draws any deployment of these blocks until
// one has that key. -1: none was found, or there are too many blocks.
func (v *view) drawTied(t *tier, q *query, k1, k2, r uint64) int {
	k, second := k1>>order.IndexBits, int(k2&order.IndexMask)-t.first
	tied, n := [maxTied]uint16{uint16(int(k1&order.IndexMask) - t.first), uint16(second)}, uint64(2)
	bounds := v.bounds[q.at.Epoch&1][t.first:t.last]
	for j := second + 1; j < len(bounds); j++ { // without a branch that depends on usage, as in a scan
		tied[n&(maxTied-1)] = uint16(j)
		d := bounds[j].Load()>>order.IndexBits ^ k
		n += (d - 1) &^ d >> 63 // 1 if they are equal
	}
	if n > maxTied {
		return -1
	}
	for i := range tiedTips {
		m := order.Mix(r, i)
		b := t.first + int(tied[m*n>>32&(maxTied-1)])
		from, to := v.block(b)
		if at := from + int(order.Mix(^r, i)>>28); at < to && v.hasKey(at, q.at, k) {
			return at
		}
	}
	return -1
}

// tiedBlock draws one of the blocks whose bound is k; def if none has it any more.
func tiedBlock(bounds []atomic.Uint64, k, r uint64, def int) int {
	best := order.NoKey
	for j := range bounds {
		if bounds[j].Load()>>order.IndexBits == k {
			best = min(best, order.Mix(r, j)<<order.IndexBits|uint64(j))
		}
	}
	if best == order.NoKey {
		return def
	}
	return int(best & order.IndexMask)
}

// lowestUsable returns the two lowest keys, each with its index, among the deployments of a
// block that its bound has to cover: those with headroom for one token.
func (v *view) lowestUsable(b int, q *query) (k1, k2 uint64) {
	from, to := v.block(b)
	if !v.extraLimits {
		return v.lowest(from, to, q.at.Epoch, 1)
	}
	var keys [order.BlockSize]uint64
	v.keys(keys[:to-from], from, q.at, &amounts{counter.Tokens: 1, counter.Requests: 1, counter.Leases: 1}, true)
	return order.LowestKeys(keys[:to-from])
}

// raiseAfter raises the bound of a block after a charge. The block's lowest key is now that of
// the charged deployment, or the second lowest that the scan found.
func (v *view) raiseAfter(c choice, q *query) {
	b := &v.blocks[q.at.Epoch&1][v.blockOf[c.i]]
	b.Raise(b.Least(), min(c.second, v.key(c.i, q.at)), c.seq)
}
