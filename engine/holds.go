package engine

import "math"

// hold keeps a deployment's room for a waiter that has waited for longer than it
// would alone: a limit that refills continuously never has room for a large demand
// while later ones take what refills. In a window that is no danger, because it
// begins empty and its first instant belongs to the first waiter.
type hold struct {
	w    *waiter
	h    *handle
	pool *pool // of its limits
}

// maxHolds is how many deployments of a group are held at once.
const maxHolds = 8

// patient is for how many times its lone wait a waiter lets others go first, in
// tenths.
const patient = 15

// wait sets when a deployment is held for a waiter that would wait for so many
// nanoseconds if it were alone.
func (w *waiter) wait(now, alone int64) {
	if alone < (math.MaxInt64-now)/patient {
		w.turn = now + alone*patient/10
	}
}
