package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// wait is how long a deployment keeps refusing a demand, and for which limit.
type wait struct {
	id    string
	limit Limit
	after time.Duration
	never bool
	// refills says that usage goes away continuously there, not at an instant.
	refills bool
	cause   provider.Kind // of a cooldown
}

// until raises the wait to when a cost, which makes used what it is, fits under a limit. A
// cost that only the reported limit is too low for, and not the configured one, fits when
// the report lapses.
func (w *wait) until(l Limit, now, used, cost, limit, configured, lapse int64) {
	if w.never || used <= limit {
		return
	}
	if cost > limit {
		w.beyond(l, now, cost <= configured, lapse)
		return
	}
	w.atLeast(l, time.Duration(window.Start(window.EpochAt(now)+1)-now))
}

// ceiling raises the wait to when the ceiling of a window may be another, if that is what
// a cost, which makes used what it is, does not fit under: the limit has room.
func (w *wait) ceiling(s *counter.Ledger, now, limit, used, adjusted int64) {
	if w.never || used > limit || used <= s.Bound(adjusted) {
		return
	}
	w.renewed(s, now, window.Start(window.EpochAt(now)+1))
}

// renewed raises the wait to when a ceiling may be another, at the window's end at the latest.
func (w *wait) renewed(s *counter.Ledger, now, end int64) {
	after := end - now
	if retry := s.RetryIn(); retry != 0 {
		after = min(after, retry)
	}
	w.atLeast(LimitShare, time.Duration(after))
}

// beyond takes in that a cost is above a limit: it never fits, unless it is within
// what is configured; then it does when the reported limit lapses.
func (w *wait) beyond(l Limit, now int64, configured bool, lapse int64) {
	if configured && lapse > now {
		w.atLeast(l, time.Duration(lapse-now))
		return
	}
	w.limit, w.after, w.never = l, 0, true
}

// limits is until for all limits beside the pair.
func (w *wait) limits(h *handle, ms *limits, a *amounts, part counter.Part, leases bool, now int64) {
	at := counter.At{Epoch: h.turned, Now: now}
	for i := range ms.list {
		m := &ms.list[i]
		n := a[m.Dim]
		if w.never || !m.counts(leases || a[counter.Tokens] != 0, leases) || m.Fits(part, at, n) {
			continue
		}
		if m.Owned() && n <= m.Left(part, at) { // the limit has room
			w.renewed(m.Ledger(m.Window(at)), now, m.End(at))
			continue
		}
		after, never := m.Wait(part, at, n, m.most)
		switch {
		case never:
			w.beyond(reasonLimit[m.why], now, n <= part.Of(m.configured), h.lapseOf(m.kind))
		case m.Shape == counter.Gauge:
			w.atLeast(reasonLimit[m.why], h.roomIn(m.Used(at), part.Of(m.most)))
		default:
			w.refill(reasonLimit[m.why], after, m.Shape == counter.Level)
		}
	}
}

// refill is atLeast for a limit beside the pair, which may be a bucket.
func (w *wait) refill(l Limit, after time.Duration, bucket bool) {
	if w.atLeast(l, after); w.after == after {
		w.refills = bucket
	}
}

// atLeast raises the wait.
func (w *wait) atLeast(l Limit, after time.Duration) {
	if after > w.after {
		w.limit, w.after, w.refills = l, after, false
	}
}

// wait returns what keeps a cell from admitting a request, and for how long if
// nothing else is admitted or given back, within a part of the caps; leases says
// whether it is for a lease, which limits on leases refuse, and limits on tokens
// even if it names none. Under the group's mutex.
func (h *handle) wait(a amounts, part counter.Part, leases bool, now int64) wait {
	w := wait{id: h.id, cause: h.breaker.Cause()}
	if h.gone || !h.enabled {
		w.limit, w.never = LimitDisabled, true
		return w
	}
	p := h.turned & 1
	c, s := &h.hot[p], &h.plain[p]
	t, r := c.Adjusted()
	if n := a[counter.Tokens]; leases || n != 0 {
		w.until(LimitTPM, now, c.Tokens()+n, n, part.Of(h.tokenCap), part.Of(h.configuredTokenCap), h.lapseOf(provider.TPM))
		w.ceiling(&s.tokens, now, part.Of(h.tokenCap), c.Tokens()+n, t)
	}
	w.until(LimitRPM, now, c.Requests()+1, 1, part.Of(h.reqCap), part.Of(h.configuredReqCap), h.lapseOf(provider.RPM)) // what it is without a probe
	w.ceiling(&s.requests, now, part.Of(h.reqCap), c.Requests()+1, r)
	if ms := h.limits.Load(); ms != nil {
		w.limits(h, ms, &a, part, leases, now)
	}
	switch {
	case w.never:
	case h.breaker.Until() <= now:
	case h.breaker.Cooling(), c.Requests() >= h.probe.cap:
		w.atLeast(LimitCooldown, time.Duration(h.breaker.Until()-now))
	}
	return w
}
