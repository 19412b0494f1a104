package counter

import "time"

// Ledger has the parts of a window's count, for one dimension of one limit, and the
// bounds of own usage: counted = own + Remote + adjustment. It is the one place
// for that equation, for minutes, hours and days alike. Under the owner's
// mutex.
type Ledger struct {
	Window   int64
	Remote   int64 // usage of other nodes
	Reported int64 // own usage in the last report of Collect
	Ceiling  int64 // the most own usage; Max = no ceiling
	Retry    int64 // ns until the ceiling may change; 0 = with the next window
	Fallback int64 // the most own usage while the window is stale; Max = no bound
	Fresh    bool  // Absorb has named the window, and its share is still valid; else the window is stale
	fallen   bool  // Fallback is set
	Listed   bool  // Collect has reported the window
	Closed   bool  // Collect does not report the window any more
	Known    bool  // Absorb has named the window
}

// NewLedger returns the ledger of a window for which nothing was received from other nodes.
func NewLedger(w int64) Ledger { return Ledger{Window: w, Ceiling: Max, Fallback: Max} }

// Own returns this node's part of a count, at least zero.
func (l *Ledger) Own(counted, adjusted int64) int64 { return max(counted-l.Remote-adjusted, 0) }

// Share returns the ceiling as [window.Share] has it: 0 = none, -1 = nothing.
func (l *Ledger) Share() int64 {
	switch n := l.Most(); {
	case n >= Max:
		return 0
	case n <= 0:
		return -1
	default:
		return n
	}
}

// Most returns the most own usage by the ceiling and the fallback.
func (l *Ledger) Most() int64 { return min(l.Ceiling, l.Fallback) }

// RetryIn returns after how many nanoseconds Most may rise, 0 = with the next window.
func (l *Ledger) RetryIn() int64 {
	if l.Fallback < l.Ceiling {
		return staleRetry
	}
	return l.Retry
}

// staleRetry is about how long a window stays stale on a running node, in ns: until the
// next exchange.
const staleRetry = int64(250 * time.Millisecond)

// Bound returns the cap of a count by the ceiling: own usage up to Most, plus all other parts.
func (l *Ledger) Bound(adjusted int64) int64 { return l.Most() + l.Remote + adjusted }

// Cap returns the cap of a count: the limit, or Bound if that is lower.
func (l *Ledger) Cap(limit, adjusted int64) int64 { return min(limit, l.Bound(adjusted)) }

// Received is the part of a share that concerns one count of a window.
type Received struct {
	Others  int64 // usage of other nodes, below zero = unknown
	Ceiling int64 // the most own usage; Max = no ceiling
	Retry   int64 // ns until the ceiling may change; 0 = with the next window
	Fresh   bool  // the share is valid now
}

// Set applies what was received. It returns by how much Remote changed.
func (l *Ledger) Set(t Received) (more int64) {
	l.Ceiling, l.Retry = t.Ceiling, t.Retry
	if t.Fresh {
		l.Free()
		l.Fresh = true
	}
	if t.Others < 0 {
		return 0
	}
	l.Known = true
	more = t.Others - l.Remote
	l.Remote = t.Others
	return more
}

// Fall bounds own usage of a window that is stale to the usage so far and a part of the rest of
// the limit, once. It reports whether it has.
func (l *Ledger) Fall(p Part, limit, counted, adjusted int64) bool {
	if l.Fresh || l.fallen || limit >= Max {
		return false
	}
	l.fallen = true
	l.Fallback = l.Own(counted, adjusted) + p.Of(max(limit-counted, 0))
	return true
}

// Free ends the bound of Fall. It reports whether there was one.
func (l *Ledger) Free() (was bool) {
	was = l.fallen
	l.fallen, l.Fallback = false, Max
	return was
}
