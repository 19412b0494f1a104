package order

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// Where all minutes of a group end at once, room that is spread evenly over the
// deployments is in pieces at their end, and large requests find none. The smaller
// deployments are filled a little ahead there: usage ranks as a share of a limit that lies
// a quarter of the way, by ratio, from the deployment's own to the largest of the group.

// Packing is the largest limits of a group whose usage ranks that way; 0 = by its own.
type Packing struct{ tokens, requests int64 }

// Add takes in the caps of a deployment of the group.
func (p *Packing) Add(tokens, requests int64) {
	p.tokens, p.requests = max(p.tokens, limited(tokens)), max(p.requests, limited(requests))
}

// limited returns a cap, 0 if it is none.
func limited(most int64) int64 {
	if most >= counter.Max {
		return 0
	}
	return most
}

// Inverse returns by what the usage of a deployment with these limits ranks.
func (p Packing) Inverse(tokens, requests int64) Inverse {
	return Inverse{Invert(towards(tokens, p.tokens)), Invert(towards(requests, p.requests))}
}

// towards returns the limit that lies a quarter of the way to another, which is larger.
func towards(limit, largest int64) int64 {
	if limit <= 0 || limited(limit) == 0 || largest <= limit {
		return limit
	}
	return min(int64(float64(limit)*math.Sqrt(math.Sqrt(float64(largest)/float64(limit)))), largest)
}
