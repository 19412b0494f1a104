package replay

import (
	"container/heap"
	"time"
)

// event is something that happens to a call at its deployment: its end, or
// before that its first token.
type event struct {
	at      time.Time
	order   uint64 // of scheduling; settles which of two events at one instant is first
	call    *call
	attempt Attempt
	// admitted is when the attempt was admitted.
	admitted   time.Time
	refused    bool
	retryAfter time.Duration            // of a refusal
	first      bool                     // the first token, and not the end
	header     func(name string) string // of the response; nil = the caller reads none
	body       []byte                   // of a refusal
}

// queue gives events back in order of time; those of one instant in the order
// in which they were added.
type queue struct {
	events eventHeap
	added  uint64
}

func (q *queue) add(e event) {
	q.added++
	e.order = q.added
	heap.Push(&q.events, e)
}

// next returns when the earliest event is; ok is false if there is none.
func (q *queue) next() (at time.Time, ok bool) {
	if len(q.events) == 0 {
		return time.Time{}, false
	}
	return q.events[0].at, true
}

// take removes the earliest event; there must be one.
func (q *queue) take() event { return heap.Pop(&q.events).(event) }

// eventHeap implements [heap.Interface].
type eventHeap []event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = event{} // let go of the call
	*h = (*h)[:last]
	return e
}
