package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// ValidFor says that what Absorb has brought is valid for d from now, of so many nodes that
// share usage. When that time passes without another call, because the process stood still
// or its syncer did, every window becomes stale: this node then admits no more of it than
// one of the nodes' equal shares of what is left of each limit as it knows it, rounded
// down, until an Absorb names the window. The same holds of windows that no Absorb has
// named yet: those of a new deployment, or of a minute that the syncer did not expect.
//
// 0 or less ends that: windows are bounded by limits and ceilings alone, as they are before
// the first call. It reports whether the time given before had passed already.
//
// Nodes 0 or less means that their number is unknown: then a stale window admits nothing.
//
// A syncer calls it by way of Absorb, with a [window.Share] without an ID, about ten times a
// second; calls do not overlap with each other or with Absorb.
func (e *Engine) ValidFor(d time.Duration, nodes int) (passed bool) {
	now, was := e.clock.Read(), e.validity.until.Load()
	if d <= 0 {
		e.validity.until.Store(0)
		e.eachGroup(now, func(g *Group) { g.freeAll() })
		return false
	}
	part := counter.PartOf(0)
	if nodes > 0 {
		part = counter.PartOf(1 / float64(nodes))
	}
	e.validity.part.Store(uint32(part))
	if passed = was != 0 && now >= was; passed {
		e.turn(now)
	}
	e.validity.until.Store(now + int64(d))
	if e.validity.stale.Swap(false) || was == 0 {
		e.eachGroup(now, func(g *Group) { g.revive() })
	}
	return passed
}

// revive has the group look at the end of validity again. Under its mutex.
func (g *Group) revive() {
	g.stale = false
	for _, h := range g.view.Load().handles {
		h.fallNow()
	}
	g.wake.Store(g.next())
}

// freeAll ends the bounds of stale windows. Under the group's mutex.
func (g *Group) freeAll() {
	g.stale = false
	for _, h := range g.view.Load().handles {
		h.free()
	}
	g.wake.Store(g.next())
	g.opened(g.view.Load())
}
