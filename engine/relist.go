package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// deepestDebt bounds how far a figure fills a bucket, in multiples of its limit, if the
// figure comes without the time at which the bucket will be full again.
const deepestDebt = 2

// relist returns the list of limits in force for a deployment: d is its configuration with the
// limits that its provider has reported, configured the one without them. The list has the
// counters of the old list or of the pool; new counters begin at a moment. If reported is
// set, the reported limits have changed. If leases is set, leases are counted also without a
// limit. Exact adds the limits by whose grants nodes hold others (protocol 8). Nil: no limits.
func (ms *limits) relist(d, configured *Deployment, pool *pool, at counter.At, reported, leases, exact bool) *limits {
	n := limits{most: unbounded, rates: d.Profile.Rates().WithDefaultMax(d.DefaultMaxOutput), pool: pool}
	n.rated = d.Profile.Admit != provider.AdmitExpected || !n.rates.Plain() || n.rates.Stands()
	for i := range kinds {
		n.addKind(ms, &kinds[i], d, configured, at, reported, leases, exact)
	}
	if len(n.list) == 0 && len(n.lifted) == 0 && !n.rated {
		return nil
	}
	n.minute = n.first(func(m *limit) bool {
		return m.Shape == counter.Level || m.Shape == counter.Spans && m.Length == window.Minute && !m.Granted
	})
	own := n // so that only a list with limits is on the heap
	return &own
}

func (ms *limits) addKind(old *limits, row *kindRow, d, configured *Deployment, at counter.At, reported, leases, exact bool) {
	k, own := row.kind, row.rule(&d.Profile)
	pooled := ms.pool != nil && own.Shape != counter.Gauge
	if !row.applies(&d.Profile, own, pooled) {
		return
	}
	set := row.limit(d)
	m := limit{kind: k, part: row.part, set: set, most: capOf(set), configured: capOf(row.limit(configured))}
	rule := own
	if pooled {
		rule = pooledRule(own)
		m.Limit = ms.pool.counter(k, rule, set)
	} else if o := old.find(k, rule); o != nil && (old.pool == nil || !rule.Timed()) { // otherwise the counter is that of a pool it has left
		m.Limit = o.Limit
	}
	if m.Limit == nil && (set != 0 || leases && rule.Shape == counter.Gauge) {
		m.Limit = counter.NewLimit(rule, row.dim, m.most, at)
		if o := old.shifted(k, rule, &configured.Profile); o != nil && !pooled {
			m.Count(at, o.Used(at)) // the old window began at another instant: all of its usage may be in this one
		}
		if pooled {
			ms.pool.add(k, m.Limit, set)
		}
	}
	if m.Limit != nil && (set != 0 || rule.Shape != counter.Level) {
		if reported {
			m.Relimit(at, m.most, deepestDebt)
		} else {
			m.SetCap(at, m.most)
		}
		ms.add(m)
	} else if m.Limit != nil && !pooled { // a pool keeps its own
		ms.lifted = append(ms.lifted, m)
	}
	if exact {
		ms.addGranted(old, row, d, configured, m, own, pooled, at)
	}
	switch {
	case rule.Timed() && (row.dim == counter.Input || row.dim == counter.Output):
		ms.keep(old, m, row.dim, counter.Rule{}, at)
	case pooled && own.Long():
		ms.keep(old, m, row.dim, own, at)
	}
}

func (ms *limits) add(m limit) {
	m.inverse, m.dim, m.why = order.Invert(m.Whole(m.most)), m.Dim, reasonOf(m.kind)
	ms.timed = ms.timed || m.Timed()
	if m.most > 0 {
		ms.most[m.Dim] = min(ms.most[m.Dim], m.most)
	}
	ms.counted = ms.counted || m.Shape != counter.Gauge
	if m.Shape == counter.Gauge {
		ms.gauge = m.Limit
	}
	ms.list = append(ms.list, m)
}

// keep adds a limit that counts by UTC minutes or days for the other nodes what limit m counts
// by another rule. Only a ceiling bounds it.
func (ms *limits) keep(old *limits, m limit, dim counter.Dim, rule counter.Rule, at counter.At) {
	own := limit{kind: m.kind, most: counter.Max, configured: counter.Max, kept: true}
	switch o := old.find(m.kind, rule); {
	case o != nil:
		own.Limit = o.Limit
		own.SetCap(at, counter.Max)
	case m.set == 0:
		return
	default:
		own.Limit = counter.NewLimit(rule, dim, counter.Max, at)
	}
	ms.add(own)
}

// shifted returns the limit of a kind whose rule differs from r in its phase alone, or the
// bucket by which minutes were counted while their phase was unknown; nil if there is none.
func (ms *limits) shifted(k Limit, r counter.Rule, configured *provider.Profile) *limit {
	if ms == nil || r.Shape != counter.Spans || ms.pool != nil {
		return nil
	}
	return ms.first(func(m *limit) bool {
		phased := m.Shape == counter.Spans && m.Length == r.Length
		bucket := m.Shape == counter.Level && r.Length == window.Minute && configured.Shape == provider.Minute
		return m.kind == k && !m.Granted && (phased || bucket)
	})
}
