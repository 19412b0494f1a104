package engine

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// kind distinguishes the waiters whose demands may go to different deployments, have
// different shares of them or name different callers.
type kind struct {
	class  int
	filter string  // of Tags and Exclude; "" = none
	caller *handle // nil: none
}

func kindOf(d *Demand) kind {
	if len(d.Tags)|len(d.Exclude) == 0 {
		return kind{class: d.Priority, caller: d.Caller.h}
	}
	var b strings.Builder
	for _, t := range d.Tags {
		b.WriteString(strconv.Quote(t))
	}
	for _, r := range d.Exclude {
		b.WriteByte('-')
		b.WriteString(strconv.Quote(r.ID()))
	}
	return kind{d.Priority, b.String(), d.Caller.h}
}

// queue is the waiters of one kind in their order, with a tournament tree over what
// they would be charged: a node holds the least of each dimension that is charged
// below it. Where that does not fit, no waiter below fits, so that the first waiter
// who fits is found in logarithmic time where one dimension decides.
type queue struct {
	kind
	like    *Demand   // one of the demands: all have the same class, Tags, Exclude and Caller
	waiters []*waiter // nil: has left; the length is a power of two
	least   []amounts // node k covers 2k and 2k+1; leaves begin at len(waiters)
	end     int       // behind the last waiter
	n       int
	// During a service: the first place not yet looked at, the place where an earlier
	// service ran out of work, and the waiter found, nil if there is none.
	cursor, resume int
	found          *waiter
	floor          int // behind the last waiter who was offered room in vain
}

// noCharge is what a node holds that has no waiter.
var noCharge = amounts{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}

// lower makes each amount the lesser of two.
func (a *amounts) lower(b *amounts) {
	for i := range a {
		a[i] = min(a[i], b[i])
	}
}

// push adds a waiter at the end, who would be charged a at least.
func (q *queue) push(w *waiter, a amounts) {
	if q.end == len(q.waiters) {
		q.grow()
	}
	w.queue, w.place = q, q.end
	q.waiters[q.end] = w
	q.end++
	q.n++
	q.charge(w, a)
}

// grow makes room at the end: it closes the gaps, and doubles the queue if more
// than half of it is left.
func (q *queue) grow() {
	size := max(len(q.waiters), 4)
	if 2*q.n > size {
		size *= 2
	}
	old, least, leaves := q.waiters, q.least, len(q.waiters)
	q.waiters, q.least, q.end = make([]*waiter, size), make([]amounts, 2*size), 0
	for i := range q.least {
		q.least[i] = noCharge
	}
	resume := q.resume
	for i, w := range old {
		if i == resume {
			q.resume = q.end
		}
		if w != nil {
			w.place = q.end
			q.waiters[q.end], q.least[size+q.end] = w, least[leaves+i]
			q.end++
		}
	}
	q.resume = min(q.resume, q.end)
	for k := size - 1; k > 0; k-- {
		q.update(k)
	}
}

func (q *queue) update(k int) {
	q.least[k] = q.least[2*k]
	q.least[k].lower(&q.least[2*k+1])
}

// charge sets what a waiter would be charged at least.
func (q *queue) charge(w *waiter, a amounts) {
	k := len(q.waiters) + w.place
	for q.least[k] = a; k > 1; {
		k /= 2
		q.update(k)
	}
}

func (q *queue) remove(w *waiter) {
	q.waiters[w.place] = nil
	q.n--
	q.charge(w, noCharge)
}

// charged returns the least that a waiter would be charged.
func (q *queue) charged(w *waiter) *amounts { return &q.least[len(q.waiters)+w.place] }

// head returns the first waiter.
func (q *queue) head() *waiter {
	k := 1
	for k < len(q.waiters) {
		if k *= 2; q.least[k] == noCharge {
			k++
		}
	}
	return q.waiters[k-len(q.waiters)]
}

// search returns the first waiter from a place on for whose charge fits says yes,
// nil if there is none. Fits must say yes to less if it does to more. Once it has no
// work left the search ends at the place next.
func (q *queue) search(from int, work *int, fits func(*amounts) bool) (w *waiter, next int) {
	s := search{q, from, work, fits, q.end}
	if i := s.descend(1, 0, len(q.waiters), false); i >= 0 {
		return q.waiters[i], i
	}
	return nil, s.next
}

type search struct {
	*queue
	from int
	work *int // how many more charges may be looked at
	fits func(*amounts) bool
	next int
}

// descend searches the places [low, high) below a node. Sure says that the node's
// charge is known to fit.
func (s *search) descend(k, low, high int, sure bool) int {
	if high <= s.from || s.least[k] == noCharge || s.next != s.end {
		return -1
	}
	if !sure {
		if *s.work <= 0 {
			s.next = max(low, s.from)
			return -1
		}
		if *s.work--; !s.fits(&s.least[k]) {
			return -1
		}
	}
	if high-low == 1 {
		return low
	}
	mid := (low + high) / 2
	if i := s.descend(2*k, low, mid, s.least[2*k] == s.least[k]); i >= 0 {
		return i
	}
	return s.descend(2*k+1, mid, high, s.least[2*k+1] == s.least[k])
}

// earliest returns the least of what when says of the waiters, given an instant
// that no waiter's is before. When must not say later of less.
func (q *queue) earliest(k int, now int64, work *int, when func(*amounts) int64) int64 {
	if q.least[k] == noCharge {
		return math.MaxInt64
	}
	at := now
	if *work > 0 {
		*work--
		at = when(&q.least[k])
	}
	if at > now || k >= len(q.waiters) || *work <= 0 {
		return at
	}
	return min(q.earliest(2*k, now, work, when), q.earliest(2*k+1, now, work, when))
}

// without returns the queues except one.
func without(list []*queue, q *queue) []*queue {
	return slices.DeleteFunc(list, func(o *queue) bool { return o == q })
}

// waiter is a call of Wait that has not been served.
type waiter struct {
	d     *Demand
	seq   uint64 // order of arrival
	queue *queue
	place int   // in the queue
	turn  int64 // from when on a deployment is held for it, Unix ns; see hold
	holds bool  // one is
	// Under the line's mutex until done. Then it has left the line and wake has
	// been sent.
	got  admission
	mark mark // of its request: those of several are in the order of service
	err  error
	done bool
	wake chan struct{}
}

// lease returns what a waiter that is done got.
func (w *waiter) lease() Lease {
	return Lease{admission: w.got, mark: w.mark}
}

// before reports whether a waiter comes before another.
func (w *waiter) before(o *waiter) bool {
	if w.queue.class != o.queue.class {
		return w.queue.class < o.queue.class
	}
	return w.seq < o.seq
}
