package engine

import (
	"cmp"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// wait returns the verdict on a demand with the time for which it does not fit. Under the
// owner's mutex.
func (h *handle) wait(a amounts, part counter.Part, leases bool, now int64) verdict {
	t := trial{h, h.limits.Load(), counter.At{Epoch: h.turned, Now: now}, part, a, leases, true}
	return t.verdict()
}

// raise records that a limit refuses for after nanoseconds, if no other does for longer.
func (v *verdict) raise(why reason, after int64, refills bool) {
	if d := time.Duration(after); d > v.after && !v.never {
		v.refusal, v.after, v.refills = why, d, refills
	}
}

// beyond records that a cost is above a limit. If the cost is within the configured limit, it
// fits once the reported limit lapses; otherwise never.
func (t *trial) beyond(v *verdict, why reason, configured bool, lapse int64) {
	if configured && lapse > t.at.Now {
		v.raise(why, lapse-t.at.Now, false)
		return
	}
	v.refusal, v.after, v.never = why, 0, true
}

// waitPair computes for how long the limits of the pair refuse, without the cap of a probe.
func (t *trial) waitPair(v *verdict, c *counter.Pair) {
	h := t.h
	if h.removed || !h.enabled {
		v.refusal, v.never = whyDisabled, true
		return
	}
	s := &h.plain[t.at.Epoch&1]
	tokens, requests := c.Adjusted()
	if n := t.amounts[counter.Tokens]; t.tokens() {
		t.waitMinute(v, provider.TPM, &s.tokens, c.Tokens()+n, n, h.tokenCap, h.configuredTokenCap, tokens)
	}
	t.waitMinute(v, provider.RPM, &s.requests, c.Requests()+1, 1, h.reqCap, h.configuredReqCap, requests)
}

// waitMinute computes for how long a limit of the pair, or its ceiling, refuses a cost. Used
// includes the cost; most is the limit in force.
func (t *trial) waitMinute(v *verdict, l Limit, s *counter.Ledger, used, cost, most, configured, adjusted int64) {
	end := window.Start(window.EpochAt(t.at.Now) + 1)
	most = t.part.Of(most)
	switch {
	case v.never:
	case used > most && cost > most:
		t.beyond(v, reasonOf(l), cost <= t.part.Of(configured), t.h.lapseOf(l))
	case used > most:
		v.raise(reasonOf(l), end-t.at.Now, false)
	case used > s.Bound(adjusted):
		t.renewed(v, s, end)
	}
}

// renewed records that a ceiling refuses until the next one may be received, or until the
// window ends if that is sooner.
func (t *trial) renewed(v *verdict, s *counter.Ledger, end int64) {
	after := end - t.at.Now
	if retry := s.RetryIn(); retry != 0 {
		after = min(after, retry)
	}
	v.raise(whyShare, after, false)
}

// wait computes for how long a limit beside the pair, or its ceiling, refuses a cost.
func (t *trial) wait(v *verdict, m *limit, n int64) {
	if v.never || m.Fits(t.part, t.at, n) {
		return
	}
	if m.Granted {
		v.raise(whyShare, cmp.Or(m.Retry(), int64(closedRetry)), false) // until the grant may change
		return
	}
	if m.Owned() && n <= m.Left(t.part, t.at) { // the limit has headroom: its ceiling refuses
		t.renewed(v, m.Ledger(m.Window(t.at)), m.End(t.at))
		return
	}
	after, never := m.Wait(t.part, t.at, n, m.most)
	switch {
	case never:
		t.beyond(v, m.why, n <= t.part.Of(m.configured), t.h.lapseOf(m.kind))
	case m.Shape == counter.Gauge:
		v.raise(m.why, int64(t.h.roomIn(m.Used(t.at), t.part.Of(m.most))), false)
	default:
		v.raise(m.why, int64(after), m.Shape == counter.Level)
	}
}

// waitBreaker computes for how long the breaker refuses.
func (t *trial) waitBreaker(v *verdict, c *counter.Pair) {
	b := &t.h.breaker
	if until := b.Until(); until > t.at.Now && (b.Cooling() || c.Requests() >= t.h.probe.cap) {
		v.raise(whyCooling, until-t.at.Now, false)
	}
}
