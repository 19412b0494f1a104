package order

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// If all minutes of a group end at once, headroom that is spread evenly over the deployments is
// fragmented at their end, and large requests do not fit. The smaller deployments are therefore
// filled a little ahead (ADR 0045): they rank by used/(limit^(3/4) × largest^(1/4)), where
// largest is the largest limit of the group.

// Packing is the largest limits of a group that is packed. The zero value packs nothing: each
// deployment ranks by its own limits.
type Packing struct{ tokens, requests int64 }

// Add adds the caps of a deployment of the group.
func (p *Packing) Add(tokens, requests int64) {
	p.tokens, p.requests = max(p.tokens, limited(tokens)), max(p.requests, limited(requests))
}

// limited returns most, and 0 if that means no cap.
func limited(most int64) int64 {
	if most >= counter.Max {
		return 0
	}
	return most
}

// Inverse returns the inverses by which a deployment with these caps ranks.
func (p Packing) Inverse(tokens, requests int64) Inverse {
	return Inverse{Invert(towards(tokens, p.tokens)), Invert(towards(requests, p.requests))}
}

// towards returns limit^(3/4) × largest^(1/4), and limit if largest is not above it.
func towards(limit, largest int64) int64 {
	if limit <= 0 || limited(limit) == 0 || largest <= limit {
		return limit
	}
	return min(int64(float64(limit)*math.Sqrt(math.Sqrt(float64(largest)/float64(limit)))), largest)
}
