package window

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Meter counts what one limit of a deployment counts in windows that do not
// follow a [Cell]: days, or minutes with a cell of their own. It holds the
// present window and the previous one. A word is [window:11][value:53]: adding
// to a window that has passed is noticed, not misplaced.
//
// All methods are safe for concurrent use, except Roll, Shift and SetCap, of
// which one may run at a time.
type Meter struct {
	cur, prev, cap atomic.Int64
	// base is a full window number: the present window is fewer than meterFar
	// windows after it, so that 11 bits identify it. A meter that was idle for
	// longer is reopened before anything is read from its word.
	base atomic.Int64
	mu   sync.Mutex // of reopen
}

const (
	meterBits  = 53
	meterValue = int64(1)<<meterBits - 1
	meterIndex = int64(1)<<(64-meterBits) - 1
	meterFar   = (meterIndex + 1) / 2
)

// NewMeter returns a meter of nothing in window w, bounded by cap.
func NewMeter(w, limit int64) *Meter {
	m := &Meter{}
	m.cur.Store(w << meterBits)
	m.prev.Store((w - 1) << meterBits)
	m.cap.Store(limit)
	m.base.Store(w)
	return m
}

// far reports whether window w is too far after base to be told by its 11 bits
// from one that has passed: then nothing has been counted in it yet.
func (m *Meter) far(w int64) bool { return w-m.base.Load() >= meterFar }

// reopen makes w near. It empties the word, whose window has passed, before it
// moves base, so that nobody finds an old count in w. Counting in w begins only
// after base has moved.
//
//go:noinline
func (m *Meter) reopen(w int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.far(w) {
		return
	}
	m.cur.Store((w - 1) << meterBits)
	m.base.Store(w)
}

// In reports whether the present window is w.
func (m *Meter) In(w int64) bool { return !m.far(w) && in(m.cur.Load(), w) }

func in(word, w int64) bool { return (word>>meterBits^w)&meterIndex == 0 }

// Used returns what has been used in the present window.
func (m *Meter) Used() int64 { return m.cur.Load() & meterValue }

// Before returns what has been used in the previous window.
func (m *Meter) Before() int64 { return m.prev.Load() & meterValue }

// Room returns how much more the present window takes, negative if it has been
// overrun.
func (m *Meter) Room() int64 { return m.cap.Load() - m.Used() }

// Cap returns how far Take may go.
func (m *Meter) Cap() int64 { return m.cap.Load() }

// SetCap sets how far Take may go: [Max] for no limit.
func (m *Meter) SetCap(limit int64) { m.cap.Store(limit) }

// Take counts n in window w if it fits. Sealed: w is not the present window.
func (m *Meter) Take(w, n int64) Outcome {
	for {
		o := m.cur.Load()
		if !in(o, w) {
			return Sealed
		}
		to := o&meterValue + n
		if to > m.cap.Load() {
			return Refused
		}
		if m.cur.CompareAndSwap(o, o&^meterValue|min(to, Max)) {
			return Taken
		}
	}
}

// Add counts n, which may be negative, in window w, whatever the cap; the
// counter stays within [0, Max]. False: w is older than the previous window, and
// nothing was counted.
func (m *Meter) Add(w, n int64) bool {
	for {
		o := m.cur.Load()
		if in(o, w) {
			if swapTo(&m.cur, o, n) {
				return true
			}
			continue
		}
		if !in(o, w+1) {
			return false
		}
		// The previous window, which Roll is about to store, or a skipped one.
		p := m.prev.Load()
		switch {
		case in(p, w):
			if swapTo(&m.prev, p, n) {
				return true
			}
		case m.cur.Load() == o:
			runtime.Gosched()
		}
	}
}

// AddNow is Add for the present window, whichever that is.
func (m *Meter) AddNow(n int64) {
	for !swapTo(&m.cur, m.cur.Load(), n) {
	}
}

func swapTo(word *atomic.Int64, o, n int64) bool {
	return word.CompareAndSwap(o, o&^meterValue|min(max(o&meterValue+n, 0), Max))
}

// Follow makes w the present window, with nothing used in it, unless it is that
// already or has passed. It is for windows too short to be rolled by anybody in
// particular, may be called by many, and keeps nothing of the window before.
func (m *Meter) Follow(w int64) {
	if m.far(w) {
		m.reopen(w)
	}
	for {
		o := m.cur.Load()
		if !precedes(o, w) || m.cur.CompareAndSwap(o, w<<meterBits) {
			return
		}
	}
}

// meterBehind is how many windows a clock may be set back: it stays within its
// minute, and no window is shorter than a second.
const meterBehind = 128

// precedes reports whether a word's window comes before w: unless w is a few
// windows behind it, since a meter may not have been looked at for long.
func precedes(word, w int64) bool {
	d := (w - word>>meterBits) & meterIndex
	return d != 0 && d <= meterIndex-meterBehind
}

// Ahead returns by how many windows the present one is after w; 0 if it is not.
func (m *Meter) Ahead(w int64) int64 {
	if m.far(w) {
		return 0
	}
	if o := m.cur.Load(); !in(o, w) && !precedes(o, w) {
		return (o>>meterBits - w) & meterIndex
	}
	return 0
}

// UsedAt returns what has been used of window w, which Follow may not have made
// the present one yet.
func (m *Meter) UsedAt(w int64) int64 {
	if m.far(w) { // before the word is read: see reopen
		return 0
	}
	o := m.cur.Load()
	if precedes(o, w) {
		return 0
	}
	return o & meterValue
}

// Correct brings what is used of window w to n if that is the present one and
// the difference is more than grain, and lowers it by no more than back. It
// returns by how much it changed it.
func (m *Meter) Correct(w, n, grain, back int64) (by int64) {
	if m.far(w) {
		return 0
	}
	for {
		o := m.cur.Load()
		d := max(min(max(n, 0), Max)-o&meterValue, -back)
		if !in(o, w) || max(d, -d) <= grain {
			return 0
		}
		if m.cur.CompareAndSwap(o, o+d) {
			return d
		}
	}
}

// TakeBack takes n back if w is still the present window.
func (m *Meter) TakeBack(w, n int64) {
	for {
		if o := m.cur.Load(); !in(o, w) || swapTo(&m.cur, o, -n) {
			return
		}
	}
}

// AddAt counts n, which may be negative, in window w, which it makes the present
// one as Follow does. Of a window that has passed nothing is counted.
func (m *Meter) AddAt(w, n int64) {
	m.Follow(w)
	m.TakeBack(w, -n)
}

// TakeAt is TakeIn for windows that follow the clock: it makes w the present
// window as Follow does. Sealed: w has passed.
func (m *Meter) TakeAt(p Part, w, n int64) Outcome {
	if m.far(w) {
		m.reopen(w)
	}
	for {
		o := m.cur.Load()
		from := o
		if !in(o, w) {
			if !precedes(o, w) {
				return Sealed
			}
			from = w << meterBits
		}
		to := from&meterValue + n
		if to > p.Of(m.cap.Load()) {
			return Refused
		}
		if m.cur.CompareAndSwap(o, from&^meterValue|min(to, Max)) {
			return Taken
		}
	}
}

// UsedIn returns what has been used in window w. False: it is neither the
// present nor the previous one.
func (m *Meter) UsedIn(w int64) (used int64, ok bool) {
	if o := m.cur.Load(); in(o, w) {
		return o & meterValue, true
	}
	o := m.prev.Load()
	return o & meterValue, in(o, w)
}

// Look returns what has been used in the present window and, in the sign of
// short, whether n do not fit on top (negative).
func (m *Meter) Look(n int64) (used, short int64) {
	used = m.cur.Load() & meterValue
	return used, m.cap.Load() - used - n
}

// LookAt is Look at window w, which Follow may not have made the present one yet.
func (m *Meter) LookAt(w, n int64) (used, short int64) {
	used = m.UsedAt(w)
	return used, m.cap.Load() - used - n
}

// Roll makes w the present window, with used in it already and a new cap, unless
// it is that already. It returns what was used, to the last count, in the
// windows that nothing can be counted in any more: the previous one so far, and,
// where windows were skipped, the present one so far.
func (m *Meter) Roll(w, used, limit int64) (before, skipped int64) {
	o, far := m.cur.Load(), m.far(w)
	if in(o, w) && !far {
		return 0, 0
	}
	if limit < m.cap.Load() {
		m.cap.Store(limit)
	}
	o = m.cur.Swap(w<<meterBits | used)
	m.base.Store(w)
	if far || !in(o, w-1) { // windows were skipped
		skipped, o = o&meterValue, (w-1)<<meterBits
	}
	before = m.prev.Swap(o) & meterValue
	m.cap.Store(limit)
	return before, skipped
}

// Shift adds to the present window what others have used and sets the cap, so
// that no Take sees more room than there is before and after.
func (m *Meter) Shift(n, limit int64) {
	if limit < m.cap.Load() {
		m.cap.Store(limit)
	}
	m.AddNow(n)
	m.cap.Store(limit)
}
