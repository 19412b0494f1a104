// Package queue has the parts of a line of waiters: the bell that wakes one of them, and
// the tree of waiters in the order of service with the least that each would be charged. It
// uses no group and no clock.
package queue

import "sync/atomic"

// Bell wakes a waiter of a line: the eventcount of protocol 7. A caller that frees capacity
// uses no other part of the line.
type Bell struct {
	// Waiting is how many demands wait. A waiter increments it before it reads the counters,
	// and a caller that frees capacity reads it after writing a counter, so that one of them
	// sees the other.
	Waiting atomic.Int64
	// Rung receives when a waiter must serve the line. Its buffer is one.
	Rung chan struct{}
	// Reevaluating makes the next dispatch dismiss waiters whose demand can never be admitted.
	Reevaluating atomic.Bool
	later        func(strike func())
}

// NewBell returns a bell. If later is not nil, Ring calls it with the function that wakes the
// waiter, instead of that function.
func NewBell(later func(strike func())) Bell {
	return Bell{Rung: make(chan struct{}, 1), later: later}
}

// Ring wakes a waiter, if there is one, because a demand may fit. The caller has written the
// counter before (protocol 7).
func (b *Bell) Ring() {
	switch {
	case b.Waiting.Load() == 0:
	case b.later != nil:
		b.later(b.strike)
	default:
		b.strike()
	}
}

// strike wakes one waiter.
func (b *Bell) strike() {
	select {
	case b.Rung <- struct{}{}:
	default: // a ring is in the channel already
	}
}

// Reevaluate is Ring after a change of the configuration.
func (b *Bell) Reevaluate() {
	b.Reevaluating.Store(true)
	b.Ring()
}
