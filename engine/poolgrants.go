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

// eachPool runs do for the pools in the order of their names, under Engine.mu.
func (e *Engine) eachPool(do func(name string, p *pool)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(e.pools)) {
		do(name, e.pools[name])
	}
}

// granted yields a pool's granted limits in windows of a kind. Under Engine.mu.
func (p *pool) granted(kind window.Kind) iter.Seq[grantedLimit] {
	return func(yield func(grantedLimit) bool) {
		for _, c := range p.counters {
			if !c.Granted || c.In != kind {
				continue
			}
			g := grantedLimit{Limit: c.Limit, set: c.set}
			if of := p.find(c.kind, ungranted(c.Rule)); of != nil {
				g.of = of.Limit
			}
			if !yield(g) {
				return
			}
		}
	}
}

// absorbPool applies a share of a pool's limits.
func (e *Engine) absorbPool(name string, in *window.Share) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.pools[name]; p != nil && absorbGrants(p.granted(in.Kind), in, counter.At{Now: e.clock.Read()}) {
		p.ring()
	}
}

// reportPools appends reports of the pools' granted limits: of this node's usage, or of the
// current windows without usage if list is set.
func (e *Engine) reportPools(dst []window.Report, now int64, list bool) []window.Report {
	e.eachPool(func(name string, p *pool) {
		dst = reportGrants(dst, window.PoolPrefix+name, p.granted, counter.At{Now: now}, p.asked || list, list)
		p.asked = p.asked && list
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
