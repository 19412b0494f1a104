package engine

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

// countsLeases reports whether leases are counted.
func (ms *limits) countsLeases() bool { return ms != nil && ms.gauge != nil }
