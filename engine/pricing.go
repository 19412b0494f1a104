package engine

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
)

// price returns the least that a demand would be charged on any deployment, in
// each dimension.
func (g *Group) price(d *Demand, p *pricing) (least amounts) {
	var q query
	if !q.fill(&g.owner, d, true) {
		return amounts{} // the demand has become invalid, and is dismissed in this dispatch
	}
	q.most = min(q.most, p.floor)
	v := p.view
	if !q.learn && !v.rated {
		q.count(&least, q.tokens)
		return least
	}
	least = queue.NoCost
	for i, h := range v.handles {
		a := q.amountsOn(h, v.limitsOf(i))
		queue.Lower(&least, &a)
	}
	if least == queue.NoCost {
		return amounts{}
	}
	return least
}

// reprice computes all charges again if the configuration or the learned outputs have changed.
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
		for w := range q.All() {
			q.Charge(w, g.price(w.d, &l.pricing))
		}
	}
}
