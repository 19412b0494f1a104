package rule

import "sort"

// Ledger is a bucket that remembers every charge and when it was made, so that a
// charge may turn out to have been smaller: what is left is what would be, had the
// smaller one been made then. What has refilled since is not given back with it, except
// by Return.
type Ledger struct {
	Limit int64

	charges []charge
}

type charge struct{ at, n int64 }

// Add charges n at an instant; a negative n makes charges of that instant smaller: one of
// just that size if there is one, else the latest first.
func (l *Ledger) Add(at, n int64) {
	first := sort.Search(len(l.charges), func(i int) bool { return l.charges[i].at >= at })
	end := sort.Search(len(l.charges), func(i int) bool { return l.charges[i].at > at })
	for i := end - 1; n < 0 && i >= first; i-- {
		if l.charges[i].n == -n {
			l.charges[i].n, n = 0, 0
		}
	}
	for i := end - 1; n < 0 && i >= first; i-- {
		part := min(-n, max(l.charges[i].n, 0))
		l.charges[i].n -= part
		n += part
	}
	if n > 0 {
		l.insert(end, charge{at, n})
	}
}

func (l *Ledger) insert(i int, c charge) {
	l.charges = append(l.charges, charge{})
	copy(l.charges[i+1:], l.charges[i:])
	l.charges[i] = c
}

// Return gives n back at an instant: the bucket gains them then, up to its limit.
func (l *Ledger) Return(at, n int64) {
	end := sort.Search(len(l.charges), func(i int) bool { return l.charges[i].at > at })
	l.insert(end, charge{at, -n})
}

// Wait returns the nanoseconds, rounded up, until n fits; never = it is above the
// limit.
func (l *Ledger) Wait(now, n int64) (wait int64, never bool) {
	b := Bucket{Limit: l.Limit}
	for _, c := range l.charges {
		b.Add(c.at, c.n)
	}
	return b.Wait(now, n)
}
