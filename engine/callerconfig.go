package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

// Caller is a source of requests that has limits of its own: a tenant, or the holder of a token. A
// demand that names it as [Demand.Caller] is admitted only if it fits the limits of the caller
// and of a deployment. It is counted in both, or in neither.
type Caller struct {
	// ID is the key under which nodes share the caller's usage: unique among
	// callers, stable, not empty, any text. A deployment may have the same ID.
	ID string
	// Limits bound the caller's usage of all groups together. Priority classes do not
	// divide them: [Config.PriorityShare] applies to the limits of deployments only.
	Limits Limits
	// Profile is how the caller's requests count against its limits; the zero value is
	// the plain rule. It may have no Pool, LearnPhase or LearnShape.
	Profile provider.Profile
	// Groups are the names of the groups that the caller may use; an asterisk stands for
	// any text. Empty = all. Demands to other groups are refused with [ErrNoCandidate].
	Groups []string
}
