package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Apply replaces the configuration while requests go on; until it returns they may be decided
// by the earlier one. Deployments that keep
// their ID keep their usage, leases and learned means, whatever group or limits
// they have now. Removed ones get no more requests but keep their usage until
// its windows have ended, so that adding them again does not double a limit.
// Every Group, Ref, CallerRef and Lease stays valid. A configuration that [Config.Validate]
// rejects, or that changes a field that New has fixed, changes nothing; Apply returns an error
// that names each problem.
func (e *Engine) Apply(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := e.fixed(&cfg); err != nil {
		return err
	}
	e.apply(cfg)
	return nil
}

// apply publishes a new view of every group that changes (protocol 5). No counter moves: a
// deployment that changes its group is turned by the other group from now on.
func (e *Engine) apply(cfg Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cfg.ExpectedOutput == 0 {
		cfg.ExpectedOutput = defaultOutput
	}
	e.assumed.Store(cfg.ExpectedOutput)
	e.quantile.Store(math.Float64bits(cfg.OutputQuantile + 0)) // no negative zero
	classes := partsOf(cfg.PriorityShare)
	e.parts.Store(&classes)
	e.classes.Store(int64(len(classes)))
	e.round++
	cfg.Deployments = slices.Clone(cfg.Deployments) // the handles keep these
	p := e.plan()
	for _, g := range p.groups { // always in this order (docs/CORE.md, lock order)
		g.mu.Lock()
	}
	e.countLeases = strategies[cfg.Strategy].key == byLeases
	p.turn()
	p.assign(&cfg)
	e.gatherPools(&cfg, p.byName, p.at.Now)
	for _, g := range p.groups {
		p.retire(g)
		if g.dirty { // Seats and groups come first: a caller that frees capacity reaches the new view's blocks (protocol 5).
			g.show(newView(&e.common, cfg.Strategy, g.live))
		}
	}
	p.name(&cfg)
	for _, g := range p.groups {
		g.mu.Unlock()
	}
	e.maxWaiters.Store(int64(cmp.Or(cfg.MaxWaiters, defaultWaiters)))
	for _, g := range p.groups {
		g.line.Reevaluate()
	}
}

// plan is an Apply in progress.
type plan struct {
	e      *Engine
	at     counter.At
	groups []*planned // the callers' group, the existing ones, then the new ones
	byName map[string]*planned
}

// planned is a group in an Apply.
type planned struct {
	*Group
	live  []*handle // the deployments configured for the group, by Order, those of large groups then by widest
	dirty bool      // the group needs a new view
}

// plan lists the existing groups.
func (e *Engine) plan() *plan {
	p := &plan{e: e, byName: map[string]*planned{}}
	p.add(e.callerGroup)
	for _, g := range *e.all.Load() {
		p.add(g)
	}
	return p
}

func (p *plan) add(g *Group) *planned {
	in := &planned{Group: g}
	p.groups, p.byName[g.name] = append(p.groups, in), in
	return in
}

// group returns the group of deployments with a name, a new one if there is none. A new group is
// locked as all others are; show stores its wake.
func (p *plan) group(name string) *planned {
	g := p.byName[name]
	if g == nil {
		g = p.add(p.e.newGroup(name, &p.e.ids))
		g.mu.Lock()
		g.epoch.Store(p.at.Epoch)
		g.due = window.Start(p.at.Epoch + 1)
	}
	return g
}

// turn turns all groups to one minute. It is not before that of any group of this engine, also of
// removed ones, because no reading of a clock is below the latest minute that it has shown.
func (p *plan) turn() {
	now := p.e.clock.Read()
	p.at = counter.At{Epoch: window.EpochAt(now), Now: now}
	for _, g := range p.groups {
		g.turnLocked(now)
	}
}

// assign gives every deployment and caller its handle, its group and its configuration,
// and marks the groups that change.
func (p *plan) assign(cfg *Config) {
	callers := make([]*handle, len(cfg.Callers))
	for i := range cfg.Callers {
		callers[i] = p.e.handleOf(&p.e.callers.ids, cfg.Callers[i].ID)
		callers[i].call(&cfg.Callers[i])
	}
	p.e.callers.seat(callers)
	for i, h := range callers {
		d := cfg.Callers[i].asDeployment()
		p.place(h, &d, p.groups[0], cfg.ExpectedOutput)
	}
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		p.place(p.e.handleOf(&p.e.ids, d.ID), d, p.group(d.Group), cfg.ExpectedOutput)
	}
	for i, g := range p.groups {
		large := i > 0 && len(g.live) > order.IndexFrom // searched by blocks, of deployments alike if possible
		slices.SortStableFunc(g.live, func(a, b *handle) int {
			if by := cmp.Compare(a.cfg.Order, b.cfg.Order); by != 0 || !large {
				return by
			}
			return cmp.Compare(a.widest(), b.widest())
		})
		v := g.view.Load()
		if g.dirty = g.dirty || v.strategy != cfg.Strategy || !slices.Equal(v.handles, g.live); g.dirty {
			g.views.Add(1) // of all groups before the first seat changes (protocol 5)
		}
	}
}

// widest returns the most tokens that a request may have on a deployment by its limits per
// minute.
func (h *handle) widest() int64 { return min(h.tokenCap, capOf(h.cfg.Limits.InputTPM)) }

// place configures a deployment or a caller, which belongs to a group from now on.
func (p *plan) place(h *handle, d *Deployment, g *planned, expected int64) {
	if h.configure(d, expected, p.e.pool(d.Profile.Pool, p.e.round), p.e.round, p.at) {
		g.dirty = true
	}
	if h.group.Load() == nil {
		h.begin(p.at.Epoch)
		g.ids.handles.Store(d.ID, h)
	}
	g.live = append(g.live, h)
}

// retire removes the deployments of a group that are no longer configured from its view. They
// stay with the group, which turns them, until handle.dropped drops them.
func (p *plan) retire(g *planned) {
	was := slices.Concat(g.view.Load().handles, g.removed)
	g.removed = nil
	for _, h := range was {
		if h.round == p.e.round {
			continue
		}
		if !h.removed {
			h.removed, h.removedSince = true, p.at.Epoch
			h.keepOwn()
			h.recap()
		}
		h.seat.Store(nil)
		g.removed = append(g.removed, h)
	}
}

// name publishes the names of groups and aliases, and forgets empty groups.
func (p *plan) name(cfg *Config) {
	e := p.e
	kept := make([]*Group, 0, len(p.groups))
	names, meant := map[string]*Group{}, map[string]string{}
	configured := map[string]bool{}
	for _, g := range p.groups[1:] {
		if g.view.Load().n+len(g.removed) == 0 {
			e.forget(g.Group)
			continue
		}
		kept = append(kept, g.Group)
		if len(g.live) != 0 {
			configured[g.name], names[g.name] = true, g.Group
		}
	}
	wild := patternsOf(configured)
	for alias := range cfg.Aliases {
		if to, name, err := cfg.resolve(alias, configured, wild); err == nil {
			names[alias] = p.byName[to].Group
			if name != "" {
				meant[alias] = name
			}
		}
	}
	e.meant.Store(&meant)
	e.all.Store(&kept)
	for name, g := range names {
		e.groups.Store(name, g)
	}
	e.patterns.Store(&wild) // after new groups are in the map, and before old ones leave it
	e.groups.Range(func(name string, _ *Group) bool {
		if names[name] == nil {
			e.groups.Delete(name)
		}
		return true
	})
}

// forget adds the counts of a group that has no deployments left to the engine's. Under
// Engine.mu and the group's mutex.
func (e *Engine) forget(g *Group) {
	e.folded.add(g.folded)
	g.folded = totals{}
	for l := range g.refusals {
		e.refused[l] += g.refusals[l].Swap(0)
	}
}

// fixed returns an error that names the fields of c that Apply cannot change.
func (e *Engine) fixed(c *Config) error {
	var p problems
	if c.Clock != nil && c.Clock != e.clock {
		p.addf("Clock: differs from the engine's; leave it nil, it is fixed by New")
	}
	if c.LeaseTTL != 0 && c.LeaseTTL != e.ttl {
		p.addf("LeaseTTL: is %v but the engine's is %v; leave it 0, it is fixed by New", c.LeaseTTL, e.ttl)
	}
	return p.err()
}
