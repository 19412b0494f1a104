package engine

import "math/bits"

// Pick returns the deployment to which a request should go. It reserves nothing:
// call [Ref.PreCheck] next, or use TryAcquire instead. False: the demand fits on no deployment,
// or is invalid.
func (g *Group) Pick(d Demand) (Ref, bool) {
	r, _ := g.pick(&d, false)
	return r, r.h != nil
}

// pick is Pick with the reason of a refusal. If one search of plain deployments finds the best,
// it returns that; otherwise pickAny searches in general. If quiet is set, a refusal is not
// counted, because the caller may try again.
func (g *Group) pick(d *Demand, quiet bool) (Ref, decision) {
	indexMissed := false
	if n, ok := d.named(); ok && d.plain() && g.view.Load().simple && g.clock.Now() < g.wake.Load() {
		g.noteAsked()
		if e, v := g.epoch.Load(), g.view.Load(); v.plain() {
			i := -1
			if v.small {
				i = v.best(e, n)
			} else {
				i, indexMissed = v.bestIndexed(e, n)
			}
			if i >= 0 {
				return Ref{v.handles[i]}, decision{}
			}
		}
	}
	return g.pickAny(d, quiet, indexMissed)
}

// pickAny is pick for any demand and any view. IndexMissed is set if a search by bounds has
// just found none.
func (g *Group) pickAny(d *Demand, quiet, indexMissed bool) (Ref, decision) {
	var q query
	if !g.fillQuery(&q, d, false) {
		return Ref{}, decision{why: whyInvalid}
	}
	q.quiet, q.indexMissed = quiet, indexMissed
	if d.Caller.h != nil {
		return g.pickCalled(d, q)
	}
	if len(d.Exclude)|len(d.Tags) != 0 {
		return g.pickFiltered(d, q)
	}
	return g.pickFor(&q)
}

// pickCalled is pick for a demand that names a caller.
//
//go:noinline
func (g *Group) pickCalled(d *Demand, q query) (Ref, decision) {
	if by := (called{owner: g.callers.of(d.Caller.h)}); !by.admits(&g.owner, &q, true) {
		return Ref{}, by.refused(&g.owner, &q)
	}
	return g.pickFiltered(d, q)
}

func (g *Group) pickFiltered(d *Demand, q query) (Ref, decision) {
	l := filter{demand: d}
	q.filter = &l
	return g.pickFor(&q)
}

func (g *Group) pickFor(q *query) (Ref, decision) {
	g.noteAsked()
	v, c, refused := g.seek(q)
	if c.i < 0 {
		return Ref{}, refused
	}
	return Ref{v.handles[c.i]}, decision{}
}

// hasNoRoom reports that a waiter's demand, which has a filter, fits on no deployment. It neither
// ranks nor finds the reason, as most demands in a queue do not fit and no reason is needed.
//
// True is as sound as a refusal by searchExhaustive. The deployments were compared at a fresh reading of
// the clock. The sum of all blocks' seq, read before the first counter and after the last, is the
// same, so no capacity was freed meanwhile (protocol 3). The tags of each pair, and the attempts
// of its pool, were equal before and after, so no attempt was half way (protocol 4). The minute
// is not over (protocol 2), and neither the view (protocol 5) nor the group was replaced.
//
// False: the demand fits on some deployment, or one of these conditions does not hold and a
// search must decide. A view that is not timeDependent is left to the search, which remembers the
// headroom of its blocks and need not read all of them.
func (g *Group) hasNoRoom(q *query) bool {
	g.noteAsked() // as pickFor and a refusal do: a waiter without room needs grants
	v := g.readView(&q.reading)
	if !v.timeDependent {
		return false
	}
	q.refresh(g.clock)
	q.filter.resolve(v)
	moves, blocks := v.moves(), v.blocks[q.at.Epoch&1]
	for b := range blocks {
		blocks[b].Watch()
		for mask := q.mask(v, b); mask != 0; mask &= mask - 1 {
			i := int(v.starts[b]) + bits.TrailingZeros16(mask)
			pair, pool := v.pair(i, q), v.limitsOf(i).pooled()
			ended, attempts := pair.Ended(), pool.attempts()
			fits := v.fits(i, q)
			if half, _ := pair.Since(ended); fits || half != 0 || pool.halfWay(attempts) {
				return false
			}
		}
	}
	return v.moves() == moves && !g.again(v, &q.reading) && g.successor() == nil
}

// seek returns the view and the deployment of it that the search chooses. If there is none
// (-1), the decision has the reason. A refusal is repeated until it stands: see again and
// successor.
func (g *Group) seek(q *query) (*view, choice, decision) {
	for {
		v := g.readView(&q.reading)
		c := v.choose(q)
		if c.i >= 0 {
			return v, c, decision{}
		}
		if g.again(v, &q.reading) {
			continue
		}
		if h := g.successor(); h != nil {
			g, q.fresh = h, false
			continue
		}
		g.refuse(c.why, q.tokens, q.input, false, q.quiet)
		return v, c, decision{why: c.why, at: q.now}
	}
}
