package rule

import "time"

const minute = int64(time.Minute)

// A Limit is one counter of a provider. A limit of 0 or less admits nothing,
// except an amount of 0.
type Limit interface {
	// Take charges n if n fits, and reports whether it did.
	Take(now, n int64) bool
	// Add charges n whatever the limit. A negative n gives back.
	Add(now, n int64)
	// Refund gives back n (not negative) of what was charged at an earlier
	// instant. It does nothing where that charge has expired already.
	Refund(now, charged, n int64)
	// Wait returns the nanoseconds until n fits, 0 if it does. If n is above the
	// limit, never is true and wait is what a refusal names.
	Wait(now, n int64) (wait int64, never bool)
	// SetLimit changes the limit from now on; what is used stays used.
	SetLimit(now, limit int64)
	// State returns the counter as a provider reports it.
	State(now int64) State
}

// State is what a provider reports of one limit.
type State struct {
	Kind  Kind
	Limit int64 // of the span in which the provider judges; 0 = nothing is admitted
	// Left is what fits now. It is negative after calls that cost more than was
	// charged at admission.
	Left int64
	// Reset is the time until the whole limit is free if no other call comes.
	Reset time.Duration
	// Whole is true for windows, which free the whole limit at once at Reset, and
	// false where usage expires bit by bit.
	Whole bool
}

// Used returns the share of the limit that is in use once n more are charged; 1
// where nothing is admitted.
func (s State) Used(n int64) float64 {
	if s.Limit <= 0 {
		return 1
	}
	return 1 - float64(s.Left-n)/float64(s.Limit)
}
