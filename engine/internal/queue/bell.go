// Package queue holds what a line of waiters is made of: the bell that wakes one of them, and
// the order in which they are served with the least that each would be charged. It knows no
// group and no clock.
package queue

import "sync/atomic"

// Bell wakes a waiter of a line: the eventcount of protocol 7. A caller that frees capacity
// needs no more of the line.
type Bell struct {
	// Waiting is how many wait. It grows before a waiter looks at the counters, and a
	// caller that frees capacity reads it after changing one: one sees the other.
	Waiting atomic.Int64
	// Rung receives when a waiter is to serve the line. It holds one ring.
	Rung chan struct{}
	// Reevaluating makes the next service dismiss waiters whose demand can never be met
	// any more.
	Reevaluating atomic.Bool
	later        func(strike func())
}

// NewBell returns a bell. Ring hands later what wakes the waiter, if later is not nil.
func NewBell(later func(strike func())) Bell {
	return Bell{Rung: make(chan struct{}, 1), later: later}
}

// Ring wakes a waiter, because there may be room.
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
	default: // it rings already
	}
}

// Reevaluate is Ring when the configuration has changed too.
func (b *Bell) Reevaluate() {
	b.Reevaluating.Store(true)
	b.Ring()
}
