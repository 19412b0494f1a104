package engine

import (
	"hash/fnv"
	"math/bits"
)

// seedOf returns what stands for a deployment in the choice of a favourite:
// 64-bit FNV-1a of its ID.
func seedOf(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64()
}

// liking is how much an affinity likes a deployment: the finalizer of
// MurmurHash3 over both. The highest wins (rendezvous hashing: Thaler and
// Ravishankar, 1998), so that a deployment that goes away takes only those with
// it that liked it best.
func liking(affinity, seed uint64) uint64 {
	z := affinity ^ seed
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return z ^ z>>33
}

// favourite returns the cell of a tier that the demand's affinity likes best
// among those it may go to that are neither disabled nor cooling down; -1 if
// there is none. It does not look at the room.
func (f *frame) favourite(t *tier, q *ask) int {
	best, at := uint64(0), -1
	for b := t.first; b < t.last; b++ {
		from := int(f.starts[b])
		for mask := q.mask(f, b); mask != 0; mask &= mask - 1 {
			i := from + bits.TrailingZeros16(mask)
			if l := liking(q.affinity, f.seeds[i]); l > best || at < 0 {
				if gate, _ := f.cells[i].Caps(); gate >= 0 {
					best, at = l, i
				}
			}
		}
	}
	return at
}
