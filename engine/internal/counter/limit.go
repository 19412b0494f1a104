package counter

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

const (
	limitBits  = 44
	limitValue = int64(1)<<limitBits - 1
	limitTag   = int64(1) << limitBits
	tagMask    = int64(1)<<20 - 1
	behind     = 128 // how many windows a clock may be set back
)

// half is one window of a limit. The word of a clocked limit is [window:20][value:44],
// and the caller that counts first opens it. The word of others is [generation:20][value:44], and
// win is the full number of the window (protocol 1).
type half struct{ word, cap, win, adjusted atomic.Int64 }

// Limit is one limit and its counter, for as long as a deployment, or several that
// share it, refer to it.
//
// Methods are safe for concurrent use, except those that say "under the owner's
// mutex".
type Limit struct {
	// A scan reads mask, parity, and the word and cap of one half: one or two cache lines.
	mask   int64        // 1 for minutes, whose parity is the epoch's; else 0
	parity atomic.Int64 // of the current window of hours and days; else 0
	half   [2]half
	Rule
	Dim    Dim
	grant  *grant // of Granted limits; else nil
	per    uint64 // of Spans: 2^64 / Length
	bucket *Bucket
	day    atomic.Int64 // of Days: [current day:24][its first epoch:40]
	seen   atomic.Int64 // of clocked limits: the latest window that Turn has seen, in full

	most atomic.Int64 // the limit itself; caps may be lower, because of ceilings

	// Under the owner's mutex, by half.
	ledger [2]Ledger
	next   Ledger // of next.Window
	closed int64  // Retry of windows that no Absorb has named, which admit nothing; 0 = they are open
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

// load returns the word v in which window w is counted, and from: the word that replaces v if
// nothing is counted. False: that window has passed.
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

// Take counts n if they fit within a part of the cap: used + n <= cap. It is where a limit
// beside the pair admits or refuses. Give gives n back, and Adjust changes the charge; both get
// the same moment.
func (l *Limit) Take(p Part, at At, n int64) Outcome {
	s, o := l.Plan(p, at, n)
	if o != Taken {
		return o
	}
	return l.Do(s, p, at, n)
}

// Step is what Take swaps in a window's word, or in a bucket's at an instant, unless something
// is counted there meanwhile.
type Step struct{ window, from, to int64 }

// Plan returns what Take would do, and as which step.
func (l *Limit) Plan(p Part, at At, n int64) (Step, Outcome) {
	if l.Shape == Level {
		return l.bucket.plan(p, at.Now, n)
	}
	w := l.Window(at)
	h := &l.half[w&1]
	v, from, ok := l.load(h, w)
	switch {
	case !ok || l.Clocked() && l.ahead(w) != 0:
		return Step{}, Moved
	case from&limitValue+n > l.capIn(p, h, w):
		return Step{}, Refused
	}
	return Step{w, v, from + n}, Taken
}

// Do is Take, of the same amount at the same moment, that begins with a step planned before.
func (l *Limit) Do(s Step, p Part, at At, n int64) (o Outcome) {
	for o = Taken; o == Taken; s, o = l.Plan(p, at, n) {
		word := &l.half[s.window&1].word
		if l.Shape == Level {
			word = &l.bucket.tat
			l.bucket.low.note(s.window, max(s.from-s.window, 0))
		}
		invariants.Yield()
		if !word.CompareAndSwap(s.from, s.to) {
			continue
		}
		if l.grant != nil && s.to&limitValue > l.GrantedIn(s.window) { // it was lowered meanwhile
			l.add(s.window, -n)
			return Refused
		}
		return Taken
	}
	return o
}

// add counts n, which may be negative, in window w. False: the window has passed.
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

// Give gives back what Take has just counted at a moment.
func (l *Limit) Give(at At, n int64) {
	if l.Shape == Level {
		l.bucket.Add(at.Now, -n)
		return
	}
	l.add(l.Window(at), -n)
}

// Adjust adds n to what was counted at a moment, in that window while it
// is the current or the previous one. Later a positive n is counted in the current window, and
// a negative one in none. The part of a bucket's charge that has refilled since is not given
// back; charged is the whole charge.
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

// Return gives back n of a reservation that the provider itself has made at a moment and gives
// back now, see [Bucket.Return]. For limits over windows it is Adjust.
func (l *Limit) Return(was, now At, n int64) {
	if l.Shape == Level {
		l.bucket.Return(now.Now, n)
		return
	}
	l.Adjust(was, now, -n, n)
}

// Count counts n at a moment, whatever the cap. False: the window has passed.
func (l *Limit) Count(at At, n int64) bool {
	if l.Shape == Level {
		l.bucket.Add(at.Now, n)
		return true
	}
	return l.add(l.current(at), n)
}

// CountIn is Count for a window of a clocked limit.
func (l *Limit) CountIn(w, n int64) bool { return l.add(w, n) }

// Used returns the usage at a moment.
func (l *Limit) Used(at At) int64 {
	if l.Shape == Level {
		return l.bucket.Used(at.Now)
	}
	return l.UsedIn(l.current(at))
}

// UsedIn returns the usage in a window; 0 if the window has passed.
func (l *Limit) UsedIn(w int64) int64 { return l.now(&l.half[w&1], w) }

// LookOwned returns the usage of a limit that needs no instant. Short is negative if n do not
// fit on top.
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

// UsedClocked is Used of a clocked limit if w is the current window. False: the usage may be of
// another window, because w is not opened yet or a clock was set back.
func (l *Limit) UsedClocked(w int64) (used int64, current bool) {
	v, other := l.half[w&1].word.Load(), l.half[^w&1].word.Load()
	return v & limitValue, ((v>>limitBits-w)|(other>>limitBits-(w-1)))&tagMask == 0
}

// Fits reports whether Take would count n, if need be at a later moment.
func (l *Limit) Fits(p Part, at At, n int64) bool {
	_, o := l.Plan(p, at, n)
	return o == Taken || o == Moved && l.Room(p, at) >= n
}

// Room returns the headroom at a moment, negative if the cap has been passed. Not for buckets.
func (l *Limit) Room(p Part, at At) int64 {
	w := l.current(at)
	h := &l.half[w&1]
	return l.capIn(p, h, w) - l.now(h, w)
}

// capIn returns the cap of admissions in a half's window within a part of the limit: the cap,
// or the part if that is lower.
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

// Left returns the headroom under a part of the limit at a moment, without the ceiling.
func (l *Limit) Left(p Part, at At) int64 {
	w := l.current(at)
	return p.Of(l.most.Load()) - l.now(&l.half[w&1], w)
}

// Ceiled reports whether a ceiling, or a grant, bounds admissions below a part of the limit.
func (l *Limit) Ceiled(p Part, at At) bool {
	if l.grant != nil {
		return true // a granted limit has no other bound
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

// Wait returns the time after which n, which do not fit now, fit under a limit of most if
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
