package learn

import (
	"cmp"
	"slices"
	"time"
)

const (
	// ConfirmEvery is how long a reported limit stays in force after the last answer
	// that reported it, in nanoseconds.
	ConfirmEvery = int64(5 * time.Minute)
	// announceStep is the length of the steps in which time is divided, in ns. An announced
	// limit is in force until the end of the step after that of the last answer, so that the
	// announcement changes once a step and is the same on all nodes.
	announceStep = ConfirmEvery / 2
	// announceEvery is the least time between two different announced limits, in ns.
	announceEvery = int64(30 * time.Second)
	// mostReceived is how many limits received from other nodes are kept: the lowest ones.
	mostReceived = 4
)

// Limit is one limit of a deployment as its provider has reported it to this node and to
// others. The lowest is in force. The zero value has none. Instants are in Unix ns.
type Limit struct {
	own       int64     // reported to this node; 0 = none
	confirmed int64     // when it was last reported to this node
	received  []lasting // reported to other nodes, the lowest first
	announced lasting   // the latest result of Announce
	since     int64     // when the announced limit last changed
}

// lasting is a limit and the end of its time in force.
type lasting struct{ limit, until int64 }

// Own returns the limit reported to this node, 0 if there is none.
func (x *Limit) Own() int64 { return x.own }

// Confirm applies a limit that an answer to this node has reported.
func (x *Limit) Confirm(limit, now int64) {
	x.own, x.confirmed = limit, now
	x.received = slices.DeleteFunc(x.received, func(h lasting) bool { return h.until <= now })
}

// Receive applies a limit that an answer to another node has reported.
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

// InForce returns the lowest limit and the end of its time in force; 0 if there is none.
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

// Lapse removes the limits that are no longer in force.
func (x *Limit) Lapse(now int64) {
	if x.own != 0 && x.confirmed+ConfirmEvery <= now {
		x.own = 0
	}
	x.received = slices.DeleteFunc(x.received, func(h lasting) bool { return h.until <= now })
}

// Announce returns the limit to report to other nodes and the end of its time in force: the
// limit reported to this node, if it is below the configured limit most or most is 0; else 0. If
// answers report different limits in turn, the announced one changes every announceEvery at most.
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
