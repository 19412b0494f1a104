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
}

// NewRule makes the rule of a deployment that has counted nothing yet.
type NewRule func(d Deployment) Rule
