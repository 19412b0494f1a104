package counter

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// # Grants of clocked limits (protocol 8)
//
// A granted limit counts the usage of this node alone in windows that follow the
// clock, and its cap is the grant of the node. The caller that counts first opens such a window,
// so the owner cannot set its cap beforehand: the cap of a half is [window:20][amount:44] and is
// valid for that window alone. In a window that no cap names, Limit.most is the cap: 0, or Max
// while nodes do not hold the limit by grants.
//
// Writers of a cap: the owner, under its mutex. An admission loads the cap, swaps the word,
// and loads the cap again. If the cap is lower by then, the admission takes back what it counted
// and is refused. The owner stores a lower cap before it reads the word. So either the
// admission sees the lower cap, or the owner sees the count, and only the grant beyond the count
// is returned to the store. Without the second load, an admission that had loaded the cap
// before it fell could count after the owner had read the word.

// grant is the owner's part of a granted limit.
type grant struct {
	retry  atomic.Int64    // after how many ns the cap may change
	books  [2]Book         // under the owner's mutex
	others [2]atomic.Int64 // the reservations of other nodes in the books' windows: [window:20][amount:44]
}

// Book is what nodes have exchanged about one window of a granted limit.
type Book struct {
	Window   int64
	Counted  int64 // the reservations of other nodes that the limit beside the granted one counts
	Reported int64 // own usage in the last report
}

// granted returns the cap of a half's window.
func (l *Limit) granted(h *half, w int64) int64 {
	if c := h.cap.Load(); (c>>limitBits^w)&tagMask == 0 {
		return c & limitValue
	}
	return l.most.Load()
}

// Grant sets the cap of this node in a window, the current one or the next, and after how
// many nanoseconds it may change. Under the owner's mutex.
func (l *Limit) Grant(w, most, retry int64) {
	l.grant.retry.Store(retry)
	l.half[w&1].cap.Store((w&tagMask)<<limitBits | min(max(most, 0), Max))
}

// GrantUnnamed sets the cap of this node in windows that no Grant has named: [Max] or 0.
func (l *Limit) GrantUnnamed(most int64) { l.most.Store(most) }

// HeldByGrants reports whether windows that no Grant has named admit nothing.
func (l *Limit) HeldByGrants() bool { return l.grant != nil && l.most.Load() == 0 }

// GrantedIn returns the cap of this node in a window; Max = no cap.
func (l *Limit) GrantedIn(w int64) int64 { return l.granted(&l.half[w&1], w) }

// Retry returns after how many nanoseconds the grant may change; 0 = unknown.
func (l *Limit) Retry() int64 { return l.grant.retry.Load() }

// Book returns the book of a window, a new one if the half's is of another window. Under the
// owner's mutex.
func (l *Limit) Book(w int64) *Book {
	b := &l.grant.books[w&1]
	if b.Window != w {
		*b = Book{Window: w}
		l.grant.others[w&1].Store((w & tagMask) << limitBits)
	}
	return b
}

// NoteOthers sets the reservations of other nodes in a window. Under the owner's mutex.
func (l *Limit) NoteOthers(w, n int64) {
	l.Book(w) // begins the book of a new window
	l.grant.others[w&1].Store((w&tagMask)<<limitBits | min(max(n, 0), Max))
}

// OthersIn returns the reservations of other nodes in a window. Safe without the owner's mutex.
func (l *Limit) OthersIn(w int64) int64 {
	if v := l.grant.others[w&1].Load(); (v>>limitBits^w)&tagMask == 0 {
		return v & limitValue
	}
	return 0
}

// Begins returns when a clocked limit's window begins, in Unix seconds, rounded down.
func (l *Limit) Begins(w int64) int64 {
	if l.Shape == Dates {
		const minutes = 24 * 60 // noon UTC is on the same date in UTC and in Los Angeles
		return window.DayOf(w*minutes+minutes/2, l.Zone).Start / second
	}
	return (w*l.Length + l.Phase) / second
}

const second = window.Minute / 60

// refreshGrants replaces caps of windows long past: their tag of 20 bits would otherwise name a
// later window once it repeats.
func (l *Limit) refreshGrants(w int64) {
	if l.grant == nil {
		return
	}
	for _, k := range [2]int64{w - 1, w} {
		h := &l.half[k&1]
		if c := h.cap.Load(); (c>>limitBits-w+2)&tagMask > 3 { // neither of the two before, nor this, nor the next
			h.cap.CompareAndSwap(c, ((k-2)&tagMask)<<limitBits)
		}
	}
}
