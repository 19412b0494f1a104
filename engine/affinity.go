package engine

import (
	"math"
	"math/bits"
)

// rendezvous returns the hash of an affinity and a deployment's seed: the finalizer of
// MurmurHash3 over both. The deployment with the highest hash is preferred (rendezvous hashing:
// Thaler and Ravishankar, 1998), so that only affinities that prefer a deployment move
// when it is removed.
func rendezvous(affinity, seed uint64) uint64 {
	z := affinity ^ seed
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return z ^ z>>33
}

// distance returns -ln(u)/size, with u the hash as a number in (0, 1]: weighted rendezvous
// hashing (Schindelhauer and Schomaker, 2005). The deployment with the lowest distance is
// preferred, by a share of the affinities that is its share of all sizes.
func distance(rendezvous uint64, size float64) float64 {
	return -math.Log((float64(rendezvous>>11)+1)/(1<<53+1)) / size
}

// preferred returns the index of the deployment of a tier that the demand's affinity prefers
// among the candidates that are neither disabled nor cooling down; -1 if
// there is none. It does not compare the demand with limits.
func (v *view) preferred(t *tier, q *query) int {
	best, least, at := uint64(0), 0.0, -1
	for b := t.first; b < t.last; b++ {
		from := int(v.starts[b])
		for mask := q.mask(v, b); mask != 0; mask &= mask - 1 {
			i := from + bits.TrailingZeros16(mask)
			l, far := rendezvous(q.affinity, v.seeds[i]), 0.0
			if v.sizes != nil {
				far = distance(l, v.sizes[i])
			}
			if at < 0 || far < least || far == least && l > best {
				if gate, _ := v.pair(i, q).Caps(); gate >= 0 {
					best, least, at = l, far, i
				}
			}
		}
	}
	return at
}
