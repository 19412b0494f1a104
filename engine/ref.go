package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Ref is a deployment, resolved once with [Engine.Ref] or returned by Pick. It
// is a small value, comparable, and stays valid across Apply. While its
// deployment is not configured, PreCheck refuses and Record counts for the
// minutes that still run.
type Ref struct{ h *handle }

// ID returns the deployment's ID, "" for the zero Ref.
func (r Ref) ID() string {
	if r.h == nil {
		return ""
	}
	return r.h.id
}

// PreCheck admits one request on this deployment and counts it, if it is
// enabled, not cooling down and within its request limit. Tokens that the demand
// names must fit too, but are not reserved: Record reports them. It ignores
// Order, Tags and Exclude, and the limit on leases. The zero Ref refuses.
func (r Ref) PreCheck(d Demand) bool {
	return r.h != nil && preChecks(r.h, &d)
}

// preChecks is PreCheck.
func preChecks(h *handle, d *Demand) bool {
	if preChecked(h, d) {
		return true
	}
	_, ok := preCheck(h, d, false)
	return ok
}

// preChecked is preCheck when nothing is in the way. False: nothing was done.
func preChecked(h *handle, d *Demand) bool {
	tokens, ok := d.named()
	if !ok || d.Priority != 0 || d.Caller.h != nil {
		return false
	}
	if g := h.group.Load(); g != nil && h.limits.Load() == nil && g.clock.Now() < g.wake.Load() {
		e := g.epoch.Load()
		return h.hot.Of(e).CountRequest(0, e, tokens) == counter.Taken
	}
	return false
}

// Record adds the tokens of a request admitted by PreCheck to the current minute, whatever
// the limit. It adds no request.
func (r Ref) Record(u Usage) {
	if r.h != nil {
		r.h.record(u)
	}
}

// record is Record: at once when nothing is in the way, that is counts in range in a
// minute that still runs, else in general.
func (h *handle) record(u Usage) {
	g := h.group.Load()
	if g != nil && h.limits.Load() == nil {
		if n := u.InputTokens + u.OutputTokens; uint64(u.InputTokens|u.OutputTokens) <= uint64(MaxCount) && g.clock.Now() < g.wake.Load() {
			e := g.epoch.Load()
			if used := h.hot.Of(e).CountTokens(e, n); used >= 0 {
				if over := used - h.tokenMost.Load(); over > 0 {
					h.overran(min(over, n))
				}
				return
			}
		}
	}
	h.recordAny(u)
}

// recordAny is record for any usage and any deployment.
func (h *handle) recordAny(u Usage) {
	u = h.e.checked(u)
	n := u.InputTokens + u.OutputTokens
	if n == 0 {
		return
	}
	for {
		g := h.group.Load()
		if g == nil {
			h.stray(n, 0)
			return
		}
		e, ms := g.minute(), h.limits.Load()
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

// locked runs do under the mutex of the deployment's group, which has turned to the
// current minute. Nothing happens once the deployment has been dropped.
func (h *handle) locked(do func(g *owner, now int64)) {
	if g, now := h.lock(); g != nil {
		defer g.mu.Unlock()
		do(g, now)
	}
}

// lock locks the deployment's group and turns it to the current minute. Nil: the
// deployment has been dropped.
func (h *handle) lock() (g *owner, now int64) {
	now = h.e.clock.Read()
	if g = h.lockAt(now); g != nil {
		now = max(now, window.Start(g.epoch.Load()))
	}
	return g, now
}

// lockAt is lock at an instant.
func (h *handle) lockAt(now int64) *owner {
	for {
		g := h.group.Load()
		if g == nil {
			return nil
		}
		g.mu.Lock()
		if h.group.Load() == g {
			if g.turnLocked(now); h.group.Load() == g { // else it was dropped
				return g
			}
		}
		g.mu.Unlock()
	}
}

// change runs do under the mutex of the deployment's group, then sets its caps again
// and tells the search.
func (h *handle) change(do func(now int64)) {
	h.locked(func(g *owner, now int64) {
		do(now)
		h.changed()
		g.bell.recall()
	})
}

// changed sets the caps again and tells the search. Under the group's mutex.
func (h *handle) changed() {
	h.recap()
	if g := h.group.Load(); h.alarm() != 0 {
		g.rouse(h.alarm())
	}
	h.eased(h.turned)
}

// Cooldown keeps the deployment from being picked or admitted for d from now. It never
// shortens a cooldown; 0 or less ends it. Collect reports it to the other nodes, for at most
// 25 hours; ending it is not reported.
func (r Ref) Cooldown(d time.Duration) {
	if r.h == nil {
		return
	}
	h := r.h
	h.change(func(now int64) {
		if d <= 0 {
			h.uncool()
			return
		}
		until := now + int64(d)
		if until < now {
			until = math.MaxInt64
		}
		h.pause(until)
		h.tell(until, now)
	})
}

// SetEnabled is the switch of an operator or a health check. It holds until it
// is called again or an Apply changes [Deployment.Disabled]. Switching a deployment
// off and on ends a cooldown that began because its account was empty.
func (r Ref) SetEnabled(on bool) {
	if r.h == nil {
		return
	}
	h := r.h
	h.change(func(int64) {
		if on && !h.enabled && h.breaker.Cause() == provider.NoMoney {
			h.uncool()
		}
		h.enabled = on
	})
}
