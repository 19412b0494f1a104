package replay

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// What the engine's policy does with what providers say is all in this file.

// Refused cools the deployment down for the Retry-After that the provider sent.
//
// Where nothing is known of the rule, or it is one of UTC minutes, the cooldown
// ends with the provider's minute: Retry-After is rounded up to seconds, so it
// leads into the next minute, by less than a minute.
func (a *engineAttempt) Refused(retryAfter time.Duration) {
	now := a.policy.now()
	end := now.Add(retryAfter)
	if k := a.policy.kinds[a.place]; k == nil || k.UTC {
		end = end.Truncate(time.Minute)
	}
	if d := end.Sub(now); d > 0 {
		a.policy.refs[a.place].Cooldown(d)
	}
	a.lease.Settle(engine.Usage{})
}
