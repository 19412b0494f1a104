package breaker

import (
	"cmp"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

const (
	// emptyAccount is how long a deployment cools down whose account has nothing
	// left, if the provider names no wait; emptyAccountAlone is that where no other
	// deployment of the group takes requests.
	emptyAccount      = 10 * time.Minute
	emptyAccountAlone = time.Minute
	// shortestGuess is the cooldown after a refusal that names no wait. It doubles
	// with each further one in a row, up to longestGuess.
	shortestGuess = time.Second
	longestGuess  = 30 * time.Second
	// failureMemory is how long after the latest refusal, and after its cooldown, the
	// count of refusals in a row drops by one.
	failureMemory = int64(time.Minute)
)

// Policy is what the configuration says of cooldowns.
type Policy struct {
	Failures int           // in a row that begin a cooldown; 0 = the default
	Cooldown time.Duration // after a refusal that names no wait; 0 = grows with each in a row
}

// Answer is what became of a call.
type Answer struct {
	Kind  provider.Kind
	Weak  bool          // it says little of the deployment: see [provider.Signal]
	Sent  int64         // when the call was sent
	Wait  time.Duration // that the provider named; 0 = none
	Spare bool          // another deployment of the group takes requests
}

// Effect is what an answer changed.
type Effect struct {
	Changed  bool  // the state, or the failure rate of a success
	Began    bool  // a cooldown, where none was in force
	Announce int64 // until when other nodes should let it cool down too; 0 = they should not
}

// Answer draws the conclusions from an answer at an instant.
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

// cooldown returns how long a refusal or failure makes the deployment cool down; 0 = it
// does not. Known says that it belongs to a burst which has begun a cooldown already.
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

// tolerates reports whether a count of failures in a row begins no cooldown. By default
// a single one does not.
func (p Policy) tolerates(kind provider.Kind, failures int) bool {
	if kind == provider.Other {
		return failures < cmp.Or(p.Failures, 2)
	}
	return kind == provider.Overloaded && failures < p.Failures
}

// fail counts one more refusal or failure in a row. The count drops by one for each
// failureMemory that has passed since the one before.
func (b *Breaker) fail(now int64) {
	if idle := now - b.failedAt; idle > 0 {
		b.failures = int(max(int64(b.failures)-idle/failureMemory, 0))
	}
	b.failures++
	b.failedAt = max(b.failedAt, now)
}
