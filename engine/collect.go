package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Collect appends to dst the usage of this node: a report for each deployment and each of
// the current and the previous minute, if the usage in it is not 0 or has changed since the
// last Collect. Usage is cumulative within a window and includes
// reservations. Input and output are counted if there are limits on them. In groups that had
// a request since the last Collect the unused deployments are
// listed too, so that a syncer reads their usage on other nodes. Windows that were folded
// between two calls are reported once more if they had changed.
//
// For deployments with limits per hour or day it lists the hour and the day too, in reports of
// their own kinds: when the usage has changed since the last Collect, and at least once in each
// window, so that a syncer exchanges the window from its beginning. An hour or a day
// is reported for two minutes after its end, and once more if Collect was not called then. Later
// changes stay on this node.
//
// Callers are listed by IDs that begin with [window.CallerPrefix]: those that have used
// anything, and all that have limits of a minute if any caller had a request since the last
// Collect.
//
// While a deployment cools down for a reason that this node has found, the reports of its
// minute have the end of the cooldown.
//
// A limit that a provider has reported to this node, and that is in force, is a report
// of its own ([window.LimitID]) with the time until which it is in force at least. That time changes
// every two and a half minutes at most, and the limit every 30 seconds at most.
//
// Calls must not overlap; normally the syncer is the only caller. A call does not repeat
// the reports of the call before, unless their window still runs.
func (e *Engine) Collect(dst []window.Report) []window.Report {
	now := e.clock.Read()
	e.pendingReports.collecting.Store(true)
	e.turn(now)
	dst = e.pendingReports.drain(dst)
	e.eachGroup(now, func(g *Group) { dst = g.collect(dst, now) })
	return e.reportPools(dst, now, false)
}

func (g *Group) collect(dst []window.Report, now int64) []window.Report {
	asked, e := g.asked.Swap(false), g.epoch.Load()
	for _, h := range g.view.Load().handles {
		dst = h.collect(dst, e, asked && h.bounds(), now)
	}
	for _, h := range g.removed {
		dst = h.collect(dst, e, false, now)
	}
	return dst
}

// bounds reports whether the usage of other nodes can refuse anything: it cannot for a caller
// without limits of a minute.
func (h *handle) bounds() bool {
	l := &h.cfg.Limits
	return h.caller == nil || l.RPM|l.TPM|l.InputTPM|l.OutputTPM != 0
}

// collect appends the reports of a deployment that is turned to minute e.
func (h *handle) collect(dst []window.Report, e int64, asked bool, now int64) []window.Report {
	ms := h.limits.Load()
	if ms == nil {
		if p := (e - 1) & 1; h.listed[p] || !h.hot[p].Untouched() {
			dst = h.collectPair(dst, e-1, 0, false)
		}
		if dst = h.collectPair(dst, e, h.announced(now), asked); !h.noting.Load() {
			return dst
		}
		return h.announceLimits(dst, now)
	}
	dst = h.collectMinute(dst, ms, e-1, 0, false)
	dst = h.collectMinute(dst, ms, e, h.announced(now), asked)
	var seen [window.Kinds]bool
	for m := range ms.long() {
		if !seen[m.Kind()] {
			seen[m.Kind()] = true
			dst = h.collectLong(dst, ms, m, now)
		}
	}
	if ms.pool != nil {
		ms.pool.asked = ms.pool.asked || asked
	}
	if ms.timed {
		dst = reportGrants(dst, h.shared(), ms.granted, counter.At{Epoch: h.turned, Now: now}, asked, false)
	}
	return h.announceLimits(dst, now)
}

// collectPair is collectMinute for a deployment without limits beside its pair. It fills the
// report in place, because a report is large, and reads only the handle's fields for Collect,
// because the configuration is on other cache lines.
func (h *handle) collectPair(dst []window.Report, k, cooling int64, asked bool) []window.Report {
	s := &h.plain[k&1]
	t, r := h.own(k & 1)
	h.listed[k&1] = t|r != 0
	if t|r|s.tokens.Reported|s.requests.Reported|cooling == 0 && !asked {
		return dst
	}
	s.tokens.Reported, s.requests.Reported = t, r
	dst = append(dst, window.Report{})
	rep := &dst[len(dst)-1]
	rep.ID, rep.Start, rep.Requests, rep.Tokens = h.shared(), window.StartSeconds(k), r, t
	rep.CoolUntil = (cooling + 1e6 - 1) / 1e6
	rep.RequestLimit, rep.TokenLimit, rep.Loose = limitOf(h.reqCap), limitOf(h.tokenCap), h.loose
	return dst
}

// collectMinute reports a minute if the usage is not 0 or was not 0 in the last report, if
// asked is set, or if the deployment cools down until cooling (Unix ns, 0 = no cooldown).
func (h *handle) collectMinute(dst []window.Report, ms *limits, k, cooling int64, asked bool) []window.Report {
	s := &h.plain[k&1]
	var own, reported amounts
	own[counter.Tokens], own[counter.Requests] = h.own(k & 1)
	reported[counter.Tokens], reported[counter.Requests] = s.tokens.Reported, s.requests.Reported
	s.tokens.Reported, s.requests.Reported = own[counter.Tokens], own[counter.Requests]
	h.listed[k&1] = own[counter.Tokens]|own[counter.Requests] != 0
	for i := range ms.of() {
		if m := &ms.list[i]; m.Shape == counter.Minutes {
			if l := m.Ledger(k); l != nil {
				own[m.Dim], reported[m.Dim] = m.Own(k), l.Reported
				l.Reported = own[m.Dim]
			}
		}
	}
	if own == (amounts{}) && reported == (amounts{}) && cooling == 0 && !asked {
		return dst
	}
	r := h.report(window.KindMinute, k, &own)
	r.CoolUntil = (cooling + 1e6 - 1) / 1e6
	return append(dst, r)
}

// collectLong reports the current hour or day if its usage has changed or it was not reported
// yet, and the previous one until closesAfter its end. Of is one of the limits over
// windows of this kind.
func (h *handle) collectLong(dst []window.Report, ms *limits, of *limit, now int64) []window.Report {
	kind, w := of.Kind(), of.Window(counter.At{Epoch: h.turned})
	if l := of.Ledger(w - 1); l != nil && !l.Closed {
		dst = h.collectWindow(dst, ms, kind, w-1)
		if closed := now/1e9 >= startOf(kind, w)+closesAfter; closed {
			for m := range ms.long() {
				if m.Kind() == kind && m.Ledger(w-1) != nil {
					m.Ledger(w - 1).Closed = true
				}
			}
		}
	}
	return h.collectWindow(dst, ms, kind, w)
}

// closesAfter is for how many seconds after the end of an hour or a day Collect reports its
// changes: as long as it reports those of a minute, which is folded two minutes later.
const closesAfter = 120

func (h *handle) collectWindow(dst []window.Report, ms *limits, kind window.Kind, w int64) []window.Report {
	var own, reported amounts
	listed := true
	for m := range ms.long() {
		if l := m.Ledger(w); l != nil && m.Kind() == kind {
			own[m.Dim], reported[m.Dim] = m.Own(w), l.Reported
			listed = listed && l.Listed
			l.Reported, l.Listed = own[m.Dim], l.Listed || !h.removed
		}
	}
	if own == reported && (listed || h.removed) {
		return dst
	}
	return append(dst, h.report(kind, w, &own))
}
