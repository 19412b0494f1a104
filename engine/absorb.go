package engine

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Absorb applies shares: per deployment and window the usage of the other nodes, and the
// ceilings of this node. A share replaces the earlier one for the same window. Shares for the
// window after the current one are kept for it; those for other windows or unknown deployments
// are ignored. A new window without a share begins with a remote usage of 0 and no ceiling. A
// negative count is unknown: the previous value stays. Counts above [MaxCount] are clamped to
// MaxCount; a ceiling below zero admits nothing. Counts for which the deployment has no limits
// are ignored, except requests and tokens of a minute.
//
// A cooldown applies whatever the window. It begins at once, never shortens
// one that lasts longer, and ends within 25 hours. Collect does not report it, because
// another node does.
//
// A limit that a provider has reported to another node ([window.LimitID]) is in force like one
// reported to this node, until CoolUntil and for 5 minutes at most. The lowest is in force, and
// none raises a configured limit. Collect does not report it either.
//
// Only the syncer calls Absorb; calls must not overlap.
func (e *Engine) Absorb(shares []window.Share) {
	for i := range shares {
		s := &shares[i]
		if s.ID == "" {
			e.ValidFor(s.ValidFor, s.Nodes)
			continue
		}
		if name, ok := strings.CutPrefix(s.ID, window.PoolPrefix); ok {
			e.absorbPool(name, s)
			continue
		}
		if kind, value, id, ok := window.CutLimitID(s.ID); ok {
			e.absorbLimit(kind, value, id, s.CoolUntil)
			continue
		}
		if h := e.sharedBy(s.ID); h != nil {
			h.locked(func(_ *owner, now int64) { h.absorb(s, now) })
		}
	}
}

// absorb applies a share of a deployment or a caller. Under the group's mutex.
func (h *handle) absorb(in *window.Share, now int64) {
	if in.CoolUntil > now/1e6 {
		h.coolRemotely(in.CoolUntil, now)
	}
	ms, at := h.limits.Load(), counter.At{Epoch: h.turned, Now: now}
	more, fresh := amounts{}, h.e.valid(now)
	current := in.Kind == window.KindMinute && h.absorbMinute(in, fresh, &more)
	epoch := window.EpochOf(in.Start)
	for m := range ms.owned() {
		if m.Kind() != in.Kind {
			continue
		}
		w := in.Kind.Index(epoch)
		n, now := m.Absorb(at, w, received(in, m.Dim, fresh))
		more[m.Dim], current = n, current || now
		if m.Long() {
			ms.absorbLong(m.Shape, m.Dim, w, n)
		}
	}
	current = absorbGrants(ms.granted(in.Kind), in, at) || current
	if !current {
		return
	}
	if in.Kind == window.KindMinute {
		ms.absorb(at, &more)
	}
	h.capacityFreed(h.turned)
}

// absorbMinute applies a share of a minute to the pair. It reports whether that is the current
// minute, and stores in more by how much the remote usage has changed.
func (h *handle) absorbMinute(in *window.Share, fresh bool, more *amounts) (current bool) {
	set := func(s *pairLedger) (tokens, requests int64) {
		return s.tokens.Set(received(in, counter.Tokens, fresh)), s.requests.Set(received(in, counter.Requests, fresh))
	}
	switch k := window.EpochOf(in.Start); k {
	case h.turned:
		t, r := set(&h.plain[k&1])
		h.shift(k&1, t, r)
		more[counter.Tokens], more[counter.Requests] = t, r
		return true
	case h.turned + 1:
		if h.next == nil {
			h.next = new(pairLedger)
		}
		if h.next.tokens.Window != k {
			h.next.begin(k)
		}
		set(h.next)
	}
	return false
}
