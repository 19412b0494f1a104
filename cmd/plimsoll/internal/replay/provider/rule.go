package provider

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// Rule is how a provider enforces the limits of one deployment. It sees calls
// in the order in which they reach it; now never goes back. It reads of a
// request what a real provider knows at that moment.
type Rule interface {
	// Admit judges a call that arrives now. It counts the call and returns ok,
	// or changes nothing and returns the Retry-After of the refusal, in whole
	// seconds and at least one.
	Admit(now time.Time, r trace.Request) (retryAfter time.Duration, ok bool)
	// End counts the answer of a call it admitted, which ends now.
	End(now time.Time, r trace.Request)
	// Charge returns the tokens that Admit counts of a call. It depends on the
	// call alone.
	Charge(r trace.Request) int64
	// State returns how the accounts stand. Admit admits a call iff State says
	// that it fits.
	State(now time.Time) State
}

// NewRule makes the rule of a deployment that has counted nothing yet.
type NewRule func(d Deployment) Rule

// State is how a deployment's accounts stand at some instant.
type State struct{ Requests, Tokens Account }

// Account is how one limit stands.
type Account struct {
	Limit int64 // of the span that the rule judges by; 0 = none, -1 = nothing is allowed
	// Left is what fits now. It may be negative: answers are longer than anybody
	// knew.
	Left int64
	// Reset is how long until all of the limit is free if nothing else comes:
	// the end of a window, or when a bucket is full.
	Reset time.Duration
	// Whole says that what is left lapses at Reset, all at once, and is then
	// the limit again; false if it comes back bit by bit.
	Whole bool
}

// Fits reports whether a call that is charged that many tokens fits.
func (s State) Fits(charge int64) bool { return s.Requests.fits(1) && s.Tokens.fits(charge) }

func (a Account) fits(n int64) bool { return a.Limit == 0 || n <= a.Left }

// Used returns the share of the limit in use if n more are; 0 without a limit.
func (a Account) Used(n int64) float64 {
	switch {
	case a.Limit == 0:
		return 0
	case a.Limit < 0:
		return 1
	}
	return 1 - float64(a.Left-n)/float64(a.Limit)
}

// wholeSeconds rounds a wait up, to at least one second.
func wholeSeconds(wait time.Duration) time.Duration {
	return max(time.Second, (wait + time.Second - 1).Truncate(time.Second))
}
