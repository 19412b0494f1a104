package engine

import (
	"math"
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// expire makes the windows of all deployments stale if absorbed shares are no longer valid. It
// reports whether it has. Under the group's mutex.
func (g *Group) expire(v *view, now int64) bool {
	if g.stale || g.e.valid(now) {
		return false
	}
	g.stale = true
	g.e.validity.stale.Store(true)
	for _, h := range slices.Concat(v.handles, g.removed) {
		h.expire()
	}
	return true
}

// advance turns the group to the minute of an instant: it opens the halves of the new minute,
// renews the blocks of its parity, publishes it, and then stores wake, in this order
// (protocol 2). Within a minute it advances breakers and reported limits that are due.
func (g *Group) advance(now int64) int64 {
	invariants.Check(func() bool { return !g.mu.TryLock() }, "the mutex is held while a group turns (protocol 2)")
	e, v := g.epoch.Load(), g.view.Load()
	expired := g.expire(v, now)
	var lapsed []*handle // deployments with a reported limit that has lapsed
	all := gates{due: math.MaxInt64}
	switch n := window.EpochAt(now); {
	case n > e:
		for p := e + 1; p <= min(n, e+2); p++ {
			v.ceiled[p&1].Store(false) // opening a half may set it
		}
		var left foldedWindows // of one deployment after the other, because it is large
		for _, h := range v.handles {
			if h.turn(&g.folded, n, now, &left) {
				lapsed = append(lapsed, h)
			}
			h.fallNow()
			all.add(h)
			invariants.Yield()
		}
		for _, h := range g.removed {
			h.turn(&g.folded, n, now, &left)
		}
		for p := e + 1; p <= min(n, e+2); p++ {
			v.renew(p) // now that no search can find what the halves had before
		}
		invariants.Check(func() bool { return !slices.ContainsFunc(v.handles, func(h *handle) bool { return !h.opened(n) }) }, "halves are open before their minute is published (protocol 2)")
		g.epoch.Store(n)
		e = n
		g.forget(n)
		defer g.opened(v)
	case expired || now >= g.due:
		for _, h := range v.handles {
			if expired {
				h.fallNow()
			}
			if h.nextDeadline() == 0 {
				continue
			}
			changed, relimit := h.tick(now)
			if relimit {
				lapsed = append(lapsed, h)
			}
			h.recap()
			if all.add(h); changed {
				h.capacityFreed(e)
			}
		}
	default: // only the end of validity is later
		g.wake.Store(g.next())
		return e
	}
	v.failing.Store(all.failing)
	g.due = min(all.due, window.Start(e+1))
	g.wake.Store(g.next())
	if lapsed != nil {
		g.relimit(now, lapsed...)
	}
	return e
}

// opened wakes a waiter of the group, because a minute was opened (protocol 7). If the group is
// the callers', it wakes a waiter of each line in which demands of a caller wait.
func (g *Group) opened(v *view) {
	g.line.Ring()
	if &g.owner == g.callers.owner {
		for _, h := range v.handles {
			h.caller.ring()
		}
	}
}

// gates is a summary of the gates of a group's deployments.
type gates struct {
	due     int64 // when the first of them changes by the clock alone
	failing bool  // some deployment has a failure rate
}

// add adds the gate of a deployment.
func (g *gates) add(h *handle) {
	if at := h.nextDeadline(); at != 0 { // also while it has a failure rate, because that falls with time
		g.due, g.failing = min(g.due, at), g.failing || h.failing.Load() != 0
	}
}

// turn turns a deployment to minute e, which is about to be published (protocol 2): it folds
// the half of two minutes ago into folded, and opens that half for e. It reports whether a
// reported limit has lapsed. Under the group's mutex.
func (h *handle) turn(folded *totals, e, now int64, left *foldedWindows) (relimit bool) {
	if h.nextDeadline() != 0 {
		_, relimit = h.tick(now)
		h.probe.out = h.breaker.HalfOpen() && h.probeTaken()
	}
	from := h.turned
	h.turned = e
	ms, at := h.limits.Load(), counter.At{Epoch: e, Now: now}
	left.n = 0
	more := h.turnLimits(ms, at, left)
	for _, k := range [2]int64{e - 1, e} {
		if h.plain[k&1].tokens.Window != k {
			folded.add(h.openHalf(k, left))
			if k == e {
				more[counter.Tokens], more[counter.Requests] = h.plain[k&1].tokens.Remote, h.plain[k&1].requests.Remote
			}
		}
	}
	if expired := h.flight.Turn(h.e.slot(from), h.e.slot(e), h.e.slotTTL); expired != 0 {
		h.expired.Add(expired)
		if ms != nil && ms.gauge != nil {
			ms.gauge.Count(at, -expired)
		}
	}
	if ms != nil && ms.timed {
		ms.absorb(at, &more)
	}
	h.keep(left)
	return relimit
}

// opened reports whether the half of a minute is open.
func (h *handle) opened(e int64) bool { return h.hot.Of(e).Window() == e }

// openHalf folds the earlier minute in the half of minute k, returns its totals, and opens the
// half for k (protocol 1).
func (h *handle) openHalf(k int64, left *foldedWindows) totals {
	p := k & 1
	old, s := h.plain[p], &h.plain[p]
	t, r := h.hot[p].Adjusted()
	if s.begin(k); h.next != nil && h.next.tokens.Window == k {
		*s = *h.next
	}
	h.close(s)
	tokenCap, requestCap := h.capsOf(s, 0, 0, s.requests.Remote)
	tokens, requests, began := h.hot[p].Open(k, s.tokens.Remote, s.requests.Remote, tokenCap, requestCap)
	h.ceiled(p)
	h.flight.Fold(h.e.slot(old.tokens.Window), began)
	own, ownRequests := old.tokens.Own(tokens, t), old.requests.Own(requests, r)
	left.add(window.KindMinute, &old.tokens, counter.Tokens, own)
	left.add(window.KindMinute, &old.requests, counter.Requests, ownRequests)
	return totals{own, ownRequests}
}

// turnLimits turns the limits beside the pair, and returns the remote usage of the minute under
// those that nodes exchange.
func (h *handle) turnLimits(ms *limits, at counter.At, left *foldedWindows) (more amounts) {
	for i := range ms.of() {
		m := &ms.list[i]
		if m.Owned() { // otherwise the callers that count in it open its windows
			m.CloseUnnamed(h.closesUnnamed(m))
		}
		n := m.Turn(at, func(s *counter.Ledger, own int64) { left.add(m.Kind(), s, m.Dim, own) })
		switch m.Shape {
		case counter.Minutes:
			more[m.Dim] = n
		case counter.Hours, counter.Days:
			ms.absorbLong(m.Shape, m.Dim, m.Window(at), n)
		default: // not exchanged
		}
	}
	return more
}

// begin opens both halves of a deployment that enters a group. Under Engine.mu and the mutexes
// of all groups.
func (h *handle) begin(e int64) {
	h.turned = e
	h.flight.Reset(h.e.slot(e), h.e.slotTTL)
	h.next = nil
	for _, k := range [2]int64{e - 1, e} {
		h.plain[k&1].begin(k)
		h.close(&h.plain[k&1])
		t, r := h.capsOf(&h.plain[k&1], 0, 0, 0)
		h.hot[k&1].Open(k, 0, 0, t, r)
	}
}

// dropped drops a removed deployment and reports true, unless it still has a window that runs
// or in which something was counted or reported, a lease, a bucket
// that is not empty, or a cooldown. While a Ref or a lease refers to the handle, it is used
// again if its ID is configured again. Under the group's mutex.
func (h *handle) dropped(e int64) bool {
	if e < h.removedSince+2 || h.nextDeadline() != 0 || h.inFlight() != 0 || h.owes() || !h.shut() {
		return false
	}
	h.group.Store(nil)
	h.limits.Store(nil) // these are turned no more: a deployment that is found again begins with new counters
	return true
}

// owes reports whether a bucket of the deployment's own is not empty.
func (h *handle) owes() bool {
	ms, at := h.limits.Load(), counter.At{Now: h.e.clock.Now()}
	owes := func(m limit) bool { return m.Shape == counter.Level && ms.pool == nil && m.Used(at) != 0 }
	return slices.ContainsFunc(ms.of(), owes) || ms != nil && slices.ContainsFunc(ms.lifted, owes)
}

// shut closes all windows of a deployment, if nothing was counted in any of them and nothing was
// reported of any. A window of an ID is opened once (docs/CORE.md, one life of a window): a
// deployment that opened it again would report less than it reported before. False: something
// was counted or reported, and all windows stay open.
func (h *handle) shut() bool {
	list, closed := h.limits.Load().of(), true
	for p := 0; closed && p < len(h.plain); p++ {
		s, c := &h.plain[p], &h.hot[p]
		t, r := c.Adjusted()
		closed = s.tokens.Reported|s.requests.Reported == 0 && c.Shut(s.tokens.Window, s.tokens.Remote+t, s.requests.Remote+r)
	}
	for k := 0; closed && k < len(list); k++ {
		closed = list[k].Shut(h.e.pendingReports.collecting.Load())
	}
	if closed {
		return true
	}
	for p := range h.plain {
		h.hot[p].Reopen(h.plain[p].tokens.Window)
	}
	for k := range list {
		list[k].Reopen()
	}
	return false
}

// forget drops the removed deployments that dropped allows to be dropped.
func (g *Group) forget(e int64) {
	g.removed = slices.DeleteFunc(g.removed, func(h *handle) bool {
		if !h.dropped(e) {
			return false
		}
		g.ids.drop(h)
		return true
	})
}
