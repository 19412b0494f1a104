package engine

import (
	"iter"
	"maps"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes exchange the usage of a pool by the pool's own ID ([window.PoolPrefix]): the usage of
// all of its deployments on this node, in whatever group.

// eachPool runs do for the pools in the order of their names. Under Engine.mu.
func (e *Engine) eachPool(do func(name string, p *pool)) {
	for _, name := range slices.Sorted(maps.Keys(e.pools)) {
		do(name, e.pools[name])
	}
}

// beside returns the counter of the limit that nodes hold by a granted one; nil if there is none.
func (p *pool) beside(g *poolCounter) *counter.Limit {
	of := g.Rule
	of.Granted, of.In = false, 0
	if g.In == window.KindSlice {
		of = counter.Rule{Shape: counter.Level}
	}
	for i := range p.counters {
		if c := &p.counters[i]; c.kind == g.kind && c.Rule == of {
			return c.Limit
		}
	}
	return nil
}

// grantedIn yields a pool's granted limits over windows of a kind. Under Engine.mu.
func (p *pool) grantedIn(kind window.Kind) iter.Seq[*poolCounter] {
	return func(yield func(*poolCounter) bool) {
		for i := range p.counters {
			if c := &p.counters[i]; c.Granted && c.In == kind && !yield(c) {
				return
			}
		}
	}
}

// absorbPool applies a share of a pool's limits.
func (e *Engine) absorbPool(name string, in *window.Share) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.pools[name]
	if p == nil {
		return
	}
	at, changed := counter.At{Now: e.clock.Read()}, false
	for c := range p.grantedIn(in.Kind) {
		changed = grant(c.Limit, in, at) || changed
		if of := p.beside(c); of != nil {
			countOthers(of, c.Limit, at)
		}
	}
	if changed {
		p.ring()
	}
}

// collectPools appends reports of this node's usage of the pools' granted limits.
func (e *Engine) collectPools(dst []window.Report, now int64) []window.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := counter.At{Now: now}
	e.eachPool(func(name string, p *pool) {
		asked := p.asked
		p.asked = false
		for kind := range window.Kind(window.Kinds) {
			var grants grantReport
			for c := range p.grantedIn(kind) {
				if of := p.beside(c); of != nil {
					countOthers(of, c.Limit, at)
				}
				grants.add(c.Limit, c.set, at)
			}
			dst = grants.append(dst, window.PoolPrefix+name, asked)
		}
	})
	return dst
}

// listPools appends reports of the current windows of the pools' granted limits, without usage.
func (e *Engine) listPools(dst []window.Report, now int64) []window.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := counter.At{Now: now}
	e.eachPool(func(name string, p *pool) {
		for kind := range window.Kind(window.Kinds) {
			var grants grantReport
			for c := range p.grantedIn(kind) {
				grants.list(c.Limit, c.set, at)
			}
			dst = grants.append(dst, window.PoolPrefix+name, true)
		}
	})
	return dst
}

// wanted adds the Want of one of the pool's deployments to the pool's. A nil pool has none.
func (p *pool) wanted(w window.Want) {
	if p != nil {
		p.want = p.want.Plus(w)
	}
}

// wantOfPools appends the Wants of the pools, and clears them.
func (e *Engine) wantOfPools(dst []window.Want) []window.Want {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.eachPool(func(name string, p *pool) {
		w := p.want
		p.want = window.Want{}
		w.Vain = 0 // the deployment's own Want has it
		if w.Missed|w.Waiting != 0 && slices.ContainsFunc(p.counters, func(c poolCounter) bool { return c.HeldByGrants() }) {
			w.ID = window.PoolPrefix + name
			dst = append(dst, w)
		}
	})
	return dst
}
