package engine

import "slices"

// Explain says what Pick and TryAcquire would do with a demand and why, without
// doing it. It looks at every deployment of the group and allocates. An unknown
// group and an invalid demand are reported in Err.
func (e *Engine) Explain(group string, d Demand) Explanation {
	x := Explanation{Group: group, Demand: d}
	g, err := e.Group(group)
	if err != nil {
		x.Err = err
		return x
	}
	_, ok := d.named()
	if _, known := e.part(d.Priority); !ok || !known {
		x.Err = e.invalidity(&d)
		return x
	}
	var pick, acquire ask
	g.ask(&pick, &d, false)
	g.ask(&acquire, &d, true)
	l := filter{demand: &d}
	pick.filter, acquire.filter = &l, &l
	x.Group = g.name
	x.fill(g, &pick, &acquire, &l)
	return x
}

func (x *Explanation) fill(g *Group, pick, acquire *ask, l *filter) {
	now := g.clock.Read()
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(now)
	now = max(now, f.begin())
	pick.at, acquire.at = moment{now: now}, moment{now: now}
	l.resolve(f)
	for t := range f.tiers {
		t := &f.tiers[t]
		lower := len(x.Acquire) > 0
		favourite := -1
		if acquire.affinity != 0 {
			favourite = f.favourite(t, acquire)
		}
		for i := t.from; i < t.to; i++ {
			c := Candidate{State: f.state(g.name, i, now), Order: t.order, Score: f.score(i)}
			a := acquire.amountsOn(f.handles[i], f.metersOf(i))
			c.Cost = a[dimTokens]
			c.Refused = f.wait(i, a, acquire.part, true, now).limit
			switch {
			case !acquire.allows(f, i):
				c.Skipped = "tags"
				if slices.ContainsFunc(x.Demand.Exclude, func(r Ref) bool { return f.indexOf(r) == i }) {
					c.Skipped = "excluded"
				}
			case lower:
				c.Skipped = "order"
			}
			c.Favourite = i == favourite
			x.Candidates = append(x.Candidates, c)
		}
		if len(x.Pick) == 0 {
			x.Pick = f.eligible(t, pick)
		}
		if !lower {
			x.Acquire = f.eligible(t, acquire)
		}
	}
	if len(x.Acquire) != 0 {
		return
	}
	if e := f.refusal(g.name, acquire, now); e != nil {
		e.settle(verdict{why: whyTokens})
		x.Err = e
	} else {
		x.Err = &candidateError{g.name, f.candidates()}
	}
}

// score returns what the strategy ranks a cell by.
func (f *frame) score(i int) float64 {
	switch f.strategy {
	case LowestTPM:
		return float64(f.key(i))
	case Weighted:
		return f.handles[i].cfg.weight()
	case LeastUtilized, PowerOfTwo:
	}
	return float64(f.key(i)>>keyTokenBits) / (1 << ratioFraction)
}

// eligible returns the IDs the strategy draws from in a tier.
func (f *frame) eligible(t *tier, q *ask) (ids []string) {
	ranked := f.strategy == LowestTPM || f.strategy == LeastUtilized
	if q.affinity != 0 {
		if i := f.favourite(t, q); i >= 0 && f.fits(i, q) {
			return []string{f.handles[i].id}
		}
	}
	best := noKey
	for i := t.from; i < t.to; i++ {
		if !f.fits(i, q) || !q.allows(f, i) {
			continue
		}
		if k := f.keyFor(i, q); ranked && k != best {
			if k > best {
				continue
			}
			best, ids = k, ids[:0]
		}
		ids = append(ids, f.handles[i].id)
	}
	return ids
}
