package counter

import "time"

// Ledger is what a window's count consists of and how far it may go, for one
// dimension of one limit: counted = own + Remote + adjustment. It is the one place
// where that is written down, for minutes, hours and days alike. Under the owner's
// mutex.
type Ledger struct {
	Window   int64
	Remote   int64 // what other nodes used
	Reported int64 // own usage as Collect last reported it
	Ceiling  int64 // how far own usage may go; Max = no ceiling
	Retry    int64 // ns until a ceiling may be another; 0 = with the next window
	Fallback int64 // how far own usage may go while the window is not fresh; Max = no bound
	Fresh    bool  // Absorb has named the window, and what it brought is still valid
	fallen   bool  // Fallback is set
	Listed   bool  // Collect has reported the window
	Closed   bool  // Collect need not report the window any more
	Known    bool  // Absorb has named the window
}

// NewLedger returns the ledger of a window without anything from other nodes.
func NewLedger(w int64) Ledger { return Ledger{Window: w, Ceiling: Max, Fallback: Max} }

// Own returns this node's part of a count, never below zero.
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

// Most returns how far own usage may go: to the ceiling, and to the fallback.
func (l *Ledger) Most() int64 { return min(l.Ceiling, l.Fallback) }

// RetryIn returns after how many nanoseconds own usage may go further, 0 = with the next window.
func (l *Ledger) RetryIn() int64 {
	if l.Fallback < l.Ceiling {
		return staleRetry
	}
	return l.Retry
}

// staleRetry is about how long a window stays stale on a node that is awake: until the
// next exchange.
const staleRetry = int64(250 * time.Millisecond)

// Bound returns how far a count may go by the ceiling, beyond what is not this node's.
func (l *Ledger) Bound(adjusted int64) int64 { return l.Most() + l.Remote + adjusted }

// Cap returns how far a count may go: to the limit, and to where the ceiling bounds it.
func (l *Ledger) Cap(limit, adjusted int64) int64 { return min(limit, l.Bound(adjusted)) }

// Received is what Absorb brings of one count of a window.
type Received struct {
	Others  int64 // what other nodes used, below zero = unknown
	Ceiling int64 // how far own usage may go; Max = no ceiling
	Retry   int64 // ns until the ceiling may be another; 0 = with the next window
	Fresh   bool  // it is valid now
}

// Set takes in what Absorb brings. It returns by how much Remote changed.
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

// Fall bounds a window that is not fresh to what was used and a part of what is left of
// the limit, once. It reports whether that changed anything.
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
