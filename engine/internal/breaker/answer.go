package breaker

import (
	"cmp"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

const (
	// emptyAccount is the cooldown of a deployment whose account is empty, if the provider
	// reports no wait; emptyAccountAlone is that cooldown if no other deployment of the group
	// takes requests.
	emptyAccount      = 10 * time.Minute
	emptyAccountAlone = time.Minute
	// shortestGuess is the cooldown after a refusal for which the provider reports no wait. It
	// doubles with each further refusal in a row, up to longestGuess.
	shortestGuess = time.Second
	longestGuess  = 30 * time.Second
	// failureMemory is how long after the latest refusal, and after its cooldown, the
	// count of refusals in a row drops by one.
	failureMemory = int64(time.Minute)
)

// Policy is the configuration of cooldowns.
type Policy struct {
	Failures int           // how many failures in a row begin a cooldown; 0 = the default
	Cooldown time.Duration // after a refusal without a reported wait; 0 = it grows with each refusal in a row
}

// Answer is the outcome of a call.
type Answer struct {
	Kind  provider.Kind
	Weak  bool          // a failure that may not be the deployment's: see [provider.Signal]
	Sent  int64         // when the call was sent
	Wait  time.Duration // the wait that the provider reported; 0 = none
	Spare bool          // another deployment of the group takes requests
}

// Effect is what an answer has changed.
type Effect struct {
	Changed  bool  // the state has changed, or a success has lowered the failure rate
	Began    bool  // a cooldown has begun, and none was in force before
	Announce int64 // the end of the cooldown for other nodes; 0 = they need not cool down
}

// Answer applies the answer to a call at an instant.
func (b *Breaker) Answer(p Policy, a Answer, now int64) (e Effect) {
	switch a.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		closed, early := b.Succeed(a.Sent)
		calmed := a.Kind == provider.Fine && !early && b.rate.succeed()
		return Effect{Changed: closed || calmed}
	case provider.RateLimit:
	case provider.Overloaded, provider.Other:
		if a.Weak {
			b.rate.fail(now, weakShift)
			return e
		}
		b.rate.fail(now, failureShift)
	case provider.NoMoney:
		b.rate.fail(now, failureShift)
	}
	known := b.sameBurst(a.Sent)
	if !known {
		b.fail(now)
	}
	d := b.cooldown(p, a, known)
	if d == 0 {
		return e
	}
	if a.Wait > 0 || a.Kind == provider.NoMoney {
		e.Announce = now + int64(d)
	}
	e.Changed, e.Began = b.Trip(now, d, a.Kind)
	return e
}

// cooldown returns the length of the cooldown that a refusal or failure begins; 0 = none. Known
// is set if the answer belongs to a burst that has begun a cooldown already.
func (b *Breaker) cooldown(p Policy, a Answer, known bool) time.Duration {
	switch {
	case a.Wait > 0:
		return a.Wait
	case known:
		return 0
	case a.Kind == provider.NoMoney && a.Spare:
		return emptyAccount
	case a.Kind == provider.NoMoney:
		return emptyAccountAlone
	case b.state != HalfOpen && p.tolerates(a.Kind, b.failures), !a.Spare:
		return 0
	case p.Cooldown > 0:
		return p.Cooldown
	}
	return min(shortestGuess<<min(b.failures-1, 10), longestGuess)
}

// tolerates reports whether so many failures in a row begin no cooldown. By default
// a single one begins none.
func (p Policy) tolerates(kind provider.Kind, failures int) bool {
	if kind == provider.Other {
		return failures < cmp.Or(p.Failures, 2)
	}
	return kind == provider.Overloaded && failures < p.Failures
}

// fail counts one more refusal or failure in a row. Before, the count drops by one for each
// failureMemory that has passed since the latest one.
func (b *Breaker) fail(now int64) {
	if idle := now - b.failedAt; idle > 0 {
		b.failures = int(max(int64(b.failures)-idle/failureMemory, 0))
	}
	b.failures++
	b.failedAt = max(b.failedAt, now)
}
