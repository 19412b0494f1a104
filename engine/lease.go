package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// Ref returns the deployment; the zero Ref if the lease has ended.
func (l *Lease) Ref() Ref { return Ref{l.h} }

// Reserved returns the tokens reserved at admission, without those of Add;
// 0 if the lease has ended.
func (l *Lease) Reserved() int64 { return l.reserved }

// Add counts output tokens beyond the reservation while the answer streams in,
// whatever the limits. Settle replaces them and the reservation by the usage. A count
// outside [0, MaxCount] is clamped and counted in [Stats.Invalid]. Add does nothing if the
// lease has ended.
func (l *Lease) Add(outputTokens int64) {
	h := l.h
	if h == nil {
		return
	}
	n, ok := clamp(outputTokens)
	if !ok {
		h.e.invalid.Add(1)
	}
	if n <= 0 {
		return
	}
	h.e.overran(l.addOutput(n))
	if l.caller != nil {
		l.caller.addOutput(n)
	}
}

// Settle ends the lease of a call that was made and consumed u. The difference to the reservation
// is counted in the minute of admission while that is the current or the previous one. Later,
// usage above the reservation is charged to the current minute, and usage below it only
// changes the totals. Tokens that a provider's figure has replaced since are not given back, see
// [Ref.Observe]. A bucket gets back the whole rest of a reservation that its provider makes by
// the profile, and of other reservations the part that has not refilled since. If the provider
// refused the call, u is Usage{}: the request stays counted.
func (l *Lease) Settle(u Usage) {
	h := l.h
	if h == nil {
		return
	}
	if l.refused && u == (Usage{}) {
		l.refusedUpstream()
		return
	}
	if !u.inRange() {
		u = h.e.clamped(u)
	}
	if l.caller != nil {
		l.caller.settle(&u)
	}
	in, out := u.InputTokens, u.OutputTokens
	if l.limits != nil {
		in, out = l.limits.final(&u, l.input, l.reserved-l.input)
	}
	switch {
	case h.observed():
		if d := l.difference(in, out); d != (amounts{}) {
			l.changeObserved(&d, l.limits.holds())
		}
	case l.limits != nil && l.limits.counted:
		if d := l.difference(in, out); d != (amounts{}) {
			over := l.adjust(&d, l.limits.holds(), nil)
			h.e.overran(max(over, h.add(l.begun.epoch(), d[counter.Tokens])))
		}
	default:
		h.e.overran(h.add(l.begun.epoch(), in+out-l.reserved-l.added))
	}
	if h.doubted.Load() && u != (Usage{}) {
		h.onSuccess(l.begun.at())
	}
	if at, _ := l.end(); h.teaches(at, u) {
		h.learn(u.OutputTokens)
	}
}

// refusedUpstream ends the lease of a call that the provider refused. The call has used no
// token, and counts as a request only if the profile has CountsRefused.
func (l *Lease) refusedUpstream() {
	h := l.h
	if by := l.caller; by != nil {
		by.giveBack(by.h.uncountedRefused())
	}
	l.giveBack(h.uncountedRefused())
	l.end()
}

// uncountedRefused returns how many requests are given back for a call that the provider
// refused, 0 or 1.
func (h *handle) uncountedRefused() int64 {
	if h.countsRefused.Load() {
		return 0
	}
	return 1
}

// giveBack gives back all tokens that were counted for the lease, and that many
// requests, 0 or 1.
func (l *Lease) giveBack(requests int64) {
	h, d := l.h, l.back(requests)
	if h.observed() {
		l.changeObserved(&d, false)
		return
	}
	if l.limits != nil {
		l.adjust(&d, false, nil)
	}
	h.add(l.begun.epoch(), d[counter.Tokens])
	if requests != 0 {
		l.returnRequest()
	}
}

// SettleReserved ends the lease of a call that was made and whose usage is
// unknown. The reservation and the tokens of Add stay counted.
func (l *Lease) SettleReserved() {
	if l.h != nil {
		l.end()
	}
}

// Release ends the lease of a call that was never made. Its request and its
// tokens are given back.
func (l *Lease) Release() {
	h := l.h
	if h == nil {
		return
	}
	if l.caller != nil {
		l.caller.giveBack(1)
	}
	l.giveBack(1)
	if _, ok := l.end(); ok {
		h.e.released.Add(1)
	}
}

// end takes the lease out of flight. Not ok: the lease had expired. Its caller has made all
// other changes of the lease before, because with its last lease a removed deployment
// may be dropped (protocol 6).
func (l *Lease) end() (at counter.Ending, ok bool) {
	h, slot := l.h, l.h.e.slot(l.begun.epoch())
	g := h.group.Load()
	if g == nil || g.epoch.Load() > l.begun.epoch()+1 {
		h.e.late.Add(1)
	}
	if h.noting.Load() && h.tracked != nil {
		h.tracked.Add(slot, -l.reserved-l.added)
	}
	invariants.Yield()
	at, ok = h.flight.End(slot)
	invariants.Yield()
	if ok {
		l.freeGauge(g, at.Counted())
	}
	invariants.Yield()
	if l.caller != nil {
		l.caller.end()
	}
	l.admission, l.refused = admission{}, false
	return at, ok
}

func (a *admission) lease() Lease { return Lease{admission: *a, mark: a.mark()} }
