package replay

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Headers hands the engine what a provider said: an application that embeds it
// does the same with the answers it gets.
func (a *engineAttempt) Headers(status int, header func(name string) string, body []byte) {
	answer := provider.Answer{Status: status, Header: header, Body: body, At: a.policy.now()}
	if k := a.policy.kinds[a.place]; k != nil {
		answer.Provider = k.Vendor
	}
	a.heard = true
	a.lease.Observe(provider.Read(answer))
}

// Refused implements [Attempt].
func (a *engineAttempt) Refused(retryAfter time.Duration) {
	if !a.heard { // else Headers has told of the refusal itself
		a.lease.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: retryAfter})
	}
	a.lease.Settle(engine.Usage{})
}
