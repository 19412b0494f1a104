package counter

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	limitBits  = 44
	limitValue = int64(1)<<limitBits - 1
	limitTag   = int64(1) << limitBits
	tagMask    = int64(1)<<20 - 1
	behind     = 128 // windows that a clock may be behind
)

// half is a window of a limit. Of a clocked limit the word is [window:20][value:44],
// and the caller that counts opens it. Of the others it is [generation:20][value:44], and win
// is the window in full (protocol 1).
type half struct{ word, cap, win, adjusted atomic.Int64 }

// Limit is one limit and its counter, for as long as a deployment, or several that
// share it, refer to it.
//
// Methods are safe for concurrent use, except those that say "under the owner's
// mutex".
type Limit struct {
	Rule
	Dim    Dim
	half   [2]half
	bucket *Bucket
	day    atomic.Int64 // of Days: [current day:24][its first epoch:40]
	seen   atomic.Int64 // of clocked limits: the latest window that Turn has seen, in full
	parity atomic.Int64 // of the current window of hours and days; else 0
	mask   int64        // 1 for minutes, whose parity is the epoch's; else 0
	per    uint64       // of Spans: 2^64 / Length

	most atomic.Int64 // the limit itself; caps may be lower, because of ceilings

	// Under the owner's mutex, by half.
	ledger [2]Ledger
	next   Ledger // of next.Window
	closed int64  // Retry of windows that no Absorb has named, which admit nothing; 0 = they are open

	grant *grant // of Granted limits; else nil
}

// NewLimit returns a limit of which nothing is used.
func NewLimit(r Rule, d Dim, most int64, at At) *Limit {
	l := &Limit{Rule: r, Dim: d}
	l.most.Store(most)
	if r.Shape == Level {
		l.bucket = NewBucket(at.Now, most, time.Minute)
		return l
	}
	if r.Shape == Days {
		l.today(at.Epoch)
	}
	if r.Shape == Minutes {
		l.mask = 1
	}
	if r.Shape == Spans {
		l.per = math.MaxUint64 / uint64(r.Length)
	}
	if r.Granted {
		l.grant = new(grant)
	}
	w := l.Window(at)
	l.seen.Store(w)
	l.turnTo(w)
	for _, k := range []int64{w - 1, w} {
		l.openHalf(k, l.newLedger(k, w))
	}
	return l
}

// Whole returns the limit in the unit of Look.
func (l *Limit) Whole(most int64) int64 {
	if l.Shape == Level {
		return l.bucket.Whole()
	}
	return most
}

// load returns the word to count in for window w, and what to swap for it if nothing
// is counted. False: that window has passed.
func (l *Limit) load(h *half, w int64) (v, from int64, ok bool) {
	v = h.word.Load()
	if !l.Clocked() {
		return v, v, h.win.Load() == w
	}
	if (v>>limitBits^w)&tagMask == 0 {
		return v, v, true
	}
	return v, (w & tagMask) << limitBits, older(v, w)
}

// older reports whether a word's window comes before w.
func older(word, w int64) bool {
	d := (w - word>>limitBits) & tagMask
	return d != 0 && d <= tagMask-behind
}

// now returns the usage that a half shows for window w.
func (l *Limit) now(h *half, w int64) int64 {
	v := h.word.Load()
	if l.Clocked() && (v>>limitBits^w)&tagMask != 0 || l.Owned() && h.win.Load() != w {
		return 0
	}
	return v & limitValue
}

// Take counts n if they fit within a part of the cap. What was taken is given back
// by Give, or changed by Adjust, with the same moment.
func (l *Limit) Take(p Part, at At, n int64) Outcome {
	if l.Shape == Level {
		if l.bucket.Take(p, at.Now, n) {
			return Taken
		}
		return Refused
	}
	if l.grant != nil {
		return l.takeGranted(at, n)
	}
	w := l.Window(at)
	h := &l.half[w&1]
	for {
		v, from, ok := l.load(h, w)
		if !ok || l.Clocked() && l.ahead(w) != 0 {
			return Moved
		}
		if from&limitValue+n > l.capIn(p, h, w) {
			return Refused
		}
		if h.word.CompareAndSwap(v, from+n) {
			return Taken
		}
	}
}

// add counts n, which may be negative, in window w. False: that has passed.
func (l *Limit) add(w, n int64) bool {
	h := &l.half[w&1]
	for {
		v, from, ok := l.load(h, w)
		if !ok {
			return false
		}
		if h.word.CompareAndSwap(v, from&^limitValue|min(max(from&limitValue+n, 0), Max)) {
			return true
		}
	}
}

// Give takes back what Take has just counted at a moment.
func (l *Limit) Give(at At, n int64) {
	if l.Shape == Level {
		l.bucket.Add(at.Now, -n)
		return
	}
	l.add(l.Window(at), -n)
}

// Adjust adds a difference to what was counted at a moment: there while that window
// is the current or the previous one; later more counts in the current window, and
// less in none. Of a bucket's charge, of so much in all, what has refilled since is not
// given back.
func (l *Limit) Adjust(was, now At, n, charged int64) {
	switch l.Shape {
	case Level:
		if n < 0 {
			l.bucket.Refund(was.Now, now.Now, -n, charged)
		} else {
			l.bucket.Add(now.Now, n)
		}
		return
	case Gauge:
		l.add(0, n)
		return
	default: // in windows
	}
	w, current := l.Window(was), l.current(now)
	if w >= current-1 && l.add(w, n) {
		return
	}
	if n > 0 {
		l.Count(now, n)
	}
}

// Return takes back n of what the provider itself had reserved at a moment and gives
// back now, see [Bucket.Return]; in windows it is Adjust.
func (l *Limit) Return(was, now At, n int64) {
	if l.Shape == Level {
		l.bucket.Return(now.Now, n)
		return
	}
	l.Adjust(was, now, -n, n)
}

// Count adds what has been used, whatever the cap. False: the window has passed.
func (l *Limit) Count(at At, n int64) bool {
	if l.Shape == Level {
		l.bucket.Add(at.Now, n)
		return true
	}
	return l.add(l.current(at), n)
}

// CountIn is Count for a window of a clocked limit.
func (l *Limit) CountIn(w, n int64) bool { return l.add(w, n) }

// Used returns what is used at a moment.
func (l *Limit) Used(at At) int64 {
	if l.Shape == Level {
		return l.bucket.Used(at.Now)
	}
	return l.UsedIn(l.current(at))
}

// UsedIn returns what is used in a window; 0 of a window that has passed.
func (l *Limit) UsedIn(w int64) int64 { return l.now(&l.half[w&1], w) }

// LookOwned returns what is used, and, in the sign of short, whether n do not fit on
// top (negative), for limits that need no instant.
func (l *Limit) LookOwned(epoch, n int64) (used, short int64) {
	h := &l.half[(epoch&l.mask|l.parity.Load())&1]
	used = h.word.Load() & limitValue
	return used, h.cap.Load() - used - n
}

// LookTimed is LookOwned for limits that need an instant, in the unit of Whole.
func (l *Limit) LookTimed(now, n int64) (used, short int64) {
	if l.Shape == Level {
		return l.bucket.Look(now, n)
	}
	w := l.current(At{Now: now})
	h := &l.half[w&1]
	used = l.now(h, w)
	return used, l.capIn(0, h, w) - used - n
}

// Level returns the used of LookTimed for a bucket.
func (l *Limit) Level(now int64) int64 { return l.bucket.Level(now) }

// UsedClocked is Used, of a clocked limit, where w is the current window. False: it may not be, because the
// limit has yet to be opened for it, or a clock was set back.
func (l *Limit) UsedClocked(w int64) (used int64, current bool) {
	v, other := l.half[w&1].word.Load(), l.half[^w&1].word.Load()
	return v & limitValue, ((v>>limitBits-w)|(other>>limitBits-(w-1)))&tagMask == 0
}

// Fits reports whether Take would count n.
func (l *Limit) Fits(p Part, at At, n int64) bool {
	if l.Shape == Level {
		return l.bucket.Fits(p, at.Now, n)
	}
	return l.grant != nil && l.fitsNamed(at, n) || l.Room(p, at) >= n
}

// Room returns how much more is admitted at a moment, negative if the cap has been
// passed. Not of buckets.
func (l *Limit) Room(p Part, at At) int64 {
	w := l.current(at)
	h := &l.half[w&1]
	return l.capIn(p, h, w) - l.now(h, w)
}

// capIn returns how far admissions may go in a half's window within a part of the limit:
// to the part and to the cap.
func (l *Limit) capIn(p Part, h *half, w int64) int64 {
	if l.grant != nil {
		return l.granted(h, w)
	}
	most := h.cap.Load()
	if p != 0 {
		most = min(most, p.of(l.most.Load()))
	}
	return most
}

// Left returns how much more a part of the limit admits at a moment, whatever the ceiling.
func (l *Limit) Left(p Part, at At) int64 {
	w := l.current(at)
	return p.Of(l.most.Load()) - l.now(&l.half[w&1], w)
}

// Ceiled reports whether a ceiling leaves less than a part of the limit would.
func (l *Limit) Ceiled(p Part, at At) bool {
	if l.grant != nil {
		return true // it has no other bound
	}
	if !l.Owned() {
		return false
	}
	most := l.half[l.current(at)&1].cap.Load()
	return most >= 0 && most < p.Of(l.most.Load())
}

// Bounded reports whether a limit or a ceiling is set, most being the limit.
func (l *Limit) Bounded(at At, most int64) bool {
	if l.Shape == Level {
		return most != Max
	}
	w := l.current(at)
	return l.capIn(0, &l.half[w&1], w) != Max
}

// Wait returns how long until n, which do not fit now, fit under a limit of most if
// nothing else is counted or given back. Never: n are above the limit.
func (l *Limit) Wait(p Part, at At, n, most int64) (after time.Duration, never bool) {
	switch {
	case n > p.Of(most):
		return 0, true
	case l.Shape == Level:
		after = l.bucket.Wait(p, at.Now, n)
		return after, after == math.MaxInt64
	}
	return time.Duration(l.End(at) - at.Now), false
}
