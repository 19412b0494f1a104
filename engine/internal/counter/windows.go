package counter

import (
	"math/bits"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Window returns the index of the window that holds a moment.
func (l *Limit) Window(at At) int64 {
	if since := at.Now - l.Phase; l.Shape == Spans && since >= 0 {
		return l.span(since)
	}
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
		return (at.Now - l.Phase) / l.Length // before the phase
	case Dates:
		return window.DayIndex(window.EpochAt(at.Now), l.Zone)
	default: // no windows
		return 0
	}
}

// span returns the number of the span that holds an instant since ns after the phase; since is
// not negative. It multiplies by the inverse of the length and corrects the result, which is at
// most one too low, because a division takes several times as long.
func (l *Limit) span(since int64) int64 {
	w, _ := bits.Mul64(uint64(since), l.per)
	return int64(w) + (l.Length-1-(since-int64(w)*l.Length))>>63&1
}

// current is Window; for a clocked limit the latest window that was opened if that is later, as a
// clock may have been set back.
func (l *Limit) current(at At) int64 {
	w := l.Window(at)
	if l.Clocked() {
		w += l.ahead(w)
	}
	return w
}

// ahead returns by how many windows the latest open window of a clocked limit is ahead of w; 0
// if it is not.
func (l *Limit) ahead(w int64) int64 {
	n, o := (l.half[0].word.Load()>>limitBits-w)&tagMask, (l.half[1].word.Load()>>limitBits-w)&tagMask
	if n > behind {
		n = 0
	}
	if o > behind {
		o = 0
	}
	return max(n, o)
}

// End returns the end of the window that holds a moment, Unix ns.
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

// NotBefore returns the moment, or the beginning of the latest open window of a clocked limit if
// that is later, as a clock may have been set back.
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
