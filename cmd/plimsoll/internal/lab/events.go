package lab

import "container/heap"

// event is something that happens at an instant.
type event struct {
	at    int64  // Unix nanoseconds
	order uint64 // of scheduling, for events of one instant
	do    func()
}

// events gives events back in order of time, those of one instant in the order in which
// they were added.
type events struct {
	heap  eventHeap
	added uint64
}

func (e *events) add(at int64, do func()) {
	e.added++
	heap.Push(&e.heap, event{at, e.added, do})
}

// next returns when the earliest event is; false if there is none.
func (e *events) next() (at int64, ok bool) {
	if len(e.heap) == 0 {
		return 0, false
	}
	return e.heap[0].at, true
}

// take removes the earliest event; there must be one.
func (e *events) take() event { return heap.Pop(&e.heap).(event) }

// eventHeap implements [heap.Interface].
type eventHeap []event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = event{}
	*h = (*h)[:last]
	return e
}
