package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

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
	g.line.recall()
}
