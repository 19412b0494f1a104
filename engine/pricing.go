package engine

import "math"

// price returns the least that a demand would be charged on any deployment, in
// each dimension.
func (g *Group) price(d *Demand, p *pricing) amounts {
	var q ask
	if !q.fill(&g.owner, d, true) {
		return amounts{} // it is about to be dismissed
	}
	q.most = min(q.most, p.floor)
	v := p.view
	if !q.learn && !v.rated {
		return q.amounts(q.tokens)
	}
	least := noCharge
	for i, h := range v.handles {
		a := q.amountsOn(h, v.limitsOf(i))
		least.lower(&a)
	}
	if least == noCharge {
		return amounts{}
	}
	return least
}

// reprice brings all charges up to date if the configuration has changed, or what
// deployments have learned.
func (g *Group) reprice() {
	l, v := g.line, g.view.Load()
	expected := int64(math.MaxInt64)
	shared := g.expected()
	for _, h := range v.handles {
		expected = min(expected, h.expected(shared))
	}
	if l.pricing.holds(v, expected) {
		return
	}
	l.pricing = pricing{v, expected - expected/4}
	for _, q := range l.queues {
		for _, w := range q.waiters[:q.end] {
			if w != nil {
				q.charge(w, g.price(w.d, &l.pricing))
			}
		}
	}
}
