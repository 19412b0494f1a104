package engine

import (
	"iter"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes hold a limit that follows the clock, or is a pool's, exactly by a granted limit beside
// it (protocol 8). The granted limit counts in the same windows the usage of this node alone,
// and its cap is the grant of this node. The limit itself stays as it is: it also counts the
// usage of other nodes, and is corrected by figures.

// grantRule returns the rule, with the kind of its windows, of the granted limit by which nodes
// hold a limit that is not of the owner's minutes, hours and days. False: nodes hold the limit
// in those windows, or not at all, because only this node has learned when its windows begin.
func (k *kindRow) grantRule(p *provider.Profile, own counter.Rule, pooled bool) (counter.Rule, bool) {
	learned := p.LearnPhase || p.LearnShape
	switch {
	case own.Shape == counter.Spans && !learned && nameable(own):
		own.In = window.KindPhased
		if k.part {
			own.In = window.KindPart
		}
	case own.Shape == counter.Level && !learned:
		own = counter.Rule{Shape: counter.Spans, Length: int64(time.Second), In: window.KindSlice}
	case pooled && own.Owned() && !(own.Shape == counter.Minutes && learned):
		in := own.Kind()
		own = pooledRule(own)
		own.In = in
	default:
		return counter.Rule{}, false
	}
	own.Granted = true
	return own, true
}

// nameable reports whether the second in which a window begins identifies it.
func nameable(r counter.Rule) bool {
	const second = int64(time.Second)
	return r.Length%second == 0 && (r.Length > second || r.Phase%second == 0)
}

// addGranted adds the granted limit by which nodes hold another one exactly. A pool with a
// limit on tokens counts requests too, so that nodes know the mean size of a request.
func (ms *limits) addGranted(old *limits, row *kindRow, d, configured *Deployment, of limit, own counter.Rule, pooled bool, at counter.At) {
	rule, ok := row.grantRule(&configured.Profile, own, pooled)
	if !ok {
		return
	}
	m := limit{kind: row.kind, part: row.part, why: row.why, most: counter.Max, configured: of.set, kept: true}
	if pooled {
		m.Limit = ms.pool.counter(row.kind, rule, of.set)
	} else if o := old.find(row.kind, rule); o != nil && old.pool == nil {
		m.Limit = o.Limit // the counter goes on though the limit changes: a window is opened once (docs/CORE.md)
		if (o.configured == 0) != (of.set == 0) {
			m.GrantUnnamed(unnamed(of.set))
		}
	}
	if m.Limit == nil {
		if of.set == 0 && !(pooled && row.sizes(d)) {
			return
		}
		m.Limit = counter.NewLimit(rule, row.dim, unnamed(of.set), at)
		if pooled {
			ms.pool.add(row.kind, m.Limit, of.set)
		}
	}
	ms.add(m)
}

// unnamed returns the cap of this node in windows that no share names, under a limit that is
// set: nothing, or no cap if the limit is not set.
func unnamed(set int64) int64 {
	if set == 0 {
		return counter.Max
	}
	return 0
}

// sizes reports whether the kind is the requests of a span on which a deployment has a limit
// on tokens: they are counted to know the mean size of a request.
func (k *kindRow) sizes(d *Deployment) bool {
	q, span := k.kind.Counts(), k.kind.Per()
	return q == provider.Requests && !k.part &&
		d.Limits.per(provider.Tokens, span)|d.Limits.per(provider.InputTokens, span)|d.Limits.per(provider.OutputTokens, span) != 0
}

// grant applies a share of a granted limit. The share is for all windows that no share names,
// for the current window or for the next. It reports whether the current one has changed.
func grant(m *counter.Limit, in *window.Share, at counter.At) (changed bool) {
	most := ceilingOf(in, m.Dim)
	if in.Start == 0 {
		if most != counter.Max {
			most = 0
		}
		m.GrantUnnamed(most)
		return true
	}
	now := m.Window(at)
	for w := now; w <= now+1; w++ {
		if m.Begins(w) != in.Start {
			continue
		}
		m.Grant(w, most, max(int64(in.Retry), 0))
		if others := remote(in, m.Dim); others >= 0 {
			m.NoteOthers(w, others)
		}
		return w == now
	}
	return false
}

// countOthers counts in a limit the further reservations of other nodes in its current window,
// as the granted limit by, beside it, has received them. A bucket counts none: what other
// nodes give back after a slice has ended would stay in its level.
func countOthers(of, by *counter.Limit, at counter.At) {
	if of.Shape == counter.Level {
		return
	}
	w := by.Window(at)
	b, others := by.Book(w), by.OthersIn(w)
	if more := others - b.Counted; more != 0 {
		b.Counted = others
		of.CountIn(w, more)
	}
}

// beside returns the limit that nodes hold by a granted one; nil if the limit is no longer set.
func (ms *limits) beside(g *limit) *limit {
	for i := range ms.list {
		if m := &ms.list[i]; !m.Granted && m.kind == g.kind && m.part == g.part && m.Timed() {
			return m
		}
	}
	return nil
}

// grantedIn yields a deployment's own granted limits in windows of a kind, each with the limit
// that nodes hold by it, nil if that is no longer set.
func (ms *limits) grantedIn(kind window.Kind) iter.Seq2[*limit, *limit] {
	return func(yield func(m, of *limit) bool) {
		if ms.pooled() != nil {
			return
		}
		for i := range ms.of() {
			if m := &ms.list[i]; m.Granted && m.In == kind && !yield(m, ms.beside(m)) {
				return
			}
		}
	}
}

// absorbGrants applies a share of a deployment's granted limits. It reports whether the current
// window of one has changed. Under the group's mutex.
func (h *handle) absorbGrants(ms *limits, in *window.Share, at counter.At) (changed bool) {
	for m, of := range ms.grantedIn(in.Kind) {
		changed = grant(m.Limit, in, at) || changed
		if of != nil {
			countOthers(of.Limit, m.Limit, at)
		}
	}
	return changed
}

// collectGrants appends reports of this node's usage of a deployment's granted limits.
func (h *handle) collectGrants(dst []window.Report, ms *limits, asked bool, now int64) []window.Report {
	at := counter.At{Epoch: h.turned, Now: now}
	for kind := window.KindPhased; kind < window.Kinds; kind++ {
		var grants grantReport
		for m, of := range ms.grantedIn(kind) {
			set := int64(0) // it is no longer limited
			if of != nil {
				countOthers(of.Limit, m.Limit, at)
				set = of.set
			}
			grants.add(m.Limit, set, at)
		}
		dst = grants.append(dst, h.shared(), asked)
	}
	return dst
}

// grantReport is a report of each of the two windows of a kind that still change: the
// previous and the current one.
type grantReport struct {
	n       int
	reports [2]window.Report
	changed [2]bool
}

// add adds the usage of a granted limit, and its configured limit set, to the reports.
func (r *grantReport) add(m *counter.Limit, set int64, at counter.At) {
	r.n++
	now := m.Window(at)
	for i := range r.reports {
		w := now - 1 + int64(i)
		own, b, to := m.UsedIn(w), m.Book(w), &r.reports[i]
		r.changed[i] = r.changed[i] || own != b.Reported
		b.Reported = own
		to.Start, to.Kind = m.Begins(w), m.In
		if m.In.Own() {
			to.Length = m.Length / int64(time.Second)
		}
		for _, of := range [...]struct {
			dim       counter.Dim
			used, set *int64
		}{
			{counter.Requests, &to.Requests, &to.RequestLimit},
			{counter.Tokens, &to.Tokens, &to.TokenLimit},
			{counter.Input, &to.Input, &to.InputLimit},
			{counter.Output, &to.Output, &to.OutputLimit},
		} {
			if of.dim == m.Dim {
				*of.used, *of.set = own, set
			}
		}
	}
}

// append appends the reports that have changed, and that of the current window if asked is set.
func (r *grantReport) append(dst []window.Report, id string, asked bool) []window.Report {
	for i := range r.reports {
		if r.n != 0 && (r.changed[i] || asked && i == 1) {
			r.reports[i].ID = id
			dst = append(dst, r.reports[i])
		}
	}
	return dst
}

// listGrants appends a report of the current window of each kind of granted limits, without
// usage.
func (h *handle) listGrants(dst []window.Report, now int64) []window.Report {
	ms, at := h.limits.Load(), counter.At{Epoch: h.turned, Now: now}
	for kind := window.KindPhased; kind < window.Kinds; kind++ {
		var grants grantReport
		for m, of := range ms.grantedIn(kind) {
			if of != nil {
				grants.list(m.Limit, of.set, at)
			}
		}
		dst = grants.append(dst, h.shared(), true)
	}
	return dst
}

// list is add without usage. The next report is not changed by it.
func (r *grantReport) list(m *counter.Limit, set int64, at counter.At) {
	w := m.Window(at)
	was := [2]counter.Book{*m.Book(w - 1), *m.Book(w)}
	r.add(m, set, at)
	*m.Book(w - 1), *m.Book(w) = was[0], was[1]
	r.changed = [2]bool{}
	to := &r.reports[1]
	to.Requests, to.Tokens, to.Input, to.Output = 0, 0, 0, 0
}

// elsewhere reports whether nodes hold all limits of a deployment's minutes, or of its hours and
// days, by granted limits: see [window.Report.Elsewhere].
func (h *handle) elsewhere(kind window.Kind) bool {
	ms := h.limits.Load()
	if !h.e.exact.Load() || ms == nil || h.exactIn(kind) {
		return false
	}
	some := false
	for i := range ms.list {
		m := &ms.list[i]
		if m.Granted || m.set == 0 || m.Shape == counter.Gauge || kind.Long() != beyondMinutes(m.kind) {
			continue
		}
		some = true
		if ms.grantedBeside(m) == nil {
			return false
		}
	}
	return some
}

// beginGrants adds granted limits to all deployments.
func (e *Engine) beginGrants() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.Read()
	e.eachGroup(now, func(g *Group) {
		if v := g.view.Load(); v.further {
			g.relimit(now, v.handles...)
		}
	})
}

// describeGrant fills in the grant of this node, and what other nodes have reserved.
func (m *limit) describeGrant(all *[provider.Limits]LimitState, at counter.At) {
	if m.part || !m.HeldByGrants() {
		return
	}
	w, st := m.Window(at), &all[m.kind]
	if st.Share = m.GrantedIn(w); st.Share == 0 {
		st.Share = -1
	}
	if m.In.Own() {
		st.Remote = m.OthersIn(w)
	}
}
