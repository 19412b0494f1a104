package engine

import (
	"iter"
	"maps"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes hold the limits of a pool as an account of its own, under the pool's name: what all
// of its deployments use of them on this node, in whatever group.

// eachPool yields the pools by name. Under mu.
func (e *Engine) eachPool(do func(name string, p *pool)) {
	for _, name := range slices.Sorted(maps.Keys(e.pools)) {
		do(name, e.pools[name])
	}
}

// beside returns the counter of a pool that a granted one stands beside; nil if there is none.
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

// grantedIn yields a pool's granted limits in windows of a kind. Under mu.
func (p *pool) grantedIn(kind window.Kind) iter.Seq[*poolCounter] {
	return func(yield func(*poolCounter) bool) {
		for i := range p.counters {
			if c := &p.counters[i]; c.Granted && c.In == kind && !yield(c) {
				return
			}
		}
	}
}

// absorbPool takes in a share of a pool's limits.
func (e *Engine) absorbPool(name string, in *window.Share) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.pools[name]
	if p == nil {
		return
	}
	at, changed := counter.At{Now: e.clock.Read()}, false
	for c := range p.grantedIn(in.Kind) {
		if c.set == 0 { // it counts requests, and bounds none
			continue
		}
		changed = grant(c.Limit, in, at) || changed
		if of := p.beside(c); of != nil {
			countOthers(of, c.Limit, at)
		}
	}
	if changed {
		p.ring()
	}
}

// collectPools reports what this node has used of the pools' granted limits.
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

// listPools appends a report of the current window of each kind of the pools' granted limits.
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

// wanted adds what one of a pool's deployments should be granted more.
func (p *pool) wanted(w window.Want) {
	if p != nil {
		p.want = p.want.Plus(w)
	}
}

// wantOfPools appends what the pools should be granted more.
func (e *Engine) wantOfPools(dst []window.Want) []window.Want {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.eachPool(func(name string, p *pool) {
		w := p.want
		p.want = window.Want{}
		w.Vain = 0 // the deployment says it
		if w.Missed|w.Waiting != 0 && slices.ContainsFunc(p.counters, func(c poolCounter) bool { return c.HeldByGrants() }) {
			w.ID = window.PoolPrefix + name
			dst = append(dst, w)
		}
	})
	return dst
}
