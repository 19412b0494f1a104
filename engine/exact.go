package engine

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// closedRetry is the RetryAfter of a refusal in a window that no share has named: as long as
// nodes take to exchange.
const closedRetry = 100 * time.Millisecond

// exact reports whether nodes can hold the limits of the deployment's minutes exactly: its
// minutes are UTC minutes, and the limits are its own and not a pool's.
func (h *handle) exact() bool { return !h.loose }

// exactIn is exact for windows of a kind. Hours and days follow UTC or Pacific time, whatever
// the deployment's minutes do.
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

// closesUnnamed returns the RetryAfter, in nanoseconds, of a refusal by a window of the limit
// that no share has named; 0 = such windows are open.
func (h *handle) closesUnnamed(m *limit) int64 {
	if h.e.exact.Load() && h.holds(m) {
		return int64(closedRetry)
	}
	return 0
}

// close sets ceilings of zero on the pair's limits in a window that no share has named.
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

// closeNew closes the windows of limits that are not in the old list, if nodes hold them
// exactly.
func (h *handle) closeNew(old, ms *limits) {
	for i := range ms.of() {
		m := &ms.list[i]
		known := slices.ContainsFunc(old.of(), func(o limit) bool { return o.Limit == m.Limit })
		if retry := h.closesUnnamed(m); retry != 0 && !known {
			m.Close(retry)
		}
	}
}
