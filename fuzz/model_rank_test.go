package fuzz

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// ratioSlack is how far two utilizations may be apart and still rank as equal.
const ratioSlack = 1.0 / (1 << 22)

// least are the elements that no other is less than.
func least(ds []*mdep, less func(a, b *mdep) bool) []*mdep {
	var best []*mdep
next:
	for _, a := range ds {
		for _, b := range ds {
			if less(b, a) {
				continue next
			}
		}
		best = append(best, a)
	}
	return best
}

// utilization is the largest of used/limit over the limits that are set. A
// blocked one with nothing used counts 0: nothing is used of nothing.
func (d *mdep) utilization() float64 {
	u := d.now()
	most := max(share(u.allTokens(), d.cfg.Limits.TPM), share(u.allRequests(), d.cfg.Limits.RPM),
		share(d.inFlight(), d.cfg.Limits.MaxInFlight))
	for _, m := range d.meters {
		most = max(most, share(d.metered(m.kind.limit)))
	}
	return most
}

func share(used, limit int64) float64 {
	switch {
	case limit > 0:
		return float64(used) / float64(limit)
	case limit == engine.Blocked && used > 0:
		return math.Inf(1)
	}
	return 0
}

// lessUtilized reports whether a must be taken before b: its utilization is
// clearly lower, or theirs are the same and it has fewer tokens. From 2^28
// tokens on all rank alike.
func lessUtilized(a, b *mdep) bool {
	ua, ub := a.utilization(), b.utilization()
	if ua == ub && a.cfg.Limits == b.cfg.Limits {
		return a.now().allTokens() < min(b.now().allTokens(), 1<<28-1)
	}
	return ua < ub-max(ratioSlack, ratioSlack*ub)
}

// lessBusy returns whether one deployment of a group must be taken before another under
// LeastBusy: its share of the limit on leases is clearly lower, or theirs are the same
// and it has fewer tokens. Without a limit the group's largest is assumed, or 1000.
func (m *model) lessBusy(g *mgroup) func(a, b *mdep) bool {
	largest := int64(0)
	for _, d := range m.members(g) {
		largest = max(largest, d.cfg.Limits.MaxInFlight)
	}
	if largest == 0 {
		largest = 1000
	}
	limit := func(d *mdep) int64 {
		if d.cfg.Limits.MaxInFlight > 0 {
			return d.cfg.Limits.MaxInFlight
		}
		return largest
	}
	return func(a, b *mdep) bool {
		ua, ub := share(a.inFlight(), limit(a)), share(b.inFlight(), limit(b))
		if ua == ub && limit(a) == limit(b) {
			return a.now().allTokens() < min(b.now().allTokens(), 1<<28-1)
		}
		return ua < ub-max(ratioSlack, ratioSlack*ub)
	}
}
