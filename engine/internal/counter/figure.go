package counter

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
