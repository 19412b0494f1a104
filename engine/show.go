package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// show publishes a view of the group.
func (g *Group) show(v *view) {
	for _, h := range v.handles {
		h.countHeld()
	}
	if &g.owner == g.callers.owner {
		showCallers(v)
	} else {
		v.seats()
	}
	all := gates{due: window.Start(g.epoch.Load() + 1)}
	for _, h := range v.handles {
		h.group.Store(&g.owner)
		h.fall()
		h.recap()
		all.add(h)
	}
	g.view.Store(v)
	g.views.Add(1)
	g.rouse(all.due)
	g.line.Ring()
}

// showCallers publishes the limits of the callers of a view. Under the group's mutex.
func showCallers(v *view) {
	for _, h := range v.handles {
		h.caller.limits.Store(h.limits.Load())
	}
}

// closeTries bounds how long countHeld waits for attempts half way.
const closeTries = 10_000

// countHeld has a new limit on leases count those that are held already. Attempts by
// the list before, which do not reserve a lease, are kept out and waited for.
func (h *handle) countHeld() {
	if !h.uncounted {
		return
	}
	h.uncounted = false
	if h.group.Load() == nil {
		return
	}
	for p := range int64(2) {
		if h.hot[p].Shift(0, 0, counter.Disabled, 0) {
			h.flight.Undo(h.e.slot(h.plain[p].tokens.Window))
		}
	}
	for range closeTries {
		if h.hot[0].Half()|h.hot[1].Half() == 0 {
			break
		}
		runtime.Gosched()
	}
	held, now := int64(0), h.e.slot(h.turned)
	for k := now - h.e.slotTTL; k <= now; k++ {
		held += h.flight.Count(k, h.unfolded(k))
	}
	h.limits.Load().gauge.Count(counter.At{}, held)
}

// relimit puts into force what a handle's provider has reported, or what is left
// of that: the group gets a new view, as with an Apply. Usage and leases stay.
// It holds the group's mutex and no other: only what all groups of a pool share
// needs more, and deployments of a pool follow no reports.
func (g *Group) relimit(now int64, of ...*handle) {
	at := counter.At{Epoch: g.epoch.Load(), Now: max(now, window.Start(g.epoch.Load()))}
	for _, h := range of {
		if !h.gone {
			h.put(g.e.assumed.Load(), h.limits.Load().pooled(), at, true, true)
		}
	}
	v := g.view.Load()
	g.show(newView(g.e, v.strategy, v.handles))
	g.line.Reevaluate()
}

// spare reports whether the group has another deployment that takes requests.
func (g *Group) spare(but *handle) bool {
	for _, h := range g.view.Load().handles {
		if h != but && h.enabled && !h.gone && !h.breaker.Cooling() {
			return true
		}
	}
	return false
}
