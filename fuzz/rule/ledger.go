package rule

import "sort"

// Ledger is a bucket that remembers every charge and when it was made, so that a
// charge may turn out to have been smaller: what is left is what would be, had the
// smaller one been made then. What has refilled since is not given back with it.
type Ledger struct {
	Limit int64

	charges []charge
}

type charge struct{ at, n int64 }

// Add charges n at an instant; a negative n makes charges of that instant smaller.
func (l *Ledger) Add(at, n int64) {
	i := sort.Search(len(l.charges), func(i int) bool { return l.charges[i].at >= at })
	for ; n < 0 && i < len(l.charges) && l.charges[i].at == at; i++ {
		part := min(-n, l.charges[i].n)
		l.charges[i].n -= part
		n += part
	}
	if n > 0 {
		for i < len(l.charges) && l.charges[i].at == at {
			i++
		}
		l.charges = append(l.charges, charge{})
		copy(l.charges[i+1:], l.charges[i:])
		l.charges[i] = charge{at, n}
	}
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
