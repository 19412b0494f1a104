package counter

import "github.com/plimsoll-dev/plimsoll/window"

// The owner of a limit calls the functions of this file, under its mutex: to open windows before
// they are published, to apply the usage of other nodes, and to report.

// openHalf folds a half's window and opens the half for window w (protocol 1).
func (l *Limit) openHalf(w int64, s Ledger) (used int64) {
	h := &l.half[w&1]
	h.win.Store(none(w))
	tag := w // of a clocked limit
	if !l.Clocked() {
		tag = h.word.Load()>>limitBits + 1
	}
	used = h.word.Swap((tag&tagMask)<<limitBits|min(s.Remote, Max)) & limitValue
	h.adjusted.Store(0)
	l.ledger[w&1] = s
	l.recap(w & 1)
	h.win.Store(w)
	return used
}

// newLedger returns the ledger of window k when the current one is w. A day before
// the first one is closed, as there is nothing to report of it.
func (l *Limit) newLedger(k, w int64) Ledger {
	s := NewLedger(k)
	s.Closed = l.Shape == Days && k != w
	if l.closed != 0 {
		s.Ceiling, s.Retry = 0, l.closed
	}
	return s
}

// CloseUnnamed gives windows that are opened from now on a ceiling of zero until an Absorb
// names them; the RetryAfter of refusals is retry nanoseconds. 0 ends
// that. Under the owner's mutex.
func (l *Limit) CloseUnnamed(retry int64) { l.closed = retry }

// Close is CloseUnnamed for a new limit, whose open windows it closes as well.
func (l *Limit) Close(retry int64) {
	l.closed = retry
	for p := range l.ledger {
		l.ledger[p].Ceiling, l.ledger[p].Retry = 0, retry
		l.recap(int64(p))
	}
}

// recap sets the cap of a half.
func (l *Limit) recap(p int64) {
	h := &l.half[p]
	if l.Owned() {
		h.cap.Store(l.ledger[p].Cap(l.most.Load(), h.adjusted.Load()))
		return
	}
	if l.grant == nil {
		h.cap.Store(l.most.Load())
	}
}

// Turn turns a limit to a minute about to be published (protocol 2). It calls fold with each
// folded window: its ledger and this node's usage. More is the usage of other nodes in the
// current window, as absorbed ahead. For a clocked limit Turn only replaces words
// so old that their tag could repeat.
func (l *Limit) Turn(at At, fold func(s *Ledger, own int64)) (more int64) {
	if l.Clocked() {
		l.refresh(l.Window(at))
	} else if l.Shape == Level {
		l.bucket.rebase(at.Now)
	}
	if !l.Owned() {
		return 0
	}
	w := l.Window(at)
	if l.Shape == Days && at.Epoch >= l.day.Load()&(1<<40-1)+23*60 {
		if w = window.DayIndex(at.Epoch, l.Zone); w != l.day.Load()>>40 {
			defer l.today(at.Epoch) // after the halves are open: until then requests count in yesterday's window
		}
	}
	for _, k := range [2]int64{w - 1, w} {
		s := &l.ledger[k&1]
		if s.Window == k {
			continue
		}
		next := l.newLedger(k, w)
		if l.next.Window == k {
			next = l.next
		}
		old, adjusted := *s, l.half[k&1].adjusted.Load()
		used := l.openHalf(k, next)
		if fold != nil {
			fold(&old, old.Own(used, adjusted))
		}
		if k == w {
			more = next.Remote
		}
	}
	l.turnTo(w)
	return more
}

// turnTo makes w the window that LookOwned reads.
func (l *Limit) turnTo(w int64) {
	if l.Shape == Hours || l.Shape == Days {
		l.parity.Store(w & 1)
	}
}

// refresh opens the halves of a clocked limit for w and the window before, unless
// they are open for these windows or later ones. Otherwise the tag of an old word would name a
// current window once it repeats.
func (l *Limit) refresh(w int64) {
	seen := l.seen.Load()
	if w <= seen || !l.seen.CompareAndSwap(seen, w) {
		return
	}
	l.refreshGrants(w)
	far := w-seen > tagMask/2 // so far that tags cannot be compared
	for _, k := range [2]int64{w - 1, w} {
		h := &l.half[k&1]
		if v := h.word.Load(); (v>>limitBits^k)&tagMask != 0 && (far || older(v, k)) {
			h.word.CompareAndSwap(v, (k&tagMask)<<limitBits)
		}
	}
}

// SetCap changes the limit.
func (l *Limit) SetCap(at At, most int64) {
	l.most.Store(most)
	if l.Shape == Level {
		l.bucket.Resize(at.Now, most)
		return
	}
	for p := range int64(2) {
		l.recap(p)
	}
}

// Relimit is SetCap for a limit that a provider has reported and that may be wrong: the usage of
// a bucket afterwards takes no longer to refill than before, or than so many minutes if that is
// longer.
func (l *Limit) Relimit(at At, most, minutes int64) {
	if l.Shape != Level {
		l.SetCap(at, most)
		return
	}
	l.most.Store(most)
	l.bucket.Relimit(at.Now, most, minutes)
}

// Absorb applies what was received for window w. Current reports whether w is the current
// window, and more by how much its remote usage changed.
func (l *Limit) Absorb(at At, w int64, t Received) (more int64, current bool) {
	switch now := l.Window(at); w {
	case now:
		s, h := &l.ledger[w&1], &l.half[w&1]
		more = s.Set(t)
		if c := s.Cap(l.most.Load(), h.adjusted.Load()); c < h.cap.Load() {
			h.cap.Store(c)
		}
		l.add(w, more)
		h.word.Add(limitTag) // another generation: a swap by a caller that loaded the cap before fails
		l.recap(w & 1)
		return more, true
	case now + 1:
		if l.next.Window != w {
			l.next = NewLedger(w)
		}
		l.next.Set(t)
	}
	return 0, false
}

// Expire makes all windows stale.
func (l *Limit) Expire() {
	for _, s := range []*Ledger{&l.ledger[0], &l.ledger[1], &l.next} {
		s.Fresh = false
	}
}

// Fall bounds the current window of an owned limit, whose configured limit is most, if the window
// is stale: see [Ledger.Fall].
func (l *Limit) Fall(p Part, at At, most int64) {
	w := l.Window(at)
	if s := l.Ledger(w); s != nil && s.Fall(p, most, l.UsedIn(w), l.Adjusted(w)) {
		l.recap(w & 1)
	}
}

// Free ends the bounds of Fall.
func (l *Limit) Free() {
	for p := range l.ledger {
		if l.ledger[p].Free() {
			l.recap(int64(p))
		}
	}
}

// Ledger returns the ledger of a window. Nil: the window has passed.
func (l *Limit) Ledger(w int64) *Ledger {
	if s := &l.ledger[w&1]; s.Window == w {
		return s
	}
	return nil
}

// Own returns this node's usage in a window; 0 if the window has passed.
func (l *Limit) Own(w int64) int64 {
	s := l.Ledger(w)
	if s == nil {
		return 0
	}
	return s.Own(l.UsedIn(w), l.Adjusted(w))
}

// Shut is [Pair.Shut] for both windows of an owned limit: it closes both or neither. A window of
// which own usage was reported stays open too: a window is opened once (docs/CORE.md), as a
// limit that is opened in it again would report less. The previous hour or day is an exception,
// because a new limit reports only the current one: it is closed once all of
// it was reported, or at any time if Collect was never called.
func (l *Limit) Shut(collected bool) bool {
	if !l.Owned() {
		return true
	}
	for p := range int64(2) {
		s, h := &l.ledger[p], &l.half[p]
		others, before := s.Remote+h.adjusted.Load(), l.Shape != Minutes && p != l.parity.Load()
		h.win.Store(none(p))
		if !shutIf(&h.word, limitBits, func(v int64) bool {
			if before {
				return !collected || max(v-others, 0) == s.Reported
			}
			return s.Reported == 0 && v <= others && (s.Known || s.Remote == 0) // else Restore has counted it, and no store knows it
		}) {
			l.Reopen()
			return false
		}
	}
	return true
}

// Reopen undoes Shut.
func (l *Limit) Reopen() {
	if l.Owned() {
		for p := range l.half {
			l.half[p].win.Store(l.ledger[p].Window)
		}
	}
}

// Unlist makes Collect report the current window again.
func (l *Limit) Unlist() {
	for p := range l.ledger {
		l.ledger[p].Listed = false
	}
}
