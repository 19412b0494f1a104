package engine

import "sync/atomic"

// bell wakes a waiter of a group's line: the eventcount of protocol 7. A caller that
// frees capacity needs no more of the line.
type bell struct {
	// n is how many wait. It grows before a waiter looks at the counters, and a
	// caller that frees capacity reads it after changing one: one sees the other.
	n    atomic.Int64
	rung chan struct{} // holds one ring
	// later is called in place of strike by ring; nil = none is, see [Config.Wake].
	later func(strike func())
	// reevaluating makes the next service dismiss waiters whose demand can never be met
	// any more.
	reevaluating atomic.Bool
}

// ring wakes a waiter, because there may be room.
func (b *bell) ring() {
	switch {
	case b.n.Load() == 0:
	case b.later != nil:
		b.later(b.strike)
	default:
		b.strike()
	}
}

// strike wakes one waiter.
func (b *bell) strike() {
	select {
	case b.rung <- struct{}{}:
	default: // it rings already
	}
}

// reevaluate is ring when the configuration has changed too.
func (b *bell) reevaluate() {
	b.reevaluating.Store(true)
	b.ring()
}
