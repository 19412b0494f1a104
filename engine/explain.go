package engine

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// Explain returns what Pick and TryAcquire would do with a demand, and why. It counts
// nothing, reads every deployment of the group, and allocates. An unknown
// group and an invalid demand are reported in Err.
func (e *Engine) Explain(group string, d Demand) Explanation {
	x := Explanation{Group: group, Demand: d}
	g, err := e.Group(group)
	if err != nil {
		x.Err = err
		return x
	}
	var pick, acquire query
	if !pick.fill(&g.owner, &d, false) || !acquire.fill(&g.owner, &d, true) {
		x.Err = d.invalidity(&e.common)
		return x
	}
	l := filter{demand: &d}
	pick.filter, acquire.filter = &l, &l
	x.Group = g.name
	x.fill(g, &pick, &acquire)
	if d.Caller.h != nil {
		x.besideCaller(g, &d, &pick, &acquire)
	}
	return x
}

// besideCaller changes the explanation of a demand that its caller's limits refuse.
func (x *Explanation) besideCaller(g *Group, d *Demand, pick, acquire *query) {
	now := g.clock.Read()
	v := decision{why: whyDisabled, caller: true, at: now}
	if w, may := pick.waitOfCaller(&g.owner, d, now); !may {
		v.why, x.Pick = whyNothing, nil
	} else if !w.fits() {
		x.Pick = nil
	}
	if err := acquire.refusalOfCaller(&g.owner, d, v, true, false); err != nil {
		x.Acquire, x.Err = nil, err
	}
}

func (x *Explanation) fill(g *Group, pick, acquire *query) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.lookLocked(acquire, g.clock.Read())
	pick.reading = acquire.reading
	for t := range v.tiers {
		t := &v.tiers[t]
		lower := len(x.Acquire) > 0
		preferred := -1
		if acquire.affinity != 0 {
			preferred = v.preferred(t, acquire)
		}
		for i := t.from; i < t.to; i++ {
			c := Candidate{State: v.handles[i].state(&g.owner, acquire.now, nil), Order: t.order, Score: v.score(i, acquire.at)}
			c.Cost = acquire.amountsOn(v.handles[i], v.limitsOf(i))[counter.Tokens]
			is := v.wait(i, acquire)
			c.Refused = is.limit()
			switch {
			case !acquire.allows(v, i):
				c.Skipped = "tags"
				if slices.ContainsFunc(x.Demand.Exclude, func(r Ref) bool { return v.indexOf(r) == i }) {
					c.Skipped = "excluded"
				}
			case lower:
				c.Skipped = "order"
			}
			c.Preferred = i == preferred
			x.Candidates = append(x.Candidates, c)
		}
		if len(x.Pick) == 0 {
			x.Pick = v.eligible(t, pick)
		}
		if !lower {
			x.Acquire = v.eligible(t, acquire)
		}
	}
	if len(x.Acquire) != 0 {
		return
	}
	x.Err = noCandidate(g.name, v.n)
	if e := g.explain(acquire, acquire.now); e != nil {
		e.settle(decision{why: whyTokens})
		x.Err = e
	}
}

// score returns the figure by which the strategy ranks deployment i.
func (v *view) score(i int, at counter.At) float64 {
	switch {
	case v.by.weights:
		return v.handles[i].cfg.weight()
	case v.by.key == byTokens:
		return float64(v.key(i, at))
	}
	return float64(v.key(i, at)>>order.KeyTokenBits) / (1 << order.RatioFraction)
}

// eligible returns the IDs of the deployments of a tier among which the strategy draws.
func (v *view) eligible(t *tier, q *query) (ids []string) {
	ranked := v.by.draw == theLowest
	if q.affinity != 0 {
		if i := v.preferred(t, q); i >= 0 && v.fits(i, q) {
			return []string{v.handles[i].id}
		}
	}
	best := order.NoKey
	for i := t.from; i < t.to; i++ {
		if !v.fits(i, q) || !q.allows(v, i) {
			continue
		}
		if k := v.key(i, q.at); ranked && k != best {
			if k > best {
				continue
			}
			best, ids = k, ids[:0]
		}
		ids = append(ids, v.handles[i].id)
	}
	return ids
}
