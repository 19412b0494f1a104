// Package breaker is the circuit breaker of one deployment: from the outcomes of its calls it
// decides whether the deployment takes requests. It is a pure state machine: the inputs are an
// instant and an event, the output is a state. It uses no clock, no lock and no counter. Its
// owner serializes the calls, and passes whether the probe, the one request of a half-open
// deployment, has been admitted.
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
	Closed   State = iota // all requests
	Paused                // none, in a cooldown by an operator; Closed follows
	Open                  // none, in a cooldown after a refusal, here or on another node; HalfOpen follows
	HalfOpen              // one probe; Closed follows once it is answered, or at the deadline

	states = iota
)

// event is the cause of a transition.
type event uint8

const (
	elapsed  event = iota // the state's deadline has passed
	unproved              // the deadline of the half-open state has passed, and no probe was admitted
	succeed               // a request was answered that was sent after the cooldown
	trip                  // a refusal begins a cooldown
	pause                 // an operator begins a cooldown
	doubt                 // a limit that the provider had reported is no longer in force
	reset                 // an operator ends the cooldown

	events = iota
)

// transitions are the next states, by state and event.
var transitions = [states][events]State{
	Closed:   {elapsed: Closed, unproved: Closed, succeed: Closed, trip: Open, pause: Paused, doubt: HalfOpen, reset: Closed},
	Paused:   {elapsed: Closed, unproved: Closed, succeed: Paused, trip: Open, pause: Paused, doubt: Open, reset: Closed},
	Open:     {elapsed: HalfOpen, unproved: HalfOpen, succeed: Open, trip: Open, pause: Open, doubt: Open, reset: Closed},
	HalfOpen: {elapsed: Closed, unproved: HalfOpen, succeed: Closed, trip: Open, pause: Open, doubt: HalfOpen, reset: Closed},
}

const (
	// shortestProbe and longestProbe bound how long a half-open deployment waits for the
	// answer to the probe, in ns. Within these bounds it is the length of the cooldown.
	shortestProbe = int64(time.Second)
	longestProbe  = int64(10 * time.Second)
)

// Breaker is the state of one deployment. The zero value is closed.
type Breaker struct {
	state    State
	cause    provider.Kind // of the cooldown; Fine: no refusal to this node
	rate     rate          // of failures
	until    int64         // the deadline of the state; 0 = none, as it is closed
	since    int64         // when the breaker became half-open
	span     int64         // for how long it waits for a probe, ns
	tripped  int64         // when the latest cooldown after a refusal began; 0 = there was none
	length   int64         // of that cooldown, ns
	failures int           // refusals and failures in a row
	failedAt int64         // the instant of the latest of them, or the end of its cooldown if that is later
}

// Cooling reports whether no request is admitted.
func (b *Breaker) Cooling() bool { return b.state == Paused || b.state == Open }

// HalfOpen reports whether only a probe is admitted.
func (b *Breaker) HalfOpen() bool { return b.state == HalfOpen }

// Until returns when the state ends by the clock alone; 0 = never.
func (b *Breaker) Until() int64 { return b.until }

// Since returns when the breaker became half-open.
func (b *Breaker) Since() int64 { return b.since }

// Cause returns the kind of refusal that began the latest cooldown, until a request sent after
// the cooldown is answered; Fine if there was none.
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

// Advance advances the breaker to an instant. Proved is set if the probe has been admitted since
// the breaker became half-open. It reports whether
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

// enter enters the state that follows an event. Callers set the deadline of every
// state except Closed.
func (b *Breaker) enter(e event) {
	if b.state = transitions[b.state][e]; b.state == Closed {
		b.until = 0
	}
}

// probe begins the wait for a probe, from an instant on for span ns.
func (b *Breaker) probe(since, span int64) { b.since, b.span, b.until = since, span, since+span }

// Doubt makes the breaker half-open because a limit that the provider had reported is no longer
// in force: a probe is admitted before all others.
func (b *Breaker) Doubt(now int64) {
	if b.enter(doubt); b.state == HalfOpen {
		b.probe(now, longestProbe)
	}
}

// Trip begins a cooldown, from now on for d, after a refusal of a kind; Fine
// means that the refusal was another node's. It never shortens a cooldown. Began reports that
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

// Pause begins a cooldown until an instant, by order of an operator. It never shortens a
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

// Succeed applies a successful answer to a request that was sent at an instant. Closed reports
// that it ended the half-open state. Early reports that the request was sent before the end of
// the cooldown, so that its answer proves nothing.
func (b *Breaker) Succeed(sent int64) (closed, early bool) {
	if b.Cooling() || b.state == HalfOpen && sent < b.since || b.sameBurst(sent) {
		return false, true
	}
	closed = b.state == HalfOpen
	b.enter(succeed)
	b.failures, b.cause = 0, provider.Fine
	return closed, false
}

// sameBurst reports whether a request had been sent already when the latest cooldown began.
func (b *Breaker) sameBurst(sent int64) bool { return b.tripped != 0 && sent <= b.tripped }
