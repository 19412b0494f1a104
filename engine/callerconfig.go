package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

// Caller makes requests under limits of its own: a tenant, or the holder of a token. A
// demand that names it as [Demand.Caller] is admitted only if it fits the caller's limits
// and a deployment's: it is counted in both, or in neither.
type Caller struct {
	// ID is the key under which nodes share what the caller has used: unique among
	// callers, stable, not empty, any text. A deployment may have the same ID.
	ID string
	// Limits are what the caller may use, of all groups together. Priority classes do not
	// share them: [Config.PriorityShare] divides the limits of deployments only.
	Limits Limits
	// Profile is how the caller's requests count against its limits; the zero value is
	// the plain rule. It may have neither a Pool nor LearnPhase.
	Profile provider.Profile
	// Groups are the names of the groups that the caller may ask; an asterisk stands for
	// any text. Empty = all. Other groups refuse it with [ErrNoCandidate].
	Groups []string
}
