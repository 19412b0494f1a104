package replay

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Headers passes a provider's answer to the engine, as an application that embeds
// the engine does.
func (a *engineAttempt) Headers(status int, header func(name string) string, body []byte) {
	answer := provider.Answer{Status: status, Header: header, Body: body, At: a.policy.now()}
	if k := a.policy.kinds[a.place]; k != nil {
		answer.Provider = k.Vendor
	}
	a.reported = true
	a.lease.Observe(provider.Read(answer))
}

// Refused implements [Attempt].
func (a *engineAttempt) Refused(retryAfter time.Duration) {
	if !a.reported { // else Headers has reported the refusal
		a.lease.Observe(provider.Signal{Kind: provider.RateLimit, RetryAfter: retryAfter})
	}
	a.lease.Settle(engine.Usage{})
}
