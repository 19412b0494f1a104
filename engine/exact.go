package engine

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// closedRetry is the RetryAfter of a refusal in a window without a share.
const closedRetry = 100 * time.Millisecond

// exact reports whether nodes can hold the limits of the deployment's minutes exactly:
// they are UTC minutes, and the deployment's own.
func (h *handle) exact() bool { return !h.loose }

// exactIn is exact for windows of a kind: hours and days are UTC's or Pacific, whatever
// the deployment's minutes.
func (h *handle) exactIn(kind window.Kind) bool {
	if kind.Long() {
		return h.cfg.Profile.Pool == ""
	}
	return h.exact()
}

// holds reports whether nodes hold a limit beside the pair exactly in its own windows.
func (h *handle) holds(m *limit) bool {
	return m.Owned() && m.most != counter.Max && h.exactIn(m.Kind())
}

// closesUnnamed returns after how many nanoseconds a refusal by a window of a limit that
// no share has named asks its caller to come back; 0 = such windows are open.
func (h *handle) closesUnnamed(m *limit) int64 {
	if h.e.exact.Load() && h.holds(m) {
		return int64(closedRetry)
	}
	return 0
}

// close has a window that no share has named admit nothing under the pair's limits.
func (h *handle) close(s *pairLedger) {
	if !h.e.exact.Load() || !h.exact() {
		return
	}
	if h.tokenCap != counter.Max && !s.tokens.Known {
		s.tokens.Ceiling, s.tokens.Retry = 0, int64(closedRetry)
	}
	if h.reqCap != counter.Max && !s.requests.Known {
		s.requests.Ceiling, s.requests.Retry = 0, int64(closedRetry)
	}
}

// closeNew closes the windows of limits that are new, where nodes hold them exactly.
func (h *handle) closeNew(old, ms *limits) {
	for i := range ms.of() {
		m := &ms.list[i]
		if retry := h.closesUnnamed(m); retry != 0 && !slices.ContainsFunc(old.of(), func(o limit) bool { return o.Limit == m.Limit }) {
			m.Close(retry)
		}
	}
}
