package escrow

// Account is a node's part of one limit in one window. Amounts are in the limit's unit:
// requests or tokens. The zero value is an account without a grant. It is not safe for
// concurrent use.
type Account struct {
	granted  int64 // how much the node may use; see invariant (1)
	bare     int64 // part of granted that the counter does not contain
	held     int64 // part of the counter that the node has asked for and may not use yet
	back     int64 // part of the counter that the next batch returns
	inFlight parts // of the batch in doubt
	total    int64 // the latest total; see Known
	floor    int64 // the highest total of all epochs
	missing  int64 // part of the counter before the last loss that its nodes have not added again
	again    int64 // what nodes have added again to the current epoch's counter; -1 = not known
	known    bool
	renewed  bool // an epoch began, and nothing has been granted in it yet
}

// parts are what a batch adds to the counter: bare + ask − back.
type parts struct{ bare, ask, back int64 }

func (p parts) sum() int64 { return p.bare + p.ask - p.back }

// Granted returns how much of the limit the node may use.
func (a *Account) Granted() int64 { return a.granted }

// Committed returns this node's part of the counter without the batch in doubt.
func (a *Account) Committed() int64 {
	return a.granted - a.bare - a.inFlight.bare + a.held + a.back + a.inFlight.back
}

// Uncounted returns the part of the node's usage own that the counter does not contain without
// the batch in doubt.
func (a *Account) Uncounted(own int64) int64 { return max(own-a.Committed(), 0) }

// Reserved returns an upper bound of this node's part of the counter, including the batch in
// doubt.
func (a *Account) Reserved() int64 {
	return max(a.granted, a.Committed()+a.inFlight.bare+a.inFlight.ask)
}

// Remote returns the other nodes' part of the latest total.
func (a *Account) Remote() int64 { return max(a.total-a.Committed()+a.missing, 0) }

// Known reports whether a total was received in the current epoch.
func (a *Account) Known() bool { return a.known }

// Left returns the part of limit that no node had committed at the latest total; what this
// node is about to return counts as left. It is the whole limit if no total is known.
func (a *Account) Left(limit int64) int64 {
	return max(limit-a.total-a.missing+a.back+a.inFlight.back, 0)
}

// Adopt begins an account whose counter already contains acked of the node, and to which the
// batch in doubt adds inFlight. Of these the node is granted its usage own; the next batch returns
// the rest.
func (a *Account) Adopt(own, acked, inFlight int64) {
	sum := max(acked+inFlight, 0)
	a.granted = min(max(own, 0), sum)
	a.back = sum - a.granted
	a.inFlight = parts{bare: max(inFlight, 0), back: max(-inFlight, 0)}
}

// Due reports whether the account has amounts to commit or to return.
func (a *Account) Due() bool { return a.bare != 0 || a.back != 0 }

// Holds reports whether the account needs a total to decide on a grant of what it holds.
func (a *Account) Holds() bool { return a.held != 0 }

// Misses reports whether a new epoch began and it is not known yet what of the total before is
// missing in it.
func (a *Account) Misses() bool { return a.renewed }

// Overrun raises the grant to the node's usage own if that is higher: a request was larger
// than its reservation, or was counted without one. The excess, which Overrun returns, is
// committed whatever the total.
func (a *Account) Overrun(own int64) int64 {
	over := max(own-a.granted, 0)
	a.granted += over
	a.bare += over
	return over
}

// Lower reduces the grant by n, at most to 0; the next batch returns n. The caller must make
// sure first that the node does not use n, so that own ≤ granted holds after the call.
func (a *Account) Lower(n int64) {
	n = min(n, a.granted)
	unsent := min(n, a.bare)
	a.granted -= n
	a.bare -= unsent
	a.back += n - unsent
}

// Release gives up what the account holds; the next batch returns it. No total is needed,
// because nothing is granted.
func (a *Account) Release() { a.back, a.held = a.back+a.held, 0 }

// Send begins a batch that asks for ask, and returns what the batch adds to the counter. It
// holds what was to be returned, up to ask, instead of returning it and asking again. No
// batch may be in doubt. If the result is 0, the batch needs no delta, and a total only if
// the account holds something.
func (a *Account) Send(ask int64) int64 {
	kept := min(ask, a.back)
	a.held += kept
	a.inFlight = parts{bare: a.bare, ask: ask - kept, back: a.back - kept}
	a.bare, a.back = 0, 0
	return a.inFlight.sum()
}

// Applied records that the counter contains the batch in doubt.
func (a *Account) Applied() {
	a.held += a.inFlight.ask
	a.inFlight = parts{}
}

// Total applies the counter's total after an exchange that leaves none of the node's changes
// in doubt. It grants the held amount up to the limit's headroom, and returns the grant. The
// next batch returns the rest. With open = false, for a while after a new epoch, it grants
// nothing.
//
// If the nodes have added less again by then than the highest total of earlier epochs (see
// [Account.AddedAgain]), the difference counts as committed by other nodes until the window
// ends: they may have used it, and can no longer add it.
func (a *Account) Total(limit, total int64, open bool) (granted int64) {
	a.total, a.known = total, true
	if !a.renewed {
		a.floor = max(a.floor, total)
	} else if open {
		if a.again < 0 {
			a.again = total - a.held // it may contain asks of other nodes, too
		}
		a.missing, a.renewed = max(a.floor-a.again, 0), false
	}
	if open {
		granted = min(max(limit-(total+a.missing-a.held), 0), a.held)
	}
	a.granted += granted
	a.back += a.held - granted
	a.held = 0
	return granted
}

// AddedAgain applies the counter's total in a new epoch of which nothing is granted yet to any
// node. No node asks before, so the total contains only what nodes have added again. Without
// such a total the first one after that time counts instead, and what other nodes ask for at
// that moment hides as much of what is missing.
func (a *Account) AddedAgain(total int64) { a.again = max(a.again, total) }

// Refused records that the store will never add the amount of an applied batch, because the
// counter is broken. Nothing of that amount is held, and its bare part is given up.
func (a *Account) Refused() { a.inFlight = parts{} }

// Renew enters a new epoch, whose counter contains nothing of this node: its whole grant has
// to be committed again. The batch in doubt is dropped, because it can only change a counter
// that no node reads.
func (a *Account) Renew() {
	a.bare, a.held, a.back, a.inFlight = a.granted, 0, 0, parts{}
	a.total, a.known, a.renewed, a.again = 0, false, a.floor != 0, -1
}
