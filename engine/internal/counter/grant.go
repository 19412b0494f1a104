package counter

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// # Grants of clocked limits (protocol 8)
//
// A granted limit counts what this node alone uses of a limit in windows that follow the
// clock, and admits as far as the node is granted. A caller that counts opens such a window, so no
// owner can set its cap beforehand: the cap of a half is [window:20][amount:44] and holds
// for that window alone. A window that none names admits Limit.most: nothing, or as much as
// comes while nodes do not hold the limit by grants.
//
// Writers of a cap: the owner, under its mutex. An admission loads the cap, swaps the word,
// and loads the cap again: if it is lower by then, the admission takes back what it counted
// and is refused. The owner stores a lower cap before it reads the word. So either the
// admission sees the lower cap, or the owner sees what was counted, and what is granted
// beyond that may be returned. Without the second look an admission that had loaded the cap
// before could count after the owner had read the word.

// grant is what an owner knows of a granted limit.
type grant struct {
	retry  atomic.Int64    // after how many ns a cap may be another
	books  [2]Book         // under the owner's mutex
	others [2]atomic.Int64 // what others have reserved of the books' windows: [window:20][amount:44]
}

// Book is what nodes have reported to each other of a granted limit's window.
type Book struct {
	Window   int64
	Counted  int64 // of what others have reserved, what the limit beside it counts
	Reported int64 // own usage as it was last reported
}

// granted returns how far this node may go in a half's window.
func (l *Limit) granted(h *half, w int64) int64 {
	if c := h.cap.Load(); (c>>limitBits^w)&tagMask == 0 {
		return c & limitValue
	}
	return l.most.Load()
}

// fitsNamed reports whether n fit in a granted limit's window that is open and that a Grant has
// named, which is mostly the case and found out faster than by Room.
func (l *Limit) fitsNamed(at At, n int64) bool {
	w := l.Window(at)
	v, c := l.half[w&1].word.Load(), l.half[w&1].cap.Load()
	return ((v>>limitBits^w)|(c>>limitBits^w))&tagMask == 0 && v&limitValue+n <= c&limitValue && l.ahead(w) == 0
}

// takeGranted is Take of a granted limit.
func (l *Limit) takeGranted(at At, n int64) Outcome {
	w := l.Window(at)
	h := &l.half[w&1]
	for {
		v, from, ok := l.load(h, w)
		if !ok || l.ahead(w) != 0 {
			return Moved
		}
		if from&limitValue+n > l.granted(h, w) {
			return Refused
		}
		invariants.Yield()
		if !h.word.CompareAndSwap(v, from+n) {
			continue
		}
		if from&limitValue+n > l.granted(h, w) { // it was lowered meanwhile
			l.add(w, -n)
			return Refused
		}
		return Taken
	}
}

// Grant sets how far this node may go in a window, the current one or the next, and after how
// many nanoseconds that may change. Under the owner's mutex.
func (l *Limit) Grant(w, most, retry int64) {
	l.grant.retry.Store(retry)
	l.half[w&1].cap.Store((w&tagMask)<<limitBits | min(max(most, 0), Max))
}

// GrantUnnamed sets how far this node may go in windows that no Grant has named: [Max] or
// nothing.
func (l *Limit) GrantUnnamed(most int64) { l.most.Store(most) }

// HeldByGrants reports whether windows that no Grant has named admit nothing.
func (l *Limit) HeldByGrants() bool { return l.grant != nil && l.most.Load() == 0 }

// GrantedIn returns how far this node may go in a window; Max = as far as it likes.
func (l *Limit) GrantedIn(w int64) int64 { return l.granted(&l.half[w&1], w) }

// Retry returns after how many nanoseconds what is granted may change; 0 = not known.
func (l *Limit) Retry() int64 { return l.grant.retry.Load() }

// Book returns what is known of a window, which begins with nothing. Under the owner's mutex.
func (l *Limit) Book(w int64) *Book {
	b := &l.grant.books[w&1]
	if b.Window != w {
		*b = Book{Window: w}
		l.grant.others[w&1].Store((w & tagMask) << limitBits)
	}
	return b
}

// NoteOthers notes what others have reserved of a window. Under the owner's mutex.
func (l *Limit) NoteOthers(w, n int64) {
	l.Book(w) // another window begins with nothing
	l.grant.others[w&1].Store((w&tagMask)<<limitBits | min(max(n, 0), Max))
}

// OthersIn returns what others have reserved of a window, without the owner's mutex.
func (l *Limit) OthersIn(w int64) int64 {
	if v := l.grant.others[w&1].Load(); (v>>limitBits^w)&tagMask == 0 {
		return v & limitValue
	}
	return 0
}

// Begins returns when a clocked limit's window begins, in Unix seconds, rounded down.
func (l *Limit) Begins(w int64) int64 {
	if l.Shape == Dates {
		const minutes = 24 * 60 // noon UTC is on the same date in every zone there is
		return window.DayOf(w*minutes+minutes/2, l.Zone).Start / second
	}
	return (w*l.Length + l.Phase) / second
}

const second = window.Minute / 60

// refreshGrants makes caps of windows long past name windows that do not come again soon.
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
