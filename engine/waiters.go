package engine

import (
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
)

// kind is what waiters of one queue have in common: their demands have the same class and
// caller and the same candidates.
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

// waiters are the waiters of one kind in their order.
type waiters struct {
	kind
	queue.Tree[*waiter]
	like *Demand // one of the demands: all have the same class, Tags, Exclude and Caller
	// During a dispatch: the first place not yet compared, and the waiter found, nil if there
	// is none.
	cursor int
	found  *waiter
	floor  int // the place behind the last waiter that was tried and not admitted
}

// waiter is a call of Wait that has not been served.
type waiter struct {
	d     *Demand
	seq   uint64 // order of arrival
	queue *waiters
	place int   // in the queue
	turn  int64 // from when on a deployment is held for the waiter, Unix ns; see hold
	holds bool  // a deployment is held for it
	// Under the line's mutex until done is set. The waiter has then left the line, and wake
	// has been sent to.
	got  admission
	mark mark // of its request; the marks of several waiters are in the order of service
	err  error
	done bool
	wake chan struct{}
}

// Place returns a pointer to the waiter's place, for its queue.
func (w *waiter) Place() *int { return &w.place }

// lease returns the lease of a waiter that is done.
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
