package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

var (
	// ErrLimited means that every candidate is at a limit, cooling down or
	// disabled. The error is a [*LimitError] with the limit and the time to wait.
	ErrLimited = errors.New("engine: limited")
	// ErrNoCandidate means that the group has no deployment that the demand's Exclude and
	// Tags allow.
	ErrNoCandidate = errors.New("engine: no candidate")
	// ErrUnknownGroup means that no group or alias has that name.
	ErrUnknownGroup = errors.New("engine: unknown group")
	// ErrUnknownDeployment means that no deployment has that ID.
	ErrUnknownDeployment = errors.New("engine: unknown deployment")
	// ErrUnknownCaller means that no caller has that ID.
	ErrUnknownCaller = errors.New("engine: unknown caller")
	// ErrQueueFull means that as many demands wait in a group as [Config.MaxWaiters]
	// allows for the class of the demand.
	ErrQueueFull = errors.New("engine: queue full")
	// ErrInvalidDemand means that a count or the priority of a demand is out of range, or
	// that its caller is of another engine.
	ErrInvalidDemand = errors.New("engine: invalid demand")
)

// noCandidate returns the error of a demand for which no deployment of a group, which has
// of, is a candidate.
func noCandidate(group string, of int) error {
	if of == 0 {
		return fmt.Errorf("%w: group %q no longer has deployments", ErrNoCandidate, group)
	}
	return fmt.Errorf("%w: Exclude and Tags leave none of the %d deployments of group %q", ErrNoCandidate, of, group)
}

// errForeignCaller is the ErrInvalidDemand of a caller of another engine.
var errForeignCaller = fmt.Errorf("%w: Caller is of another engine; resolve it by this one's CallerRef", ErrInvalidDemand)

// LimitError is the refusal of a demand: the limit that refuses it, and for how long.
// errors.Is(err, ErrLimited) is true of it.
type LimitError struct {
	Group      string // the group of the demand; for PreCheck that of the deployment
	Deployment string // the candidate that frees capacity first; "" if a caller's limit refuses
	// Caller is the demand's caller, if one of its limits refuses. No deployment was
	// considered then, and Limit, RetryAfter, Never and States are the caller's.
	Caller string
	Limit  Limit // the limit of Deployment or Caller that refuses the demand
	// Cause is the provider's answer that began the cooldown, if Limit is
	// LimitCooldown: its limit is used up, it has no capacity, the account is empty.
	// provider.Fine if an operator or another node began the cooldown.
	Cause provider.Kind
	// RetryAfter is the time after which the demand fits there if nothing else is admitted or
	// refunded, on this node or others; 0 if Never. The usage and shares that Absorb has already
	// brought for the next window are not considered. For LimitInFlight RetryAfter is estimated
	// from the number of leases held and how long leases of that deployment last, which is taken
	// to be 1 s until one has ended. For LimitShare it is the time until the node may have
	// another share.
	RetryAfter time.Duration
	// Never means that no waiting helps: the demand is larger than a limit of each
	// candidate, or the candidates are blocked or disabled.
	Never      bool
	Candidates int     // the number of deployments considered
	States     []State // of the deployments considered, at most 32
}

// Error names the group, the deployment or the caller, its limit and the time to wait.
func (e *LimitError) Error() string {
	wait := "retry after " + e.RetryAfter.Round(time.Millisecond).String()
	if e.Never {
		wait = "waiting will not help"
	}
	by := e.Limit.String()
	if e.Cause != provider.Fine {
		by += " (" + e.Cause.String() + ")"
	}
	if e.Caller != "" {
		return fmt.Sprintf("engine: group %q: caller %q refused by its %s; %s", e.Group, e.Caller, by, wait)
	}
	if e.Candidates == 1 {
		return fmt.Sprintf("engine: deployment %q of group %q refused by %s; %s", e.Deployment, e.Group, by, wait)
	}
	return fmt.Sprintf("engine: group %q: none of %d candidates has room; nearest is %q, refused by %s; %s",
		e.Group, e.Candidates, e.Deployment, by, wait)
}

// Is reports whether target is ErrLimited.
func (e *LimitError) Is(target error) bool { return target == ErrLimited }
