package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// assumedInFlight is the limit on leases that deployments are ranked by where no deployment
// of a group has one.
const assumedInFlight = 1000

// busyInverses returns the inverses of the limits on leases by which the deployments
// of a group are ranked.
func busyInverses(of []*handle) []uint64 {
	largest := int64(0)
	for _, h := range of {
		largest = max(largest, h.cfg.Limits.MaxInFlight)
	}
	if largest == 0 {
		largest = assumedInFlight
	}
	inv := make([]uint64, len(of))
	for i, h := range of {
		most := h.cfg.Limits.MaxInFlight
		if most <= 0 {
			most = largest
		}
		inv[i] = invert(most)
	}
	return inv
}

// lookLeases is look for a ranking by leases held. Every deployment counts
// them, with a limit or without.
func (v *view) lookLeases(i int, at counter.At, a *amounts) (key uint64, short int64) {
	_, short = v.lookTokens(i, at, a)
	held, _ := v.limits[i].gauge.LookOwned(at.Epoch, 0)
	tokens := v.pairs[at.Epoch&1][i].Tokens()
	return rank(v.failed(i, ratio(uint64(held), v.busy[i])), uint64(tokens)), short
}

// countsLeases reports whether leases are counted.
func (ms *limits) countsLeases() bool { return ms != nil && ms.gauge != nil }
