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
	m := limit{kind: row.kind, part: row.part, most: counter.Max, configured: of.set, kept: true}
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

// grantedLimit is a granted limit of a deployment or a pool.
type grantedLimit struct {
	*counter.Limit
	of  *counter.Limit // that nodes hold by it; nil if it is no longer set
	set int64          // of that limit, as State shows it: 0 = unlimited
}

// granted yields a deployment's own granted limits in windows of a kind.
func (ms *limits) granted(kind window.Kind) iter.Seq[grantedLimit] {
	return func(yield func(grantedLimit) bool) {
		for i := range ms.of() {
			m := &ms.list[i]
			if !m.Granted || m.In != kind || ms.pool != nil {
				continue
			}
			g := grantedLimit{Limit: m.Limit}
			if of := ms.ruled(m.kind, ungranted(m.Rule)); of != nil {
				g.of, g.set = of.Limit, of.set
			}
			if !yield(g) {
				return
			}
		}
	}
}

// ungranted returns the rule of the limit that nodes hold by a granted limit with the rule r.
func ungranted(r counter.Rule) counter.Rule {
	if r.In == window.KindSlice {
		return counter.Rule{Shape: counter.Level}
	}
	r.Granted, r.In = false, 0
	return r
}

// absorbGrants applies a share of granted limits. It reports whether the current window of one
// has changed. Under the mutex of their owner.
func absorbGrants(granted iter.Seq[grantedLimit], in *window.Share, at counter.At) (changed bool) {
	for g := range granted {
		changed = g.absorb(in, at) || changed
		g.countOthers(at)
	}
	return changed
}

// absorb applies a share of a granted limit. The share is for all windows that no share names,
// for the current window or for the next. It reports whether the current one has changed.
func (g *grantedLimit) absorb(in *window.Share, at counter.At) (changed bool) {
	most := ceilingOf(in, g.Dim)
	if in.Start == 0 {
		if most != counter.Max {
			most = 0
		}
		g.GrantUnnamed(most)
		return true
	}
	now := g.Window(at)
	for w := now; w <= now+1; w++ {
		if g.Begins(w) != in.Start {
			continue
		}
		g.Grant(w, most, max(int64(in.Retry), 0))
		if others := remote(in, g.Dim); others >= 0 {
			g.NoteOthers(w, others)
		}
		return w == now
	}
	return false
}

// countOthers counts in the limit that nodes hold by g the further reservations of other nodes in
// its current window, as g has received them. A bucket counts none: what other nodes give back
// after a slice has ended would stay in its level.
func (g *grantedLimit) countOthers(at counter.At) {
	if g.of == nil || g.of.Shape == counter.Level {
		return
	}
	w := g.Window(at)
	b, others := g.Book(w), g.OthersIn(w)
	if more := others - b.Counted; more != 0 {
		b.Counted = others
		g.of.CountIn(w, more)
	}
}

// reportGrants appends, by the ID under which nodes share them, reports of the granted limits of a
// deployment or a pool: of the previous and the current window of each kind if own usage in it has
// changed, and of the current one if asked is set. If list is set the reports have no usage, and
// later ones are the same as without them. Under the mutex of the limits' owner.
func reportGrants(dst []window.Report, id string, granted func(window.Kind) iter.Seq[grantedLimit], at counter.At, asked, list bool) []window.Report {
	for kind := range window.Kind(window.Kinds) {
		var grants grantReport
		for g := range granted(kind) {
			if !list {
				g.countOthers(at)
			}
			if !list || g.of != nil {
				grants.add(&g, at, list)
			}
		}
		for i := range grants.reports {
			if r := &grants.reports[i]; grants.changed[i] || asked && i == 1 && grants.some {
				r.ID = id
				dst = append(dst, *r)
			}
		}
	}
	return dst
}

// grantReport is a report of each of the two windows of a kind that still change: the
// previous and the current one.
type grantReport struct {
	some    bool // a limit was added
	reports [2]window.Report
	changed [2]bool
}

// add adds a granted limit to the reports, and this node's usage of it unless list is set.
func (r *grantReport) add(g *grantedLimit, at counter.At, list bool) {
	r.some = true
	now := g.Window(at)
	for i := range r.reports {
		w, own, to := now-1+int64(i), int64(0), &r.reports[i]
		if !list {
			b := g.Book(w)
			own = g.UsedIn(w)
			r.changed[i] = r.changed[i] || own != b.Reported
			b.Reported = own
		}
		to.Start, to.Kind = g.Begins(w), g.In
		if g.In.Own() {
			to.Length = g.Length / int64(time.Second)
		}
		switch g.Dim {
		case counter.Requests:
			to.Requests, to.RequestLimit = own, g.set
		case counter.Tokens:
			to.Tokens, to.TokenLimit = own, g.set
		case counter.Input:
			to.Input, to.InputLimit = own, g.set
		default: // leases are not granted
			to.Output, to.OutputLimit = own, g.set
		}
	}
}

// covered reports whether nodes hold all limits of a deployment's minutes, or of its hours and
// days, by granted limits: see [window.Report.Covered].
func (h *handle) covered(kind window.Kind) bool {
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
