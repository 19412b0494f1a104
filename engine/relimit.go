package engine

import "github.com/plimsoll-dev/plimsoll/window"

// relimit puts into force what a handle's provider has reported, or what is left
// of that: the group gets a new layout, as with an Apply. Usage and leases stay.
// It holds the group's mutex and no other: only what all groups of a pool share
// needs more, and deployments of a pool follow no reports.
func (g *Group) relimit(now int64, of ...*handle) {
	p := newPlan(g.e, []*Group{g}, now)
	p.roll()
	live := map[*handle]bool{}
	for _, o := range g.cur.Load().handles {
		if !o.gone {
			live[o] = true
			p.live[g] = append(p.live[g], o)
		}
	}
	for _, h := range of {
		if live[h] {
			h.put(g.e.assumed.Load(), h.meters.Load().pooled(), window.EpochAt(p.now), p.now, true)
		}
	}
	p.dirty[g] = true
	p.retire(g, live)
	p.build(g.cur.Load().strategy)
	p.move()
	p.publish()
	g.line.recall()
}
