package escrow

// Account is a node's part of one limit in one window. The zero value is an account of
// which nothing is granted. All amounts are in the limit's unit: requests or tokens. Not
// safe for concurrent use.
type Account struct {
	granted int64 // the node may use so much; see invariant (1)
	bare    int64 // of granted, what the counter does not contain
	held    int64 // the counter contains it, and nothing says yet whether it may be used
	back    int64 // the counter contains it, and the next batch returns it
	flying  parts // of the batch in doubt
	total   int64 // the latest total; see Known
	floor   int64 // the highest total of all epochs
	missing int64 // committed before the last loss by nodes that did not add it again
	known   bool
	renewed bool // an epoch began, and nothing has been granted in it yet
}

// parts are what a batch adds to the counter: bare + ask − back.
type parts struct{ bare, ask, back int64 }

func (p parts) sum() int64 { return p.bare + p.ask - p.back }

// Granted returns how much of the limit the node may use.
func (a *Account) Granted() int64 { return a.granted }

// Committed returns how much of the counter is this node's, the batch in doubt left out.
func (a *Account) Committed() int64 {
	return a.granted - a.bare - a.flying.bare + a.held + a.back + a.flying.back
}

// Reserved returns how much of the counter is this node's at most, the batch in doubt
// included.
func (a *Account) Reserved() int64 {
	return max(a.granted, a.Committed()+a.flying.bare+a.flying.ask)
}

// Others returns how much of the latest total is other nodes'.
func (a *Account) Others() int64 { return max(a.total-a.Committed()+a.missing, 0) }

// Known reports whether a total has been learned in the current epoch.
func (a *Account) Known() bool { return a.known }

// Left returns how much of a limit was committed by no node when the latest total was
// learned; what this node will return is left. The whole limit if no total is known.
func (a *Account) Left(limit int64) int64 {
	return max(limit-a.total-a.missing+a.back+a.flying.back, 0)
}

// Adopt takes in what the counter contains of the node already, as an account that is
// granted that much.
func (a *Account) Adopt(committed int64) { a.granted = max(committed, 0) }

// Due reports whether the account has something to send beside asks.
func (a *Account) Due() bool { return a.bare != 0 || a.back != 0 }

// Holds reports whether the account waits for a total to turn into a grant what it holds.
func (a *Account) Holds() bool { return a.held != 0 }

// Overrun takes in that the node has used more than it is granted: a request was larger
// than its reservation, or was counted without one. The excess is committed whatever
// the total. It returns the excess.
func (a *Account) Overrun(own int64) int64 {
	over := max(own-a.granted, 0)
	a.granted += over
	a.bare += over
	return over
}

// Lower takes n from what is granted, at most all of it; the next batch returns it. The
// caller has seen to it that the node does not use it: own ≤ granted holds after the call.
func (a *Account) Lower(n int64) {
	n = min(n, a.granted)
	unsent := min(n, a.bare)
	a.granted -= n
	a.bare -= unsent
	a.back += n - unsent
}

// Release has the next batch return what the account holds. It is a grant of nothing, which
// needs no total.
func (a *Account) Release() { a.back, a.held = a.back+a.held, 0 }

// Send begins a batch that asks for more, and returns what it adds to the counter. What
// was to be returned is held instead, up to what is asked for. There is no batch in
// doubt. A result of 0 needs no delta, but a total if the account holds something.
func (a *Account) Send(ask int64) int64 {
	kept := min(ask, a.back)
	a.held += kept
	a.flying = parts{bare: a.bare, ask: ask - kept, back: a.back - kept}
	a.bare, a.back = 0, 0
	return a.flying.sum()
}

// Applied takes in that the counter contains the batch in doubt.
func (a *Account) Applied() {
	a.held += a.flying.ask
	a.flying = parts{}
}

// Total takes in the counter's total after an exchange that leaves none of the node's
// changes in doubt, and grants of what is held what the limit has room for; open = false,
// for a while after a new epoch, grants nothing. The rest goes back with the next batch.
// It returns what is granted.
//
// With the first total after that while, what the highest total of earlier epochs had
// beyond it counts as committed by other nodes until the window ends: they may have used
// it, and cannot add it any more.
func (a *Account) Total(limit, total int64, open bool) (granted int64) {
	a.total, a.known = total, true
	if !a.renewed {
		a.floor = max(a.floor, total)
	} else if open {
		a.missing, a.renewed = max(a.floor-(total-a.held), 0), false
	}
	if open {
		granted = min(max(limit-(total+a.missing-a.held), 0), a.held)
	}
	a.granted += granted
	a.back += a.held - granted
	a.held = 0
	return granted
}

// Refused takes in that the store will never add what an applied batch carried: the
// counter is broken. Nothing of it is held, and what was bare is given up.
func (a *Account) Refused() { a.flying = parts{} }

// Renew enters a new epoch, whose counter contains nothing of this node: all that is
// granted is to be committed again. The batch in doubt is dropped: it changes, if it
// arrives, a counter that no node reads.
func (a *Account) Renew() {
	a.bare, a.held, a.back, a.flying = a.granted, 0, 0, parts{}
	a.total, a.known, a.renewed = 0, false, a.floor != 0
}
