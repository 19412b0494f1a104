package fuzz

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// A purpose is what a demand is weighed for.
type purpose int

const (
	picking purpose = iota
	checking
	acquiring
)

// mostCounted is how many tokens of a minute are counted: more than two of the largest
// demands are refused, also without a limit.
const mostCounted = 2 * engine.MaxCount

func valid(d engine.Demand) bool {
	in := func(n int64) bool { return 0 <= n && n <= engine.MaxCount }
	return in(d.InputTokens) && (in(d.OutputTokens) || d.OutputTokens == engine.NoOutput) && in(d.MaxOutputTokens) &&
		0 <= d.Priority && d.Priority < classes
}

// cost is the number of tokens a demand weighs on a deployment.
func (m *model) cost(d *mdep, q engine.Demand, p purpose) int64 {
	out := q.OutputTokens
	switch {
	case out == engine.NoOutput:
		out = 0
	case out == 0 && p == acquiring:
		out = m.expect(d)
	}
	if q.MaxOutputTokens > 0 {
		out = min(out, q.MaxOutputTokens)
	}
	if q.OutputTokens == 0 && p == acquiring { // only expected: cut to what the limits can ever take
		l, whole := &d.cfg.Limits, out
		for _, c := range []struct{ limit, before int64 }{{l.TPM, q.InputTokens}, {l.TPD, q.InputTokens}, {l.OutputTPM, 0}} {
			if most := m.part(c.limit, q); most > 0 {
				out = min(out, max(most-c.before, 0))
			}
		}
		if most := m.part(l.InputTPM, q); most > 0 { // input beyond its limit is cut from it in vain
			out = min(out, max(whole-max(q.InputTokens-most, 0), 0))
		}
	}
	return q.InputTokens + out
}

// costs is what a request counts on a deployment.
func (m *model) costs(d *mdep, q engine.Demand, p purpose) mcost {
	return mcost{q.InputTokens, m.cost(d, q, p) - q.InputTokens, 1}
}

// over reports whether an amount is more than a limit as configurations write it.
func over(amount, limit int64) bool {
	return limit > 0 && amount > limit || limit < 0 && amount > 0
}

// blockers are all limits that refuse the demand on d now; none = it fits.
func (m *model) blockers(d *mdep, q engine.Demand, p purpose, now int64) []engine.Limit {
	var by []engine.Limit
	if !d.enabled {
		by = append(by, engine.LimitDisabled)
	}
	if d.cool > now {
		by = append(by, engine.LimitCooldown)
	}
	by = append(by, m.short(d, d.now(), q, p)...)
	return append(by, m.shortMeters(d, d.group.epoch, false, q, p)...)
}

// short are the limits on counts that refuse a demand on top of a usage.
func (m *model) short(d *mdep, u *musage, q engine.Demand, p purpose) (by []engine.Limit) {
	full := func(all, limit, ceiling, others int64, of engine.Limit) {
		switch {
		case over(all, m.part(limit, q)):
			by = append(by, of)
		case ceiling != 0 && all-others > max(ceiling, 0):
			by = append(by, engine.LimitShare)
		}
	}
	cost := m.cost(d, q, p)
	full(u.allRequests()+1, d.cfg.Limits.RPM, u.ceilRequests, u.othersRequests, engine.LimitRPM)
	if p != checking || cost > 0 {
		if d.cfg.Limits.TPM == 0 && u.allTokens()+cost > mostCounted {
			by = append(by, engine.LimitTPM)
		}
		full(u.allTokens()+cost, d.cfg.Limits.TPM, u.ceilTokens, u.othersTokens, engine.LimitTPM)
	}
	if p != checking && over(d.inFlight()+1, m.part(d.cfg.Limits.MaxInFlight, q)) {
		by = append(by, engine.LimitInFlight)
	}
	return by
}

// candidates are the members that Exclude and Tags leave over.
func (m *model) candidates(g *mgroup, q engine.Demand) []*mdep {
	return slices.DeleteFunc(m.members(g), func(d *mdep) bool {
		for _, r := range q.Exclude {
			if r.ID() == d.cfg.ID {
				return true
			}
		}
		for _, tag := range q.Tags {
			if !slices.Contains(d.cfg.Tags, tag) {
				return true
			}
		}
		return false
	})
}

// fitting are the candidates of the lowest order that has headroom.
func (m *model) fitting(g *mgroup, q engine.Demand, p purpose, now int64) []*mdep {
	var fit []*mdep
	for _, d := range m.candidates(g, q) {
		if len(m.blockers(d, q, p, now)) > 0 || len(fit) > 0 && d.cfg.Order > fit[0].cfg.Order {
			continue
		}
		if len(fit) > 0 && d.cfg.Order < fit[0].cfg.Order {
			fit = fit[:0]
		}
		fit = append(fit, d)
	}
	return fit
}

// choices are the IDs that a pick or an acquire may return; none = refused.
func (m *model) choices(g *mgroup, q engine.Demand, p purpose, now int64) []string {
	if !valid(q) {
		return nil
	}
	m.look(g, now)
	fit := m.fitting(g, q, p, now)
	if d := m.preferred(g, q, fit, now); slices.Contains(fit, d) {
		return []string{d.cfg.ID}
	}
	best := fit
	switch m.strategy {
	case engine.LowestTPM:
		best = least(fit, func(a, b *mdep) bool { return a.now().allTokens() < b.now().allTokens() })
	case engine.LeastUtilized:
		best = least(fit, lessUtilized)
	case engine.LeastBusy:
		best = least(fit, m.lessBusy(g))
	case engine.PowerOfTwo:
		if len(fit) == len(m.members(g)) && len(fit) > 1 {
			// Two distinct ones are drawn: the one worse than all others cannot win.
			best = slices.DeleteFunc(slices.Clone(fit), func(a *mdep) bool {
				return !slices.ContainsFunc(fit, func(b *mdep) bool { return a != b && !lessUtilized(b, a) })
			})
		}
	case engine.Weighted: // whatever its weight, any may be drawn
	}
	return idsOf(best)
}

func idsOf(ds []*mdep) []string {
	ids := make([]string, len(ds))
	for i, d := range ds {
		ids[i] = d.cfg.ID
	}
	return ids
}

// preCheck counts a request on d if it fits there; d may be nil: forgotten.
func (m *model) preCheck(d *mdep, q engine.Demand, now int64) bool {
	if !valid(q) || d == nil {
		return false
	}
	m.lookAt(d, now)
	if !d.present || len(m.blockers(d, q, checking, now)) > 0 {
		m.look(d.group, now)
		return false
	}
	d.now().requests++
	for _, mm := range d.meters {
		mm.add(d.group.epoch, d.group.epoch, mcost{requests: 1})
	}
	m.checked++
	return true
}
