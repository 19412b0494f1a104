package engine

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// line is the queue of a group's waiters: by class, then first come, first served.
// There is no dispatcher. A caller that frees capacity rings the bell, which wakes one
// waiter, and that waiter serves the line (protocol 7). The timer wakes one in the same way.
type line struct {
	queue.Bell

	mu     sync.Mutex // locked before the group's (docs/CORE.md, lock order)
	queues []*waiters // by class, then by age; none is empty
	byKind map[kind]*waiters
	holds  []hold
	seq    uint64        // of the latest waiter
	timer  *window.Timer // nil: no demand has waited yet
	at     int64         // when the timer fires, Unix ns
	work   int           // how much is left of maxWork in the dispatch under way
	// stirred says that a search of this dispatch would not find the same again: a waiter was
	// admitted, or a search drew among equals, and the draws to come depend on how many were made.
	stirred bool
	pricing
}

func newLine(later func(strike func())) *line {
	return &line{Bell: queue.NewBell(later), byKind: map[kind]*waiters{}, at: math.MaxInt64}
}

// ringing reports whether a dispatch is due, by the bell or by the timer, at an
// instant. Under mu, as all functions below.
func (l *line) ringing(now int64) bool { return len(l.Rung) != 0 || now >= l.at }

// join adds a waiter behind all of its class. A is the least that it would be charged.
func (l *line) join(w *waiter, a amounts) {
	l.Waiting.Add(1)
	l.seq++
	w.seq, w.turn = l.seq, math.MaxInt64
	k := kindOf(w.d)
	q := l.byKind[k]
	if q == nil {
		q = &waiters{kind: k, like: w.d}
		l.byKind[k] = q
		l.queues = append(l.queues, q)
		slices.SortStableFunc(l.queues, func(a, b *waiters) int { return cmp.Compare(a.class, b.class) })
		if k.caller != nil {
			k.caller.caller.addBell(&l.Bell) // before its counters are read, as in protocol 7
		}
	}
	w.queue = q
	q.Push(w, a)
}

// leave removes a waiter from the line; its call of Wait returns got and err.
func (l *line) leave(w *waiter, got admission, err error) {
	q := w.queue
	q.Remove(w)
	if q.Len == 0 {
		delete(l.byKind, q.kind)
		l.queues = slices.DeleteFunc(l.queues, func(o *waiters) bool { return o == q })
		if q.caller != nil {
			q.caller.caller.removeBell(&l.Bell)
		}
	}
	l.holds = slices.DeleteFunc(l.holds, func(o hold) bool { return o.w == w })
	w.got, w.mark, w.err, w.done = got, got.mark(), err, true
	w.wake <- struct{}{} // does not block: the channel is buffered
	if l.Waiting.Add(-1) == 0 {
		l.at = math.MaxInt64
		l.timer.Stop()
	}
}

// arm sets the timer.
func (l *line) arm(at int64) {
	l.at = at
	l.timer.Set(at)
}

// pricing is what the charges in a line's queues were computed from. Under the line's mutex.
type pricing struct {
	view *view // whose deployments' rates
	// floor is not above the output, in tokens, that any deployment expects of a demand that
	// names none. It is a quarter below that, so that it stays valid while the expectation
	// changes with a few samples.
	floor int64
}

// holds reports whether the charges still are lower bounds, and near the true charges.
func (p *pricing) holds(v *view, expected int64) bool {
	return p.view == v && p.floor <= expected && expected/2 <= p.floor+minFloor
}

// minFloor is the expected output, in tokens, up to which no floor is too far below.
const minFloor = 64

// wanted adds the demands that wait in line to w.
func (l *line) wanted(w *window.Want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queues {
		for x := range q.All() {
			a := q.Charged(x)
			waits(w, a)
			if q.caller != nil {
				waits(&q.caller.caller.waits, a)
			}
		}
	}
}

// waits adds a waiter, who would be charged a, to a Want.
func waits(w *window.Want, a *amounts) {
	w.Waiting++
	w.WaitingTokens += a[counter.Tokens]
	w.WaitingInput += a[counter.Input]
	w.Largest = max(w.Largest, a[counter.Tokens])
}
