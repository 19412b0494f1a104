package engine

import "math"

// pricing is what the charges in a line's queues rest on. Under the line's mutex.
type pricing struct {
	layout *layout // whose deployments' rates
	// floor is at most the output that any deployment expects of a demand that
	// names none. It is lower than that by a quarter, so that few samples make it
	// wrong.
	floor int64
}

// holds reports whether charges still are the least there are, and near it.
func (p *pricing) holds(f *frame, expected int64) bool {
	return p.layout == f.layout && p.floor <= expected && expected/2 <= p.floor+minFloor
}

// minFloor is the output up to which no pricing is too low.
const minFloor = 64

// price returns the least that a demand would be charged on any deployment, in
// each dimension.
func (g *Group) price(d *Demand, p *pricing) amounts {
	var q ask
	if !q.fill(g, d, true) {
		return amounts{} // it is about to be dismissed
	}
	q.most = min(q.most, p.floor)
	l := p.layout
	if !q.learn && !l.rated {
		return q.amounts(q.tokens)
	}
	least := nobody
	for i, h := range l.handles[:l.candidates()] {
		a := q.amountsOn(h, l.metersOf(i))
		least.lower(&a)
	}
	if least == nobody {
		return amounts{}
	}
	return least
}

// reprice brings all charges up to date if the configuration has changed, or what
// deployments have learned.
func (g *Group) reprice() {
	l, f := g.line, g.cur.Load()
	expected := int64(math.MaxInt64)
	shared := g.expected()
	for _, h := range f.handles[:f.candidates()] {
		expected = min(expected, h.expected(shared))
	}
	if l.pricing.holds(f, expected) {
		return
	}
	l.pricing = pricing{f.layout, expected - expected/4}
	for _, q := range l.queues {
		for _, w := range q.waiters[:q.end] {
			if w != nil {
				q.charge(w, g.price(w.d, &l.pricing))
			}
		}
	}
}
