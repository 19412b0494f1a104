package engine

import (
	"runtime"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// show publishes a view of the group: the limits and the seats, then the groups and caps of
// its deployments, then the view (protocol 5). The caller has made views odd. Under the group's
// mutex.
func (g *Group) show(v *view) {
	for _, h := range v.handles {
		h.countHeld()
	}
	if &g.owner == g.callers.owner {
		for _, h := range v.handles {
			h.caller.limits.Store(h.limits.Load())
		}
	} else {
		v.seats()
	}
	all := gates{due: window.Start(g.epoch.Load() + 1)}
	for _, h := range v.handles {
		if h.group.Load() != &g.owner {
			h.group.Store(&g.owner)
		}
		h.fall()
		h.recap()
		all.add(h)
	}
	invariants.Check(func() bool { return g.views.Load()&1 != 0 }, "views is odd while seats change (protocol 5)")
	g.view.Store(v)
	g.views.Add(1)
	g.rouse(all.due)
	g.line.Ring()
}

// closeTries is how often countHeld yields the processor to attempts half way.
const closeTries = 10_000

// countHeld makes a new limit on leases count those that are held already. Attempts by
// the earlier list do not count in it, so countHeld closes the pair and waits until none of
// them is half way (protocol 4).
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
	for n := 0; n < closeTries && h.hot[0].Half()|h.hot[1].Half() != 0; n++ {
		runtime.Gosched()
	}
	held, now := int64(0), h.e.slot(h.turned)
	for k := now - h.e.slotTTL; k <= now; k++ {
		held += h.flight.Count(k, h.unfolded(k))
	}
	h.limits.Load().gauge.Count(counter.At{}, held)
}

// relimit puts into force what the providers of some deployments have reported, and publishes
// another view, as Apply does (protocol 5). Usage and leases stay. Under the group's mutex
// alone: only pools need Engine.mu, and reports do not change the limits of a pool.
func (g *Group) relimit(now int64, of ...*handle) {
	at := counter.At{Epoch: g.epoch.Load(), Now: max(now, window.Start(g.epoch.Load()))}
	for _, h := range of {
		if !h.removed {
			h.put(g.e.assumed.Load(), h.limits.Load().pooled(), at, true, true)
		}
	}
	v := g.view.Load()
	g.views.Add(1)
	g.show(newView(g.e, v.strategy, v.handles))
	g.line.Reevaluate()
}

// spare reports whether the group has another deployment that takes requests.
func (g *Group) spare(but *handle) bool {
	return slices.ContainsFunc(g.view.Load().handles, func(h *handle) bool {
		return h != but && h.enabled && !h.removed && !h.breaker.Cooling()
	})
}
