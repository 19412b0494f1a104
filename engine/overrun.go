package engine

import "github.com/plimsoll-dev/plimsoll/engine/internal/counter"

// over returns how many of n tokens, with which a minute's count has become used, lie
// above the limit on tokens. (A word read again right after it was swapped costs more
// than the rest.)
func (h *handle) over(used, n int64) int64 {
	return min(max(used-h.tokenMost.Load(), 0), max(n, 0))
}

// over returns how many of n tokens, just counted, lie above the limit; 0 of requests.
func (m *limit) over(at counter.At, n int64) int64 {
	if n <= 0 || m.Dim > counter.Tokens || m.most >= counter.Max {
		return 0
	}
	return min(max(m.Used(at)-m.most, 0), n)
}

// overran is that of the engine for a deployment: tokens above a caller's limit are
// tokens of a deployment too.
func (h *handle) overran(tokens int64) {
	if h.caller == nil {
		h.e.overran(tokens)
	}
}
