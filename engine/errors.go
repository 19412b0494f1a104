package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

var (
	// ErrLimited means that every candidate is at a limit, cooling down or
	// disabled. The error is a [*LimitError], which says which and until when.
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
	// ErrQueueFull means that a group keeps as many waiting as
	// [Config.MaxWaiters] allows.
	ErrQueueFull = errors.New("engine: queue full")
	// ErrInvalidDemand means that a count of a demand is out of range.
	ErrInvalidDemand = errors.New("engine: invalid demand")
)

// noCandidate says why none of a group's deployments, of which there are so many, may be
// asked.
func noCandidate(group string, of int) error {
	if of == 0 {
		return fmt.Errorf("%w: group %q no longer has deployments", ErrNoCandidate, group)
	}
	return fmt.Errorf("%w: Exclude and Tags leave none of the %d deployments of group %q", ErrNoCandidate, of, group)
}

// errForeignCaller is an ErrInvalidDemand.
var errForeignCaller = fmt.Errorf("%w: Caller is of another engine; resolve it by this one's CallerRef", ErrInvalidDemand)

// LimitError says why a demand was refused, and until when.
// errors.Is(err, ErrLimited) is true of it.
type LimitError struct {
	Group      string // the group that was asked; the deployment's group for PreCheck
	Deployment string // the candidate that frees up first; "" if a caller's limit refuses
	// Caller is the demand's caller, if one of its limits refuses: no deployment was
	// considered then, and Limit, RetryAfter, Never and States are the caller's.
	Caller string
	Limit  Limit // what refuses the demand there
	// Cause is what the provider answered before the cooldown, if Limit is
	// LimitCooldown: its limit is used up, it has no capacity, the account is empty.
	// provider.Fine where an operator or another node began the cooldown.
	Cause provider.Kind
	// RetryAfter is how long until the demand fits there if nothing else is
	// admitted or refunded; 0 if Never. For LimitInFlight it is an estimate from
	// how long leases of that deployment last, 1 s until one has ended, and how many
	// are held. For LimitShare it is how long until the node may have another share.
	RetryAfter time.Duration
	// Never means that no waiting helps: the demand is larger than every limit,
	// or the candidates are blocked or disabled.
	Never      bool
	Candidates int     // how many deployments were considered
	States     []State // at most 32 of them
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
