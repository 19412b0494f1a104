package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// line is who waits in a group: by class, then first come, first served. Nobody stands at the head of it: who gives room
// rings the bell, which wakes any one of those who wait, and that one serves all
// of them in order. So does whoever joins, and one when the timer fires.
type line struct {
	// n is how many wait. It grows before the one who joins looks at the cells,
	// and who gives room reads it after changing a cell: one sees the other.
	n    atomic.Int64
	bell chan struct{} // holds one ring
	// judge makes the next service look at everyone: somebody may wait for what
	// will never come.
	judge atomic.Bool

	mu          sync.Mutex // before the group's
	first, last *waiter
	timer       *window.Timer // nil: nobody has waited yet
}

// waiter is one who waits.
type waiter struct {
	d          *Demand
	prev, next *waiter
	// Under the line's mutex until done. Then it has left the line and wake has
	// been sent.
	got     grant
	metered metered
	err     error
	done    bool
	wake    chan struct{}
}

func newLine() *line { return &line{bell: make(chan struct{}, 1)} }

// ring says that there may be room.
func (l *line) ring() {
	if l.n.Load() == 0 {
		return
	}
	select {
	case l.bell <- struct{}{}:
	default: // it rings already
	}
}

// recall is ring when what could come has changed too.
func (l *line) recall() {
	l.judge.Store(true)
	l.ring()
}

// join puts a waiter behind all of its class. Under mu, as all below.
func (l *line) join(w *waiter) {
	l.n.Add(1)
	w.prev = l.last
	for w.prev != nil && w.prev.d.Priority > w.d.Priority {
		w.prev = w.prev.prev
	}
	if w.prev != nil {
		w.next, w.prev.next = w.prev.next, w
	} else {
		w.next, l.first = l.first, w
	}
	if w.next != nil {
		w.next.prev = w
	} else {
		l.last = w
	}
}

// leave takes a waiter out, with what it is to return.
func (l *line) leave(w *waiter, got grant, err error) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.got, w.err, w.done = got, err, true
	w.wake <- struct{}{} // has room for one
	if l.n.Add(-1) == 0 && l.timer != nil {
		l.timer.Stop()
	}
}

// maxBars is how many refusals a service remembers.
const maxBars = 8

// bars are demands that were refused during one service. What asks for at least
// as much, of no more deployments, need not be tried.
type bars struct {
	list [maxBars]*Demand
	n    int
}

func (b *bars) add(d *Demand) {
	if b.n < maxBars && len(d.Exclude)|len(d.Tags) == 0 {
		b.list[b.n] = d
		b.n++
	}
}

func (b *bars) cover(d *Demand) bool {
	return slices.ContainsFunc(b.list[:b.n], d.asksMore)
}

// asksMore reports whether d costs at least what o costs, on any deployment.
func (d *Demand) asksMore(o *Demand) bool {
	if d.InputTokens < o.InputTokens || d.Priority < o.Priority {
		return false
	}
	if o.OutputTokens == 0 {
		return d.OutputTokens == 0 && (d.MaxOutputTokens == 0 || o.MaxOutputTokens != 0 && d.MaxOutputTokens >= o.MaxOutputTokens)
	}
	return o.output() == 0 || d.OutputTokens != 0 && d.output() >= o.output()
}

// output returns the output that a demand names.
func (d *Demand) output() int64 {
	out := max(d.OutputTokens, 0)
	if d.MaxOutputTokens != 0 {
		out = min(out, d.MaxOutputTokens)
	}
	return out
}
