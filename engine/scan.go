package engine

import (
	"math/bits"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// The scans return the two smallest key<<indexBits|index of the cells with room
// for one request of that many tokens, noKey where there is none. They have no
// branches that depend on usage: a branch that looks free on steady data costs
// several times as much on moving data.

func lowestTokens(cells []window.Cell, tokens int64) (k1, k2 uint64) {
	k1, k2 = noKey, noKey
	for i := range cells {
		invariants.Yield()
		used, short := cells[i].Look(tokens)
		k := uint64(used)<<indexBits | uint64(i) | uint64(short>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

func lowestUtil(cells []window.Cell, inv []inverse, tokens int64) (k1, k2 uint64) {
	k1, k2 = noKey, noKey
	inv = inv[:len(cells)]
	for i := range cells {
		invariants.Yield()
		used, requests, short := cells[i].LookBoth(tokens)
		k := utilKey(uint64(used), uint64(requests), inv[i])<<indexBits | uint64(i) | uint64(short>>63)
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// lowest scans cells [from, to) for a demand of which nothing but tokens counts.
func (f *frame) lowest(from, to int, tokens int64) (k1, k2 uint64) {
	if f.strategy == LowestTPM {
		return lowestTokens(f.cells[from:to], tokens)
	}
	return lowestUtil(f.cells[from:to], f.inverses[from:to], tokens)
}

// lowestOf scans the cells of a block that are in mask, for any demand.
func (f *frame) lowestOf(b int, q *ask, mask uint16) (k1, k2 uint64) {
	from, to := f.block(b)
	simple := !q.learn && !f.further && q.part == 0
	if simple && !f.failing.Load() && int(mask) == 1<<(to-from)-1 {
		return f.lowest(from, to, q.tokens)
	}
	k1, k2 = noKey, noKey
	for ; mask != 0; mask &= mask - 1 {
		invariants.Yield()
		j := bits.TrailingZeros16(mask)
		k := f.keyFor(from+j, q)<<indexBits | uint64(j)
		if simple {
			_, short := f.cells[from+j].Look(q.tokens)
			k |= uint64(short >> 63)
		} else if !f.fits(from+j, q) {
			continue
		}
		k2 = min(k2, max(k1, k))
		k1 = min(k1, k)
	}
	return k1, k2
}

// fits reports whether a demand fits in a cell now, its filter left aside.
func (f *frame) fits(i int, q *ask) bool {
	if q.part != 0 {
		return f.fitsIn(i, q)
	}
	h := f.handles[i]
	if f.meters != nil {
		return f.fitsMeters(i, q)
	}
	return f.cells[i].Fits(q.cost(h)) && (!f.limited || h.flight.live.Load() < h.flight.cap.Load())
}

// fitsMeters is fits, within the part of the demand's class, where there are
// meters.
func (f *frame) fitsMeters(i int, q *ask) bool {
	h, ms := f.handles[i], f.meters[i]
	if f.limited && h.flight.live.Load() >= q.part.Of(h.flight.cap.Load()) {
		return false
	}
	if ms == nil {
		return f.cells[i].FitsIn(f.partOf(i, q.part), q.cost(h))
	}
	a := &q.fixed
	if q.learn || ms.rated {
		on := q.amountsOn(h, ms)
		a = &on
	} else if a[dimRequests] == 0 {
		*a = q.amounts(q.tokens)
	}
	if !f.cells[i].FitsIn(f.partOf(i, q.part), a[dimTokens]) {
		return false
	}
	for k := range ms.list {
		if m := &ms.list[k]; !m.fits(q.part, q.at.now, a[m.dim]) {
			return false
		}
	}
	return true
}

// draw chooses uniformly among the cells of blocks [first, last) whose key is k
// and that fit; def if they have all moved meanwhile.
func (f *frame) draw(first, last int, q *ask, k uint64, def int) int {
	r, best := f.e.random(), noKey
	for b := first; b < last; b++ {
		if f.blocks[b].bound.Load() > k && f.prunes(q) {
			continue
		}
		mask := q.mask(f, b)
		from, to := f.block(b)
		for i := from; i < to; i++ {
			if f.keyFor(i, q) == k && mask>>(i-from)&1 != 0 && f.fits(i, q) {
				best = min(best, mix(r, i)<<32|uint64(i))
			}
		}
	}
	if best == noKey {
		return def
	}
	return int(best & (1<<32 - 1))
}

// prunes reports whether block bounds hold for the demand: they leave out cells
// that have no room for one token, in which a request of none may still fit.
func (q *ask) prunes() bool { return q.tokens > 0 }

// prunes is that for a frame: where usage goes away by itself bounds do not last.
func (f *frame) prunes(q *ask) bool { return q.prunes() && !f.volatile }
