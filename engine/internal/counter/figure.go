package counter

// Figure is the usage of a limit as a provider has reported it.
type Figure struct {
	At    At    // the moment of the figure
	Used  int64 // at that moment
	Most  int64 // the most usage to which it raises a bucket
	Since int64 // what was counted after that moment
	Grain int64 // the largest difference that it does not correct
	Raise bool  // the figure never lowers the count
}

// Correct sets the usage to a figure. The count of an owned limit is lowered by no more than
// figures have added before, so that it never falls below the usage of the nodes. It reports
// whether usage fell, and how much is counted above the figure. Under the owner's mutex.
func (l *Limit) Correct(f *Figure, now At) (lower bool, above int64) {
	if l.Shape == Level {
		return l.bucket.Correct(f.At.Now, now.Now, min(f.Used, f.Most), f.Since, f.Grain, f.Raise)
	}
	w := l.current(now)
	if l.Window(f.At) != w {
		return false, Max // the figure is of a window that has passed
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

// Withhold makes n of the count of a window of an owned limit an adjustment, which no
// node reports as usage. Under the owner's mutex.
func (l *Limit) Withhold(w, n int64) {
	if l.Owned() && l.ledger[w&1].Window == w {
		l.half[w&1].adjusted.Add(n)
		l.recap(w & 1)
	}
}

// Adjusted returns what providers' figures have added to a window's count.
func (l *Limit) Adjusted(w int64) int64 { return l.half[w&1].adjusted.Load() }
