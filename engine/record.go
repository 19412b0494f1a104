package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// Record adds the tokens of a request admitted by PreCheck to the current minute, whatever
// the limit. It adds no request.
func (r Ref) Record(u Usage) {
	if r.h != nil {
		r.h.record(&u)
	}
}

// Record adds the tokens of a request that [Ref.PreCheck] has admitted for the caller to
// the caller's current minute, whatever its limit. It adds no request, and nothing to the
// deployment: [Ref.Record] does that.
func (r CallerRef) Record(u Usage) {
	if r.h != nil {
		r.h.record(&u)
	}
}

// record is Record: at once when nothing is in the way, that is counts in range in a
// minute that still runs, else in general.
func (h *handle) record(u *Usage) {
	n := u.InputTokens + u.OutputTokens
	if g := h.group.Load(); g != nil && h.limits.Load() == nil && uint64(u.InputTokens|u.OutputTokens) <= uint64(MaxCount) && g.clock.Now() < g.wake.Load() {
		e := g.epoch.Load()
		if used := h.hot.Of(e).CountTokens(e, n); used >= 0 {
			if over := used - h.tokenMost.Load(); over > 0 {
				h.overran(min(over, n))
			}
			return
		}
	}
	h.recordAny(*u)
}

// recordAny is record for any usage and any deployment.
func (h *handle) recordAny(u Usage) {
	if !u.inRange() {
		u = h.e.clamped(u)
	}
	n := u.InputTokens + u.OutputTokens
	if n == 0 {
		return
	}
	for {
		g := h.group.Load()
		if g == nil {
			h.unattributed(n, 0)
			return
		}
		e, _ := g.minute()
		ms := h.limits.Load()
		in, out := u.InputTokens, u.OutputTokens
		if ms != nil {
			in, out = ms.charged(&u)
			n = in + out
		}
		if used := h.hot.Of(e).CountTokens(e, n); used >= 0 {
			over := h.over(used, n)
			if ms != nil {
				over = max(over, ms.count(ms.moment(g.clock, e), &amounts{counter.Input: in, counter.Output: out, counter.Tokens: n}))
			}
			h.overran(over)
			return
		}
		g.await()
	}
}
