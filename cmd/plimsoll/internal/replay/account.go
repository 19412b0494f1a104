package replay

import "time"

// account is the usage of one limit by all nodes together.
type account struct {
	limit int64 // as of [provider.Deployment]
	used  int64 // in this minute: reservations, and the true cost of what has ended
	peak  int64 // of used, right after an admission

	minutes           int64
	overSum, overMost int64 // by minute, above the limit
	full              int64 // minutes in which more was asked for than all limits allow
	fullSum           int64 // of peak in those

	largest int64 // admitted at once
	recent  []recent
}

// newAccount returns an account of a limit that nodes share. Span is how long the
// other nodes may not have received a node's usage; 0 = [account.within] sets it.
func newAccount(limit int64, nodes int, span time.Duration) *account {
	a := &account{limit: limit, recent: make([]recent, nodes)}
	for i := range a.recent {
		a.recent[i].span = span
	}
	return a
}

func (a *account) admit(now time.Time, node int, n int64) {
	a.used += n
	a.peak = max(a.peak, a.used)
	a.largest = max(a.largest, n)
	a.recent[node].add(now, n)
}

// hasRoom reports whether n would fit and leave a share of the limit free.
func (a *account) hasRoom(n int64) bool {
	return a.limit == 0 || float64(a.used+n) <= (1-roomShare)*float64(max(0, a.limit))
}

func (a *account) closeMinute(full bool) {
	over := max(0, a.peak-max(0, a.limit))
	a.minutes++
	a.overSum += over
	a.overMost = max(a.overMost, over)
	if full {
		a.full++
		a.fullSum += a.peak
	}
	a.used, a.peak = 0, 0
}

// bound returns how far the nodes can pass the limit because they have not received
// each other's usage: all but one use the most that one ever used within span, and
// each has one more request in flight.
func (a *account) bound() int64 {
	most := int64(0)
	for i := range a.recent {
		most = max(most, a.recent[i].most)
	}
	n := int64(len(a.recent))
	return (n-1)*most + n*a.largest
}

// within sets the span afterwards, for accounts whose span was not known before.
func (a *account) within(span time.Duration) {
	for i := range a.recent {
		r := recent{span: span}
		for _, u := range a.recent[i].uses {
			r.add(u.at, u.n)
		}
		a.recent[i].most = r.most
	}
}

// recent is one node's usage within a span of time, and its maximum.
type recent struct {
	span      time.Duration // 0 = not known yet: all is kept
	uses      []use
	sum, most int64
}

type use struct {
	at time.Time
	n  int64
}

// add adds a usage of n at now; times never go back. A returned amount does not
// lower the maximum, because the other nodes had not received the usage.
func (r *recent) add(now time.Time, n int64) {
	if n <= 0 {
		return
	}
	gone := 0
	for r.span > 0 && gone < len(r.uses) && now.Sub(r.uses[gone].at) > r.span {
		r.sum -= r.uses[gone].n
		gone++
	}
	if gone > 0 {
		r.uses = append(r.uses[:0], r.uses[gone:]...)
	}
	r.uses = append(r.uses, use{now, n})
	r.sum += n
	r.most = max(r.most, r.sum)
}
