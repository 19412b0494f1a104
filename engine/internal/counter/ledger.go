package counter

// Ledger is what a window's count consists of and how far it may go, for one
// dimension of one limit: counted = own + Remote + adjustment. It is the one place
// where that is written down, for minutes, hours and days alike. Under the owner's
// mutex.
type Ledger struct {
	Window   int64
	Remote   int64 // what other nodes used
	Ceiling  int64 // how far own usage may go; Max = no ceiling
	Retry    int64 // ns until a ceiling may be another; 0 = with the next window
	Reported int64 // own usage as Collect last reported it
	Listed   bool  // Collect has reported the window
	Closed   bool  // Collect need not report the window any more
	Known    bool  // Absorb has named the window
}

// NewLedger returns the ledger of a window without anything from other nodes.
func NewLedger(w int64) Ledger { return Ledger{Window: w, Ceiling: Max} }

// Own returns this node's part of a count, never below zero.
func (l *Ledger) Own(counted, adjusted int64) int64 { return max(counted-l.Remote-adjusted, 0) }

// Share returns the ceiling as [window.Share] has it: 0 = none, -1 = nothing.
func (l *Ledger) Share() int64 {
	switch {
	case l.Ceiling >= Max:
		return 0
	case l.Ceiling <= 0:
		return -1
	}
	return l.Ceiling
}

// Bound returns how far a count may go by the ceiling, beyond what is not this node's.
func (l *Ledger) Bound(adjusted int64) int64 { return l.Ceiling + l.Remote + adjusted }

// Cap returns how far a count may go: to the limit, and to where the ceiling bounds it.
func (l *Ledger) Cap(limit, adjusted int64) int64 { return min(limit, l.Bound(adjusted)) }

// Set takes in what other nodes used, below zero = unknown, and the ceiling, with when
// that may be another. It returns by how much Remote changed.
func (l *Ledger) Set(remote, ceiling, retry int64) (more int64) {
	l.Ceiling, l.Retry = ceiling, retry
	if remote < 0 {
		return 0
	}
	l.Known = true
	more = remote - l.Remote
	l.Remote = remote
	return more
}
