package engine

import (
	"math"
	"math/bits"
)

// rendezvous is how much an affinity likes a deployment: the finalizer of
// MurmurHash3 over both. The highest wins (rendezvous hashing: Thaler and
// Ravishankar, 1998), so that a deployment that goes away takes only those with
// it that liked it best.
func rendezvous(affinity, seed uint64) uint64 {
	z := affinity ^ seed
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return z ^ z>>33
}

// distance is how far a rendezvous is from the most there can be, by the size of the deployment:
// weighted rendezvous hashing (Schindelhauer and Schomaker, 2005). The lowest wins, and
// each deployment wins as often as its size is of all.
func distance(rendezvous uint64, size float64) float64 {
	return -math.Log((float64(rendezvous>>11)+1)/(1<<53+1)) / size
}

// favourite returns the cell of a tier that the demand's affinity likes best
// among those it may go to that are neither disabled nor cooling down; -1 if
// there is none. It does not look at the room.
func (v *view) favourite(t *tier, q *ask) int {
	best, least, at := uint64(0), math.Inf(1), -1
	for b := t.first; b < t.last; b++ {
		from := int(v.starts[b])
		for mask := q.mask(v, b); mask != 0; mask &= mask - 1 {
			i := from + bits.TrailingZeros16(mask)
			l := rendezvous(q.affinity, v.seeds[i])
			if v.sizes != nil {
				if far := distance(l, v.sizes[i]); far < least || at < 0 {
					if gate, _ := v.pair(i, q).Caps(); gate >= 0 {
						least, at = far, i
					}
				}
				continue
			}
			if l > best || at < 0 {
				if gate, _ := v.pair(i, q).Caps(); gate >= 0 {
					best, at = l, i
				}
			}
		}
	}
	return at
}
