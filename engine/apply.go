package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Apply replaces the configuration while requests go on. Deployments that keep
// their ID keep their usage, leases and learned means, whatever group or limits
// they have now; removed ones take no more requests but keep their usage until
// its windows have passed, so that adding them again does not double a limit.
// Handles stay valid. A configuration that [Config.Validate] rejects, or that
// changes what New has fixed, changes nothing and is returned as an error.
//
// Requests of a group that changes wait while its windows are swapped; those of
// other groups do not.
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

// apply lays out every group anew: first the new frames are built, then the old
// cells are sealed and copied, then the new frames are published. A writer that
// meets a sealed cell waits for the publication and finds the cell again.
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
	p := e.plan(&cfg)
	for _, g := range p.groups {
		g.mu.Lock()
	}
	p.roll()
	p.assign(&cfg)
	p.gather(&cfg)
	p.build(cfg.Strategy)
	p.move()
	p.publish()
	for _, g := range p.groups {
		g.mu.Unlock()
	}
	p.name(&cfg)
	e.maxWaiters.Store(int64(cmp.Or(cfg.MaxWaiters, defaultWaiters)))
	for _, g := range p.groups {
		g.line.recall()
	}
}

// plan is an Apply in progress.
type plan struct {
	e      *Engine
	groups []*Group // all there were, then the new ones
	byName map[string]*Group
	now    int64

	live, removed map[*Group][]*handle
	old           map[*handle]place   // where a handle's cells are now
	places        map[*handle]*place  // where they will be, if elsewhere
	dirty         map[*Group]bool     // what changes
	frames        map[*Group]*frame   // of the groups that change
	from          map[*Group][]cellAt // where the frames' cells are copied from
}

// cellAt is a cell in the frames of a group that are about to be replaced; the
// zero value is none.
type cellAt struct {
	g   *Group
	cur *frame
	i   int
}

func newPlan(e *Engine, groups []*Group, now int64) *plan {
	return &plan{
		e: e, groups: groups, byName: map[string]*Group{}, now: now,
		live: map[*Group][]*handle{}, removed: map[*Group][]*handle{},
		old: map[*handle]place{}, dirty: map[*Group]bool{}, frames: map[*Group]*frame{},
		from: map[*Group][]cellAt{}, places: map[*handle]*place{},
	}
}

// plan lists the groups that there are and that there will be.
func (e *Engine) plan(cfg *Config) *plan {
	p := newPlan(e, slices.Clone(*e.all.Load()), e.clock.Read())
	for _, g := range p.groups {
		p.byName[g.name] = g
	}
	for i := range cfg.Deployments {
		name := cfg.Deployments[i].Group
		if p.byName[name] == nil {
			g := &Group{e: e, clock: e.clock, name: name, line: newLine()}
			g.cur.Store(newFrame(newLayout(e, cfg.Strategy, nil, nil), window.EpochAt(p.now)))
			p.byName[name] = g
			p.groups = append(p.groups, g)
		}
	}
	return p
}

// roll brings all groups to one epoch.
func (p *plan) roll() {
	for _, g := range p.groups {
		p.now = max(p.now, window.Start(g.cur.Load().Epoch))
	}
	for _, g := range p.groups {
		g.turnLocked(p.now)
	}
}

// assign gives every deployment its handle, its group and its configuration,
// and finds out which groups change.
func (p *plan) assign(cfg *Config) {
	configured := make(map[*handle]bool, len(cfg.Deployments))
	applied := map[*Group][]Deployment{}
	for i := range cfg.Deployments {
		d := cfg.Deployments[i]
		d.Tags = slices.Clone(d.Tags)
		h, ok := p.e.handles.Load(d.ID)
		if !ok {
			h = &handle{heard: &heard{}, ledger: &ledger{}, days: &days{}, e: p.e, clock: p.e.clock, id: d.ID, seed: seedOf(d.ID)}
		}
		g := p.byName[d.Group]
		if h.configure(d, cfg.ExpectedOutput, window.EpochAt(p.now), p.now) {
			p.dirty[g] = true
		}
		configured[h] = true
		if o := h.place.Load(); o != nil && o.g != g {
			p.dirty[o.g] = true
		}
		p.live[g] = append(p.live[g], h)
		applied[g] = append(applied[g], d)
	}
	for _, g := range p.groups {
		p.dirty[g] = p.dirty[g] || g.cur.Load().strategy != cfg.Strategy || !slices.EqualFunc(g.applied, applied[g], Deployment.equal)
		g.applied = applied[g]
		p.retire(g, configured)
	}
}

// retire lists the removed handles that stand in a group, those with nothing
// left to count last.
func (p *plan) retire(g *Group, configured map[*handle]bool) {
	f := g.cur.Load()
	var spent []*handle
	for i, h := range f.handles {
		p.old[h] = place{g, i}
		if configured[h] {
			continue
		}
		if !h.gone {
			h.gone, h.goneSince = true, f.Epoch
		}
		if h.lingers(f.Epoch) {
			p.removed[g] = append(p.removed[g], h)
		} else {
			spent = append(spent, h)
		}
	}
	p.removed[g] = append(p.removed[g], spent...)
}

func (d Deployment) equal(o Deployment) bool {
	return d.ID == o.ID && d.Group == o.Group && d.Model == o.Model && d.Limits == o.Limits && d.Margin == o.Margin &&
		d.DefaultMaxOutput == o.DefaultMaxOutput && d.Profile == o.Profile && d.Weight == o.Weight && d.Disabled == o.Disabled && d.Order == o.Order && slices.Equal(d.Tags, o.Tags)
}

// build makes the new frames, caps still closed.
func (p *plan) build(s Strategy) {
	ahead := p.ahead()
	for _, g := range p.groups {
		if !p.dirty[g] {
			continue
		}
		l := newLayout(p.e, s, p.live[g], p.removed[g])
		l.line = g.line
		f := newFrame(l, g.cur.Load().Epoch)
		f.prev.Store(newFrame(l, f.Epoch-1))
		p.frames[g] = f
		p.from[g] = make([]cellAt, len(l.handles))
		for i, h := range l.handles {
			if o, ok := p.old[h]; ok {
				p.from[g][i] = cellAt{o.g, o.g.cur.Load(), o.i}
			}
			if o := h.place.Load(); o == nil || *o != (place{g, i}) {
				p.places[h] = &place{g, i}
			}
		}
		for i, h := range l.handles {
			if sh, ok := ahead[h]; ok {
				if g.next == nil {
					g.next = newFrame(l, f.Epoch+1)
				}
				g.next.shares[i] = sh
			}
		}
	}
}

// ahead takes the groups' next frames, if they have them already, and returns
// what was absorbed into them.
func (p *plan) ahead() map[*handle]share {
	shares := map[*handle]share{}
	for _, g := range p.groups {
		n := g.next
		if n == nil || !p.dirty[g] {
			continue
		}
		g.next = nil
		for i, h := range n.handles {
			if n.Epoch == g.cur.Load().Epoch+1 && n.shares[i] != noShare {
				shares[h] = n.shares[i]
			}
		}
	}
	return shares
}

// move seals the old cells and copies them into the new frames.
func (p *plan) move() {
	for g, f := range p.frames {
		before := f.prev.Load()
		for i, o := range p.from[g] {
			if o.g == nil {
				f.recap(i)
				continue
			}
			f.inherit(i, o.cur, o.i)
			f.recap(i)
			h := f.handles[i]
			if b := o.cur.prev.Load(); b != nil && b.has(o.i, h) {
				if b.Epoch == before.Epoch {
					before.inherit(i, b, o.i)
				} else {
					o.g.foldCell(b, o.i, h)
				}
			}
		}
	}
	for g := range p.frames { // what dropped handles left in the previous window
		f := g.cur.Load()
		if b := f.prev.Load(); b != nil {
			for i := len(f.handles); i < len(b.handles); i++ {
				g.foldCell(b, i, b.handles[i])
			}
		}
	}
}

// inherit takes over a cell of an older frame of the same epoch.
func (f *frame) inherit(i int, old *frame, j int) {
	f.cells[i].CopyFrom(&old.cells[j])
	f.shares[i] = old.shares[j]
	f.foreign[i].tokens, f.foreign[i].requests = old.foreign[j].load()
}

// publish gives every handle its place and every group its frame. Places come
// first: whoever finds place and frame at odds waits.
func (p *plan) publish() {
	for h, at := range p.places {
		h.place.Store(at)
	}
	for g, f := range p.frames {
		g.publish(f)
	}
}

// name publishes handles, groups and aliases, and forgets empty groups.
func (p *plan) name(cfg *Config) {
	e := p.e
	kept := make([]*Group, 0, len(p.groups))
	names := map[string]*Group{}
	configured := map[string]bool{}
	for i := range cfg.Deployments {
		configured[cfg.Deployments[i].Group] = true
	}
	for _, g := range p.groups {
		f := g.cur.Load()
		if len(f.handles) == 0 {
			e.forget(g)
			continue
		}
		kept = append(kept, g)
		if configured[g.name] {
			names[g.name] = g
		}
		for _, h := range f.handles {
			e.handles.Store(h.id, h)
			if h.place.Load() == nil { // dropped meanwhile
				h.unname()
			}
		}
	}
	for alias := range cfg.Aliases {
		if to, err := cfg.resolve(alias, configured); err == nil {
			names[alias] = p.byName[to]
		}
	}
	e.all.Store(&kept)
	for name, g := range names {
		e.groups.Store(name, g)
	}
	e.groups.Range(func(name string, _ *Group) bool {
		if names[name] == nil {
			e.groups.Delete(name)
		}
		return true
	})
}

// forget keeps the counts of a group that has no deployments left. Under mu.
func (e *Engine) forget(g *Group) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e.past.add(g.past)
	for l := range g.refusals {
		e.refused[l] += g.refusals[l].Load()
	}
}
