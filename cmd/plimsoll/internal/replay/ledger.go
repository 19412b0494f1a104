package replay

import "time"

// ledger keeps one deployment's accounts of the policy's admissions, independently
// of the policy's own counters, and their maxima.
type ledger struct {
	window   time.Time // the minute of the next two, by the policy's decisions
	requests int64     // admitted
	usage    int64     // reservations, and the true cost of what has ended

	minute time.Time // the minute of the next, by the clock
	ended  int64     // input tokens admitted and output tokens that ended

	peakRequests, peakUsage, peakEnded int64
}

// admit enters an attempt that the policy has just admitted.
func (l *ledger) admit(now time.Time, reserved, input int64) {
	l.open(now.Truncate(time.Minute))
	l.requests++
	l.usage += reserved
	l.peakRequests = max(l.peakRequests, l.requests)
	l.peakUsage = max(l.peakUsage, l.usage)
	l.spend(now, input)
}

// end enters the true cost of an attempt that ends now. Its reservation is of
// the minute in which it was admitted; so is the difference to the cost while
// that is the current minute or the one before. Later the difference counts in
// the current minute if it is positive. A minute is current from the first
// decision in it, on whatever deployment, to the first in another.
func (l *ledger) end(now, current, admitted time.Time, reserved, input, output int64) {
	l.open(current)
	more := input + output - reserved
	age := current.Sub(admitted.Truncate(time.Minute))
	if age == 0 || age > time.Minute && more > 0 {
		l.usage += more
	}
	l.spend(now, output)
}

// open begins the account of a minute of decisions.
func (l *ledger) open(window time.Time) {
	if !window.Equal(l.window) {
		l.window, l.requests, l.usage = window, 0, 0
	}
}

// spend enters tokens that count now.
func (l *ledger) spend(now time.Time, tokens int64) {
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.ended = minute, 0
	}
	l.ended += tokens
	l.peakEnded = max(l.peakEnded, l.ended)
}
