package engine

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Short returns a channel that receives when a demand was refused, or begins to wait,
// because a ceiling and no limit refuses it. The syncer may then obtain a larger share for this
// node. From the first call on, a window that no [Engine.Absorb] has named admits
// nothing under limits that are not [window.Report.Loose], also in new
// deployments. One value is sent for all refusals until the next Want. Safe for
// concurrent use.
func (e *Engine) Short() <-chan struct{} {
	if !e.exact.Swap(true) {
		e.beginGrants()
	}
	return e.short
}

// Want appends to dst a [window.Want] for each deployment and caller that should be granted
// more: the demands that its group, or the caller's limits, refused since the last call, and
// those that wait now. The wants of a group are divided among those of its deployments that
// take requests and have headroom under their limits, at least one request each, beginning with
// the lowest utilization. Calls must not overlap; the syncer is the only caller.
func (e *Engine) Want(dst []window.Want) []window.Want {
	for _, g := range *e.all.Load() {
		dst = g.want(dst)
	}
	for _, h := range e.callerGroup.view.Load().handles {
		dst = h.wantOfCaller(dst)
	}
	return e.wantOfPools(dst)
}

func (g *Group) want(dst []window.Want) []window.Want {
	g.wants.said.Store(false)
	w := g.wants.drain()
	if g.line.Waiting.Load() != 0 {
		g.line.wanted(&w)
	}
	vain := g.wants.vain.Load()
	if w.Missed|w.Waiting|vain == 0 {
		return dst
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, first, least := g.clock.Read(), 0, uint64(math.MaxUint64)
	var able []*handle
	for _, h := range g.view.Load().handles {
		if !h.wanting() {
			continue
		}
		if k := h.utilization(now); k < least {
			first, least = len(able), k
		}
		able = append(able, h)
	}
	parts := int(min(int64(len(able)), max(w.Missed, w.Waiting, min(vain, 1))))
	if parts > 0 {
		w.Vain = vain
		g.wants.vain.Add(-vain)
	}
	for i := range parts {
		h, one := able[(first+i)%len(able)], w.Part(int64(parts-i))
		one.ID = h.id
		dst = append(dst, one)
		h.limits.Load().pooled().wanted(one)
		w = w.Minus(one)
	}
	return dst
}

// wantOfCaller is want for a caller. Group.want has added up its waiting demands before.
func (h *handle) wantOfCaller(dst []window.Want) []window.Want {
	w, waits := h.caller.wants.drain(), &h.caller.waits
	w.Waiting, w.WaitingTokens, w.WaitingInput = waits.Waiting, waits.WaitingTokens, waits.WaitingInput
	w.Largest = max(w.Largest, waits.Largest)
	*waits = window.Want{}
	if w.Missed|w.Waiting == 0 {
		return dst
	}
	able := false
	h.locked(func(*owner, int64) { able = h.wanting() })
	if !able {
		return dst
	}
	w.ID = h.shared()
	return append(dst, w)
}

// wanting reports whether a deployment would admit requests under its limits if its
// ceilings allowed them. Under the group's mutex.
func (h *handle) wanting() bool {
	if h.removed || !h.enabled {
		return false
	}
	c := h.hot.Of(h.turned)
	if gate, _ := c.Caps(); gate < 0 {
		return false
	}
	exact := h.exact()
	for m := range h.limits.Load().owned() {
		if m.Left(0, counter.At{Epoch: h.turned}) <= 0 {
			return false
		}
		exact = exact || h.holds(m)
	}
	for i := range h.limits.Load().of() {
		exact = exact || h.limits.Load().list[i].HeldByGrants()
	}
	return exact && c.Tokens() < h.tokenCap && c.Requests() < h.reqCap
}

// utilization returns the largest utilization of the limits per minute, in 2^-20. Under a limit
// that is held by grants, the reservations of other nodes count as used.
func (h *handle) utilization(now int64) uint64 {
	c, at := h.hot.Of(h.turned), counter.At{Epoch: h.turned, Now: now}
	most := max(c.Tokens()<<20/max(h.tokenCap, 1), c.Requests()<<20/max(h.reqCap, 1))
	ms := h.limits.Load()
	for i := range ms.of() {
		m := &ms.list[i]
		if m.Granted || m.most >= counter.Max || m.kind.Per() != provider.PerMinute {
			continue
		}
		used := m.Used(at)
		if g := ms.grantedBeside(m); g != nil {
			used += g.OthersIn(g.Window(at))
		}
		most = max(most, used<<20/max(m.most, 1))
	}
	return uint64(most)
}

// beginGrants adds granted limits to all deployments.
func (e *Engine) beginGrants() {
	now := e.clock.Read()
	e.eachGroup(now, func(g *Group) {
		if v := g.view.Load(); v.extraLimits {
			g.relimit(now, v.handles...)
		}
	})
}
