package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// refusal returns the error of a refused demand, computed at the instant of
// the decision. Nil: the demand fits at that instant by now, because capacity was freed. If
// final is set, an error with the shortest wait is returned instead. Learn is set if the learned
// output was expected of a demand that names none.
func (g *Group) refusal(d *Demand, v decision, learn, final bool) error {
	if v.why == whyInvalid {
		return d.invalidity(g.e)
	}
	g = g.alive()
	var q query
	g.fillQuery(&q, d, learn)
	if v.caller {
		return q.refusalOfCaller(&g.owner, d, v, true, final)
	}
	q.filter = &filter{demand: d}
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.explain(&q, v.at)
	switch {
	case e == nil:
		return noCandidate(g.name, g.view.Load().n)
	case e.Limit == LimitNone && !final:
		return nil
	}
	e.settle(v)
	return e
}

// lookLocked turns the group to an instant, which becomes that of the demand, and returns the view
// of the candidates. Under the group's mutex.
func (g *Group) lookLocked(q *query, now int64) *view {
	epoch := g.turnLocked(now)
	q.now = max(now, window.Start(epoch))
	q.at = counter.At{Epoch: epoch, Now: q.now}
	v := g.view.Load()
	q.filter.resolve(v)
	return v
}

// wait returns the verdict of deployment i on a demand at its instant, with the time for which it
// does not fit. Under the group's mutex.
func (v *view) wait(i int, q *query) verdict {
	return v.handles[i].wait(q.amountsOn(v.handles[i], v.limitsOf(i)), q.part, true, q.now)
}

// explain returns the error of a demand at an instant. Its Limit is LimitNone if
// the demand fits. Nil: there is no candidate. Under the group's mutex.
func (g *Group) explain(q *query, now int64) *LimitError {
	v := g.lookLocked(q, now)
	fits := ""
	e := newLimitError(min(maxStates, v.n))
	e.Group = g.name
	var room limitRoom
	for i, h := range v.handles {
		if !q.allows(v, i) {
			continue
		}
		w := v.wait(i, q)
		if w.fits() {
			fits = h.id
		}
		e.consider(h, &w)
		if e.Candidates++; len(e.States) < maxStates {
			e.States = append(e.States, h.state(&g.owner, q.now, room.take(h.mostLimits(), min(maxStates, v.n)-len(e.States))))
		}
	}
	if e.Candidates == 0 {
		return nil
	}
	if fits != "" {
		e.Deployment, e.Limit = fits, LimitNone
	}
	return e
}

// preCheckRefusal returns the error of a demand that PreCheck has refused, as [Group.refusal]
// does for a group.
func preCheckRefusal(h *handle, d *Demand, v decision, final bool) error {
	if v.why == whyInvalid {
		return d.invalidity(h.e)
	}
	if v.caller {
		if g := h.group.Load(); g != nil {
			var q query
			q.fill(g, d, false)
			err := q.refusalOfCaller(g, d, v, false, final)
			if err != nil {
				g.countRefusal(v)
			}
			return err
		}
	}
	e := newLimitError(1)
	e.Deployment, e.Limit, e.Candidates = h.id, reasonLimit[v.why], 1
	g := h.lockAt(v.at)
	if g == nil {
		return e
	}
	defer g.mu.Unlock()
	now := max(v.at, window.Start(g.epoch.Load()))
	part, _ := h.e.part(d.Priority)
	w := h.wait(preChecking(h, d), part, false, now)
	if w.fits() && !final {
		return nil
	}
	e.Group, e.Limit, e.RetryAfter, e.Never = g.name, w.limit(), w.after, w.never
	e.settle(v)
	e.States = append(e.States, h.state(g, now, nil))
	g.refusals[reasonLimit[v.why]].Add(1)
	missed(g, d, v)
	return e
}

// preChecking returns what a demand counts for PreCheck.
func preChecking(h *handle, d *Demand) amounts {
	return h.limits.Load().admitted(d.InputTokens, d.tokens()-d.InputTokens, d.MaxOutputTokens)
}
