package learn

import (
	"cmp"
	"slices"
	"time"
)

const (
	// ConfirmEvery is how long a reported limit stays in force after the last answer
	// that named it, in nanoseconds.
	ConfirmEvery = int64(5 * time.Minute)
	// announceStep divides time: what is announced ends with the step after the one of the
	// last answer, so that it changes once in a step and nodes announce the same.
	announceStep = ConfirmEvery / 2
	// announceEvery is how often another limit may be announced.
	announceEvery = int64(30 * time.Second)
	// mostReceived is how many limits of other nodes are kept: the lowest.
	mostReceived = 4
)

// Limit is what answers have shown of one limit of a deployment: answers to this node, and
// to others. The lowest is in force. The zero value has none. Instants are in Unix ns.
type Limit struct {
	own       int64 // that answers to this node have named; 0 = none
	confirmed int64 // when the last of them did
	received  []lasting
	announced lasting
	since     int64 // when another limit was last announced
}

// lasting is a limit, and until when it is in force.
type lasting struct{ limit, until int64 }

// Own returns the limit that answers to this node have named, 0 if there is none.
func (x *Limit) Own() int64 { return x.own }

// Confirm takes in a limit that an answer to this node has named.
func (x *Limit) Confirm(limit, now int64) {
	x.own, x.confirmed = limit, now
	x.received = slices.DeleteFunc(x.received, func(h lasting) bool { return h.until <= now })
}

// Receive takes in a limit that an answer to another node has named.
func (x *Limit) Receive(limit, until, now int64) {
	h := lasting{limit, min(until, now+ConfirmEvery)}
	x.received = slices.DeleteFunc(x.received, func(o lasting) bool {
		if o.limit == limit {
			h.until = max(h.until, o.until)
		}
		return o.limit == limit || o.until <= now
	})
	if h.until <= now {
		return
	}
	x.received = append(x.received, h)
	slices.SortFunc(x.received, func(a, b lasting) int { return cmp.Compare(a.limit, b.limit) })
	x.received = x.received[:min(len(x.received), mostReceived)]
}

// InForce returns the lowest limit, and until when it is in force; 0 if there is none.
func (x *Limit) InForce() (limit, until int64) {
	if x.own != 0 {
		limit, until = x.own, x.confirmed+ConfirmEvery
	}
	for _, h := range x.received {
		if limit == 0 || h.limit < limit {
			limit, until = h.limit, h.until
		} else if h.limit == limit {
			until = max(until, h.until)
		}
	}
	return limit, until
}

// Lapse forgets what is in force no longer.
func (x *Limit) Lapse(now int64) {
	if x.own != 0 && x.confirmed+ConfirmEvery <= now {
		x.own = 0
	}
	x.received = slices.DeleteFunc(x.received, func(h lasting) bool { return h.until <= now })
}

// Announce returns the limit to report to other nodes, and until when: the one that
// answers to this node have named if it is below most or most is 0. It is 0 if there is
// none. What was announced last stays for a while when answers go from limit to limit.
func (x *Limit) Announce(most, now int64) (limit, until int64) {
	a := &x.announced
	until = (x.confirmed/announceStep + 2) * announceStep
	switch {
	case x.own == 0 || most != 0 && x.own >= most || until <= now:
		return 0, 0
	case a.limit == x.own:
		a.until = until
	case x.since == 0 || now-x.since >= announceEvery || now < x.since:
		*a, x.since = lasting{x.own, until}, now
	case a.until <= now:
		return 0, 0
	}
	return a.limit, a.until
}
