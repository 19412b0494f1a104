package engine

import "github.com/plimsoll-dev/plimsoll/window"

// relimit lays the handle's group out anew, for what its provider has told of its
// rule. Usage and leases stay, as with an Apply.
func (e *Engine) relimit(h *handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := h.place.Load()
	if at == nil {
		return
	}
	g := at.g // only who holds mu moves a handle to another group
	p := newPlan(e, []*Group{g})
	g.mu.Lock()
	defer g.mu.Unlock()
	p.roll()
	live := map[*handle]bool{}
	for _, o := range g.cur.Load().handles {
		if !o.gone {
			live[o] = true
			p.live[g] = append(p.live[g], o)
		}
	}
	if live[h] {
		h.put(e.assumed, window.EpochAt(p.now), p.now)
	}
	p.dirty[g] = true
	p.retire(g, live)
	p.build(g.cur.Load().strategy)
	p.move()
	p.publish()
	g.line.recall()
}
