package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// ValidFor sets that the shares of Absorb are valid for d from now, and that so many nodes
// share usage. If that time passes without another call, because the process or its syncer
// stood still, every window becomes stale. In a stale window this node may use, under each
// limit, at most 1/nodes of the rest of the limit by the counts that it has, rounded
// down, until an Absorb names the window. The same is true for windows that no Absorb has
// named yet: those of a new deployment, or of a minute that the syncer did not expect.
//
// A d of 0 or less ends that: windows are bounded by limits and ceilings alone, as before
// the first call. ValidFor reports whether the time of the call before had passed already.
//
// If nodes is 0 or less, their number is unknown, and a stale window admits nothing.
//
// A syncer calls it through Absorb, by a [window.Share] without an ID, about ten times a
// second. Calls must not overlap with each other or with Absorb.
func (e *Engine) ValidFor(d time.Duration, nodes int) (passed bool) {
	now, was := e.clock.Read(), e.validity.until.Load()
	if d <= 0 {
		e.validity.until.Store(0)
		e.eachGroup(now, func(g *Group) {
			g.revalidate((*handle).free)
			g.opened(g.view.Load())
		})
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
		e.eachGroup(now, func(g *Group) { g.revalidate((*handle).fallNow) })
	}
	return passed
}

// revalidate makes the group check the end of validity again, and sets the bounds of stale
// windows by bound. Under its mutex.
func (g *Group) revalidate(bound func(h *handle)) {
	g.stale = false
	for _, h := range g.view.Load().handles {
		bound(h)
	}
	g.wake.Store(g.next())
}
