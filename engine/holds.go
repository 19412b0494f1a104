package engine

import "math"

// hold keeps the headroom of a deployment for a waiter that has waited for longer than it
// would if it were alone. Without holds a limit that refills continuously would never have
// headroom for a large demand, as later ones take what refills. A limit over windows needs
// none, because a window begins empty and its first instant belongs to the first waiter.
type hold struct {
	w    *waiter
	h    *handle
	pool *pool // of the deployment's limits; nil: they are its own
}

// maxHolds is how many deployments of a group are held at once, at most.
const maxHolds = 8

// patient is for how long a waiter lets others pass before a deployment is held for it, in
// tenths of the time that it would wait if it were alone.
const patient = 15

// wait sets when a deployment is held for a waiter that would wait for alone
// nanoseconds if it were alone.
func (w *waiter) wait(now, alone int64) {
	if alone < (math.MaxInt64-now)/patient {
		w.turn = now + alone*patient/10
	}
}
