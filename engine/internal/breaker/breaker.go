// Package breaker is the circuit breaker of one deployment: whether it takes requests,
// given what its calls became. It is a pure state machine: an instant and an event go in,
// a state comes out. It knows no clock, no lock and no counter; its owner serializes the
// calls, and says whether the request that goes first has been admitted.
//
// Instants are Unix nanoseconds. Every method expects that [Breaker.Advance] was called
// for the same instant before.
package breaker

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// State says which requests a deployment takes.
type State uint8

const (
	Closed   State = iota // all
	Paused                // none: an operator's or another node's cooldown; Closed when it is over
	Open                  // none: the cooldown after a refusal; HalfOpen when it is over
	HalfOpen              // one goes first; the others follow once it is answered, or at the deadline

	states = iota
)

// String returns the state's name: closed, paused, open or half-open.
func (s State) String() string {
	if s >= states {
		return "unknown"
	}
	return [states]string{"closed", "paused", "open", "half-open"}[s]
}

// event is what moves a breaker from state to state.
type event uint8

const (
	elapsed  event = iota // the state's deadline has passed
	unproved              // the same, and no request has gone first
	succeed               // a request that was sent late enough to prove it was answered
	trip                  // a refusal begins a cooldown
	pause                 // an operator begins one
	doubt                 // a limit that the provider had reported is no longer in force
	reset                 // an operator ends whatever there is

	events = iota
)

// transitions says which state follows on which event.
var transitions = [states][events]State{
	Closed:   {elapsed: Closed, unproved: Closed, succeed: Closed, trip: Open, pause: Paused, doubt: HalfOpen, reset: Closed},
	Paused:   {elapsed: Closed, unproved: Closed, succeed: Paused, trip: Open, pause: Paused, doubt: Open, reset: Closed},
	Open:     {elapsed: HalfOpen, unproved: HalfOpen, succeed: Open, trip: Open, pause: Open, doubt: Open, reset: Closed},
	HalfOpen: {elapsed: Closed, unproved: HalfOpen, succeed: Closed, trip: Open, pause: Open, doubt: HalfOpen, reset: Closed},
}

const (
	// shortestProbe and longestProbe bound how long a half-open deployment waits for the
	// answer to the one request: as long as the cooldown was, within these.
	shortestProbe = int64(time.Second)
	longestProbe  = int64(10 * time.Second)
)

// Breaker is the state of one deployment. The zero value is closed.
type Breaker struct {
	state    State
	until    int64         // the deadline of the state; 0 = none: it is closed
	since    int64         // when it became half-open
	span     int64         // how long it is half-open
	tripped  int64         // when the latest cooldown that follows a refusal began; 0 = there was none
	length   int64         // of that cooldown
	cause    provider.Kind // of the cooldown; Fine: not a refusal's
	failures int           // refusals and failures in a row
	failedAt int64         // the latest of them, or the end of its cooldown if that is later
	rate     rate          // of failures
}

// State returns the state.
func (b *Breaker) State() State { return b.state }

// Cooling reports whether no request is taken at all.
func (b *Breaker) Cooling() bool { return b.state == Paused || b.state == Open }

// HalfOpen reports whether one request goes first.
func (b *Breaker) HalfOpen() bool { return b.state == HalfOpen }

// Until returns when the state ends by itself; 0 = it does not.
func (b *Breaker) Until() int64 { return b.until }

// Since returns when the breaker became half-open.
func (b *Breaker) Since() int64 { return b.since }

// Cause returns the kind of refusal that the latest cooldown follows, until a request
// proves that it is over; Fine if there is none.
func (b *Breaker) Cause() provider.Kind { return b.cause }

// Failing reports whether refusals or failures in a row are counted.
func (b *Breaker) Failing() bool { return b.failures != 0 }

// Rate returns the failure rate: see [RateUnit].
func (b *Breaker) Rate() uint32 { return b.rate.value }

// Deadline returns when Advance changes something; 0 = never.
func (b *Breaker) Deadline() int64 {
	if b.until == 0 || b.rate.halfAt != 0 && b.rate.halfAt < b.until {
		return b.rate.halfAt
	}
	return b.until
}

// Advance moves the breaker on to an instant. Proved says that the request that goes
// first has been admitted since the breaker became half-open. It reports whether
// anything changed that ranking or admission depends on.
func (b *Breaker) Advance(now int64, proved bool) (changed bool) {
	changed = b.rate.decay(now)
	if b.Cooling() && b.until <= now {
		changed, proved = true, false
		end := b.until
		if b.enter(elapsed); b.state == HalfOpen {
			b.probe(end, min(max(b.length, shortestProbe), longestProbe))
		}
	}
	switch {
	case b.state != HalfOpen || now < b.until:
	case proved:
		b.enter(elapsed)
		b.cause, changed = provider.Fine, true
	default:
		b.enter(unproved)
		b.until += ((now-b.until)/b.span + 1) * b.span
	}
	return changed
}

// enter moves to the state that follows on an event. Callers set the deadline of every
// state but Closed.
func (b *Breaker) enter(e event) {
	if b.state = transitions[b.state][e]; b.state == Closed {
		b.until = 0
	}
}

// probe begins the wait for the one request that goes first.
func (b *Breaker) probe(since, span int64) { b.since, b.span, b.until = since, span, since+span }

// Doubt says that a limit which the provider had reported is no longer in force, so that
// one request goes first.
func (b *Breaker) Doubt(now int64) {
	if b.enter(doubt); b.state == HalfOpen {
		b.probe(now, longestProbe)
	}
}

// Trip begins a cooldown, from now on for d, that follows a refusal of a kind; Fine
// means that another node was refused. It never shortens a cooldown. Began says that
// none was in force.
func (b *Breaker) Trip(now int64, d time.Duration, cause provider.Kind) (changed, began bool) {
	until := now + int64(d)
	if b.Cooling() && until <= b.until || until <= now {
		return false, false
	}
	began = !b.Cooling()
	b.enter(trip)
	b.until, b.tripped, b.length, b.cause = until, now, int64(d), cause
	b.failedAt = max(b.failedAt, until)
	return true, began
}

// Pause begins a cooldown of an operator's until an instant. It never shortens a
// cooldown. It reports whether none was in force.
func (b *Breaker) Pause(until int64) (began bool) {
	if b.Cooling() && until <= b.until {
		return false
	}
	began = !b.Cooling()
	b.enter(pause)
	b.until, b.cause = until, provider.Fine
	return began
}

// Reset closes the breaker and forgets the refusals in a row. The failure rate stays.
func (b *Breaker) Reset() {
	b.enter(reset)
	b.tripped, b.failures, b.cause = 0, 0, provider.Fine
}

// Succeed takes in that a request sent at an instant was answered well. Closed says that
// this ended the half-open state. Early says that the request was sent before the
// cooldown was over, and therefore proves nothing.
func (b *Breaker) Succeed(sent int64) (closed, early bool) {
	if b.Cooling() || b.state == HalfOpen && sent < b.since || b.sameBurst(sent) {
		return false, true
	}
	closed = b.state == HalfOpen
	b.enter(succeed)
	b.failures, b.cause = 0, provider.Fine
	return closed, false
}

// sameBurst reports whether the latest cooldown follows a refusal of a request that was
// sent when this one had been sent already.
func (b *Breaker) sameBurst(sent int64) bool { return b.tripped != 0 && sent <= b.tripped }
