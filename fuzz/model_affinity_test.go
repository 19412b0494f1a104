package fuzz

import (
	"hash/fnv"
	"math"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// preferred is the deployment that a demand's affinity prefers in the order of
// those that fit: of those in use the one with the highest hash, or by size where the
// deployments of the group differ in it. Nil: none.
func (m *model) preferred(g *mgroup, q engine.Demand, fit []*mdep, now int64) *mdep {
	if q.Affinity == 0 || len(fit) == 0 {
		return nil
	}
	var best *mdep
	for _, d := range m.candidates(g, q) {
		if d.cfg.Order != fit[0].cfg.Order || !d.enabled || d.cool > now {
			continue
		}
		if best == nil || m.prefers(g, q.Affinity, d, best) {
			best = d
		}
	}
	return best
}

// prefers reports whether an affinity prefers a to b.
func (m *model) prefers(g *mgroup, affinity uint64, a, b *mdep) bool {
	la, lb := likes(affinity, a.cfg.ID), likes(affinity, b.cfg.ID)
	for _, limit := range []func(engine.Limits) int64{
		func(l engine.Limits) int64 { return l.TPM }, func(l engine.Limits) int64 { return l.InputTPM }, func(l engine.Limits) int64 { return l.RPM },
	} {
		sizes := map[int64]bool{}
		for _, d := range m.members(g) {
			sizes[max(limit(d.cfg.Limits), 0)] = true
		}
		switch {
		case sizes[0]:
			continue
		case len(sizes) == 1:
			return la > lb
		}
		far := func(l uint64, d *mdep) float64 {
			return -math.Log((float64(l>>11)+1)/(1<<53+1)) / float64(limit(d.cfg.Limits))
		}
		return far(la, a) < far(lb, b)
	}
	return la > lb
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
