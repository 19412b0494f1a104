package fuzz

import (
	"hash/fnv"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// favourite is the deployment that a demand's affinity prefers in the order of
// those that fit: of those in use the one with the highest hash. Nil: none.
func (m *model) favourite(g *mgroup, q engine.Demand, fit []*mdep, now int64) *mdep {
	if q.Affinity == 0 || len(fit) == 0 {
		return nil
	}
	var best *mdep
	for _, d := range m.candidates(g, q) {
		if d.cfg.Order != fit[0].cfg.Order || !d.enabled || d.cool > now {
			continue
		}
		if best == nil || likes(q.Affinity, d.cfg.ID) > likes(q.Affinity, best.cfg.ID) {
			best = d
		}
	}
	return best
}

// likes is the 64-bit finalizer of MurmurHash3 over an affinity and the FNV-1a
// of an ID.
func likes(affinity uint64, id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	z := affinity ^ h.Sum64()
	z ^= z >> 33
	z *= 0xff51afd7ed558ccd
	z ^= z >> 33
	z *= 0xc4ceb9fe1a85ec53
	return z ^ z>>33
}
