package counter

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Dim is what a limit counts.
type Dim uint8

const (
	Input Dim = iota
	Output
	Tokens
	Requests
	Leases
	Dims = iota
)

// Shape says when usage goes away.
type Shape uint8

const (
	Minutes Shape = iota // at the end of a minute, which the owner publishes
	Hours                // at the end of an hour, with the owner's minute
	Days                 // at the end of a day, with the owner's minute
	Spans                // at the end of a span of the clock
	Dates                // at the end of a day of the clock
	Level                // all the time: a bucket
	Gauge                // when it is given back
)

// Rule says when usage goes away, in full.
type Rule struct {
	Shape
	Zone          window.Zone // of Days and Dates
	Length, Phase int64       // ns, of Spans
}

// Owned reports whether the limit's windows turn with its owner's minutes. Nodes
// exchange what such limits count.
func (r Rule) Owned() bool { return r.Shape <= Days }

// Long reports whether the windows, which turn with the owner's minutes, are longer than
// those.
func (r Rule) Long() bool { return r.Shape == Hours || r.Shape == Days }

// Clocked reports whether windows turn with the clock, opened by whoever counts.
func (r Rule) Clocked() bool { return r.Shape == Spans || r.Shape == Dates }

// Timed reports whether the rule needs an instant.
func (r Rule) Timed() bool { return r.Clocked() || r.Shape == Level }

// Kind returns the kind of an owned limit's windows.
func (r Rule) Kind() window.Kind {
	switch r.Shape {
	case Days:
		return window.KindOf(r.Zone)
	case Hours:
		return window.KindHour
	default:
		return window.KindMinute
	}
}

// At is when: a published minute, and an instant (Unix ns) for rules that need one.
type At struct{ Epoch, Now int64 }

const (
	limitBits  = 44
	limitValue = int64(1)<<limitBits - 1
	limitTag   = int64(1) << limitBits
	tagMask    = int64(1)<<20 - 1
	behind     = 128 // windows that a clock may be behind
)

// half is a window of a limit. Of a clocked limit the word is [window:20][value:44],
// and whoever counts opens it. Of the others it is [generation:20][value:44], and win
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

	most atomic.Int64 // the limit itself; caps may be lower, because of ceilings

	// Under the owner's mutex, by half.
	ledger [2]Ledger
	next   Ledger // of next.Window
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

// Window returns the index of the window that holds a moment.
func (l *Limit) Window(at At) int64 {
	switch l.Shape {
	case Minutes:
		return at.Epoch
	case Hours:
		return at.Epoch / 60
	case Days:
		k := l.day.Load()
		w, begin := k>>40, k&(1<<40-1)
		switch {
		case at.Epoch >= begin:
			return w
		case at.Epoch >= begin-23*60: // no day is shorter
			return w - 1
		}
		return window.DayIndex(at.Epoch, l.Zone)
	case Spans:
		return (at.Now - l.Phase) / l.Length
	case Dates:
		return window.DayIndex(window.EpochAt(at.Now), l.Zone)
	default: // no windows
		return 0
	}
}

// current is Window, or, of a clocked limit, the latest window that was opened: a
// clock may have been set back.
func (l *Limit) current(at At) int64 {
	w := l.Window(at)
	if l.Clocked() {
		w += l.ahead(w)
	}
	return w
}

// ahead returns by how many windows a clocked limit is ahead of w; 0 if it is not.
func (l *Limit) ahead(w int64) (n int64) {
	for p := range l.half {
		if d := (l.half[p].word.Load()>>limitBits - w) & tagMask; d <= behind {
			n = max(n, d)
		}
	}
	return n
}

// End returns when the window that holds a moment ends, Unix ns.
func (l *Limit) End(at At) int64 {
	switch l.Shape {
	case Hours:
		return window.Start((at.Epoch/60 + 1) * 60)
	case Days:
		return window.DayOf(at.Epoch, l.Zone).End
	case Spans:
		return (l.Window(at)+1)*l.Length + l.Phase
	case Dates:
		return window.DayOf(window.EpochAt(at.Now), l.Zone).End
	default:
		return window.Start(at.Epoch + 1)
	}
}

// today makes the day of an epoch the current one for Window.
func (l *Limit) today(epoch int64) {
	d := window.DayOf(epoch, l.Zone)
	l.day.Store(d.Index<<40 | window.EpochAt(d.Start))
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
		if l.bucket.TakeIn(p, at.Now, n) {
			return Taken
		}
		return Refused
	}
	w := l.Window(at)
	h := &l.half[w&1]
	for {
		v, from, ok := l.load(h, w)
		if !ok || l.Clocked() && l.ahead(w) != 0 {
			return Moved
		}
		if from&limitValue+n > l.capIn(p, h) {
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
	return used, h.cap.Load() - used - n
}

// Fits reports whether Take would count n.
func (l *Limit) Fits(p Part, at At, n int64) bool {
	if l.Shape == Level {
		return l.bucket.FitsIn(p, at.Now, n)
	}
	return l.Room(p, at) >= n
}

// Room returns how much more is admitted at a moment, negative if the cap has been
// passed. Not of buckets.
func (l *Limit) Room(p Part, at At) int64 {
	w := l.current(at)
	h := &l.half[w&1]
	return l.capIn(p, h) - l.now(h, w)
}

// capIn returns how far admissions may go within a part of the limit: to the part and
// to the cap.
func (l *Limit) capIn(p Part, h *half) int64 {
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
	return l.half[l.current(at)&1].cap.Load() != Max
}

// Wait returns how long until n, which do not fit now, fit under a limit of most if
// nothing else is counted or given back. Never: n are above the limit.
func (l *Limit) Wait(p Part, at At, n, most int64) (after time.Duration, never bool) {
	switch {
	case n > p.Of(most):
		return 0, true
	case l.Shape == Level:
		after = l.bucket.WaitIn(p, at.Now, n)
		return after, after == math.MaxInt64
	}
	return time.Duration(l.End(at) - at.Now), false
}

// NotBefore returns a moment, or, where a clocked limit has got further, the
// beginning of its window: a clock may have been set back.
func (l *Limit) NotBefore(at At) At {
	if !l.Clocked() {
		return at
	}
	for range behind {
		if l.ahead(l.Window(at)) == 0 {
			break
		}
		at.Now = l.End(at)
	}
	return at
}

// Figure is what a provider reports of a limit.
type Figure struct {
	At    At    // what the figure is of
	Used  int64 // at that moment
	Most  int64 // up to which it fills a bucket
	Since int64 // what was counted after that moment
	Grain int64 // differences up to which it corrects nothing
	Raise bool  // never to lower what is counted
}

// Correct brings what is used to a figure; an owned limit is lowered by no more than
// figures have added before. It reports whether usage went down, and how much is
// counted above the figure. Under the owner's mutex.
func (l *Limit) Correct(f *Figure, now At) (lower bool, above int64) {
	if l.Shape == Level {
		return l.bucket.Correct(f.At.Now, now.Now, min(f.Used, f.Most), f.Since, f.Grain, f.Raise)
	}
	w := l.current(now)
	if l.Window(f.At) != w {
		return false, Max // of a window that has passed
	}
	h := &l.half[w&1]
	back := Max
	switch {
	case f.Raise:
		back = 0
	case l.Owned():
		back = h.adjusted.Load()
	}
	to := f.Used + f.Since
	for {
		v, from, ok := l.load(h, w)
		used := from & limitValue
		d := max(min(max(to, 0), Max)-used, -back)
		if !ok || max(d, -d) <= f.Grain {
			return false, used - to
		}
		if !h.word.CompareAndSwap(v, from+d) {
			continue
		}
		if l.Owned() {
			h.adjusted.Add(d)
			l.recap(w & 1)
		}
		return d < 0, used + d - to
	}
}

// Withhold notes that n of what is counted in a window of an owned limit is no
// node's usage. Under the owner's mutex.
func (l *Limit) Withhold(w, n int64) {
	if l.Owned() && l.ledger[w&1].Window == w {
		l.half[w&1].adjusted.Add(n)
		l.recap(w & 1)
	}
}

// Adjusted returns what providers' figures have added to a window's count.
func (l *Limit) Adjusted(w int64) int64 { return l.half[w&1].adjusted.Load() }
