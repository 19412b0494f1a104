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

// candidateError is an ErrNoCandidate.
type candidateError struct {
	group string
	of    int
}

func (e *candidateError) Error() string {
	if e.of == 0 {
		return fmt.Sprintf("engine: no candidate: group %q no longer has deployments", e.group)
	}
	return fmt.Sprintf("engine: no candidate: Exclude and Tags leave none of the %d deployments of group %q", e.of, e.group)
}

func (e *candidateError) Is(target error) bool { return target == ErrNoCandidate }

// demandError is an ErrInvalidDemand.
type demandError struct {
	field      string
	value, low int64
}

func (e *demandError) Error() string {
	return fmt.Sprintf("engine: invalid demand: %s is %d; it must be from %d to %d", e.field, e.value, e.low, MaxCount)
}

func (e *demandError) Is(target error) bool { return target == ErrInvalidDemand }

// classError is an ErrInvalidDemand: an unknown class.
type classError struct{ class, classes int }

func (e *classError) Error() string {
	return fmt.Sprintf("engine: invalid demand: Priority is %d; it must be from 0 to %d, one of the classes of Config.PriorityShare", e.class, e.classes-1)
}

func (e *classError) Is(target error) bool { return target == ErrInvalidDemand }

// errForeignCaller is an ErrInvalidDemand.
var errForeignCaller = fmt.Errorf("%w: Caller is of another engine; resolve it by this one's CallerRef", ErrInvalidDemand)

// groupError is an ErrNoCandidate: the caller may not ask the group.
type groupError struct{ caller, group string }

func (e *groupError) Error() string {
	return fmt.Sprintf("engine: no candidate: caller %q may not ask group %q", e.caller, e.group)
}

func (e *groupError) Is(target error) bool { return target == ErrNoCandidate }

// queueError is an ErrQueueFull.
type queueError struct {
	group string
	most  int64
}

func (e *queueError) Error() string {
	return fmt.Sprintf("engine: queue full: %d requests wait in group %q already", e.most, e.group)
}

func (e *queueError) Is(target error) bool { return target == ErrQueueFull }

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
