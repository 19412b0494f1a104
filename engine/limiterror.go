package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

// maxStates is how many states an error has at most.
const maxStates = 32

// roomyError is a LimitError and the array of its states, in one allocation.
type roomyError[A any] struct {
	LimitError
	room A
}

// newLimitError returns an error with capacity for so many states. Never is set until consider
// finds a deployment for which waiting helps.
func newLimitError(states int) (e *LimitError) {
	switch {
	case states <= 1:
		b := new(roomyError[[1]State])
		e, b.States = &b.LimitError, b.room[:0]
	case states <= 4:
		b := new(roomyError[[4]State])
		e, b.States = &b.LimitError, b.room[:0]
	case states <= 12:
		b := new(roomyError[[12]State])
		e, b.States = &b.LimitError, b.room[:0]
	default:
		b := new(roomyError[[maxStates]State])
		e, b.States = &b.LimitError, b.room[:0]
	}
	e.Never = true
	return e
}

// settle completes the error of a demand that fits by now: it names the limit that refused it.
func (e *LimitError) settle(v decision) {
	if e.Limit == LimitNone {
		e.Limit, e.RetryAfter, e.Never = reasonLimit[v.why], leastRetry, false
	}
}

// consider makes h the deployment of the error if it frees capacity earlier than the one before.
func (e *LimitError) consider(h *handle, v *verdict) {
	if e.Candidates != 0 && (v.never || !e.Never && v.after >= e.RetryAfter) {
		return
	}
	e.Deployment, e.Limit, e.RetryAfter, e.Never, e.Cause = h.id, v.limit(), v.after, v.never, provider.Fine
	if e.Limit == LimitCooldown {
		e.Cause = h.breaker.Cause()
	}
}
