package engine

import "github.com/plimsoll-dev/plimsoll/window"

// locked runs do under the mutex of the deployment's group, which is turned to the
// current minute first. If the deployment has been dropped it does nothing.
func (h *handle) locked(do func(g *owner, now int64)) {
	now := h.e.clock.Read()
	if g := h.lockAt(now); g != nil {
		defer g.mu.Unlock()
		do(g, max(now, window.Start(g.epoch.Load())))
	}
}

// lockAt locks the deployment's group and turns it to the minute of an instant. Nil: the
// deployment has been dropped.
func (h *handle) lockAt(now int64) *owner {
	for {
		g := h.group.Load()
		if g == nil {
			return nil
		}
		g.mu.Lock()
		if h.group.Load() == g {
			if g.turnLocked(now); h.group.Load() == g { // else it was dropped
				return g
			}
		}
		g.mu.Unlock()
	}
}

// change runs do under the mutex of the deployment's group, then sets its caps again
// and marks the view.
func (h *handle) change(do func(now int64)) {
	h.locked(func(g *owner, now int64) {
		do(now)
		h.changed()
		g.bell.Reevaluate()
	})
}

// changed sets the caps again and marks the view. Under the group's mutex.
func (h *handle) changed() {
	h.recap()
	if g := h.group.Load(); h.nextDeadline() != 0 {
		g.rouse(h.nextDeadline())
	}
	h.capacityFreed(h.turned)
}
