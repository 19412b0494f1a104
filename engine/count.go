package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// add counts n tokens in the minute of an epoch, whatever the caps, while that minute is
// the current or the previous one. Later a positive n is counted in the current minute, and a
// negative one only in the totals. It returns how many of the tokens lie above the limit.
func (h *handle) add(epoch, n int64) (over int64) {
	if n == 0 {
		return 0
	}
	if n > 0 {
		h.catchUp()
	}
	if used := h.hot.Of(epoch).CountTokens(epoch, n); used >= 0 {
		if n < 0 {
			h.capacityFreed(epoch)
			return 0
		}
		return h.over(used, n)
	}
	for n > 0 {
		g := h.group.Load()
		if g == nil {
			break
		}
		e := g.epoch.Load()
		if used := h.hot.Of(e).CountTokens(e, n); used >= 0 {
			return h.over(used, n)
		}
		g.await()
	}
	h.unattributed(n, 0)
	return 0
}

// catchUp turns a group that had no request since its minute ended. Otherwise usage beyond a
// reservation would be counted in a minute that has long ended.
func (h *handle) catchUp() {
	if g := h.group.Load(); g != nil && g.clock.Now() >= g.wake.Load() {
		g.minute()
	}
}

// addRequests is add for requests.
func (h *handle) addRequests(epoch, n int64) {
	if !h.hot.Of(epoch).AddRequests(epoch, n) {
		h.unattributed(0, n)
		return
	}
	if n < 0 {
		h.capacityFreed(epoch)
	}
}

// unattributed counts changes to windows that had been folded, for Stats, which show those of
// deployments only.
func (h *handle) unattributed(tokens, requests int64) {
	if h.caller == nil {
		h.e.unattributedTokens.Add(tokens)
		h.e.unattributedRequests.Add(requests)
	}
}

// over returns how many of n tokens lie above the limit on tokens, if a minute's count is used
// with them. The caller passes used, because reading the word again right after its swap
// costs more than all else here.
func (h *handle) over(used, n int64) int64 {
	return min(max(used-h.tokenMost.Load(), 0), max(n, 0))
}

// overran counts tokens above the limits of a deployment for Stats. Tokens above a caller's
// limits are not counted, as they are tokens of a deployment too.
func (h *handle) overran(tokens int64) {
	if h.caller == nil {
		h.e.overran(tokens)
	}
}

// now returns the current moment for a list of limits, at which the differences a are
// counted, and false if the handle was dropped. A group that was idle is turned first if a
// limit needs the instant, as its last minute would have refilled already, or if
// a difference is positive.
func (h *handle) now(ms *limits, a *amounts) (counter.At, bool) {
	g := h.group.Load()
	if g == nil {
		return counter.At{}, false
	}
	if !ms.timed && max(a[counter.Input], a[counter.Output], a[counter.Tokens]) <= 0 {
		return counter.At{Epoch: g.epoch.Load()}, true
	}
	e, now := g.minute()
	return counter.At{Epoch: e, Now: within(e, now)}, true
}

// capacityFreed announces that a deployment may have gained headroom in a minute: to refusing
// searches (protocol 3) and to the queue (protocol 7). It is called after the counter has
// changed.
func (h *handle) capacityFreed(epoch int64) {
	if ms := h.limits.Load(); ms != nil && ms.pool != nil {
		ms.pool.ring()
	}
	s := h.seat.Load()
	if s == nil {
		if h.caller != nil {
			h.caller.ring()
		}
		return
	}
	b := s.blocks[epoch&1]
	invariants.Yield()
	if !b.Watched() {
		return
	}
	b.Move()
	invariants.Yield()
	if s.in.indexed {
		at := counter.At{Epoch: epoch}
		if s.in.timed {
			at.Now = h.e.clock.Now()
		}
		b.Lower(s.in.keyOf(s.i, at))
	}
	if g := h.group.Load(); g != nil {
		g.bell.Ring()
	}
}
