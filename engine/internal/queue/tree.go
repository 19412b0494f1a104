package queue

import (
	"iter"
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// Cost is what a request counts in each dimension.
type Cost = [counter.Dims]int64

// NoCost is above any cost in each dimension.
var NoCost = Cost{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}

// Lower lowers each dimension of a to that of b.
func Lower(a, b *Cost) {
	for i := range a {
		a[i] = min(a[i], b[i])
	}
}

// Waiter is an element of a tree. Place returns a pointer to the element's place, which the tree
// writes.
type Waiter interface {
	comparable
	Place() *int
}

// Tree has waiters in their order, with a tournament tree over what they would be
// charged: a node has the minimum of each dimension over the waiters below it. If the minimum
// does not fit, no waiter below fits. The first waiter that fits is thus found in
// logarithmic time if one dimension decides. The zero Tree is empty. Not safe for
// concurrent use.
type Tree[W Waiter] struct {
	Len     int    // the number of waiters
	Resume  int    // a place; it follows its waiter when places change
	Fitted  int    // the place behind the last waiter that Search returned; the owner sets 0 once its charge may not fit
	waiters []W    // by place, zero: the waiter has left; the length is a power of two
	least   []Cost // node k covers 2k and 2k+1; leaves begin at len(waiters)
	end     int    // the place behind the last waiter
}

// Nodes returns how many calls Earliest makes at most.
func (q *Tree[W]) Nodes() (most int) {
	for n := len(q.waiters); n > 0; n /= 2 { // of each level
		most += min(n, q.Len)
	}
	return most
}

// All yields the waiters in their order. Waiters may be removed during the iteration.
func (q *Tree[W]) All() iter.Seq[W] {
	return func(yield func(W) bool) {
		var left W
		for _, w := range q.waiters[:q.end] {
			if w != left && !yield(w) {
				return
			}
		}
	}
}

// Push adds a waiter at the end; a is the least that it would be charged.
func (q *Tree[W]) Push(w W, a Cost) {
	if q.end == len(q.waiters) {
		q.grow()
	}
	*w.Place() = q.end
	q.waiters[q.end] = w
	q.end++
	q.Len++
	q.Charge(w, a)
}

// grow frees places at the end: it closes the gaps of waiters that have left, and doubles the
// tree if waiters fill more than half of it.
func (q *Tree[W]) grow() {
	size := max(len(q.waiters), 4)
	if 2*q.Len > size {
		size *= 2
	}
	old, least, leaves := q.waiters, q.least, len(q.waiters)
	q.waiters, q.least, q.end = make([]W, size), make([]Cost, 2*size), 0
	for i := range q.least {
		q.least[i] = NoCost
	}
	var left W
	resume := q.Resume
	for i, w := range old {
		if i == resume {
			q.Resume = q.end
		}
		if w != left {
			*w.Place() = q.end
			q.waiters[q.end], q.least[size+q.end] = w, least[leaves+i]
			q.end++
		}
	}
	q.Resume = min(q.Resume, q.end)
	for k := size - 1; k > 0; k-- {
		q.update(k)
	}
}

func (q *Tree[W]) update(k int) {
	q.least[k] = q.least[2*k]
	Lower(&q.least[k], &q.least[2*k+1])
}

// Charge sets the least that a waiter would be charged.
func (q *Tree[W]) Charge(w W, a Cost) {
	k := len(q.waiters) + *w.Place()
	for q.least[k] = a; k > 1; {
		k /= 2
		q.update(k)
	}
}

// Remove removes a waiter.
func (q *Tree[W]) Remove(w W) {
	var left W
	q.waiters[*w.Place()] = left
	q.Len--
	q.Charge(w, NoCost)
}

// Charged returns the least that a waiter would be charged.
func (q *Tree[W]) Charged(w W) *Cost { return &q.least[len(q.waiters)+*w.Place()] }

// Head returns the first waiter of a tree that is not empty.
func (q *Tree[W]) Head() W {
	k := 1
	for k < len(q.waiters) {
		if k *= 2; q.least[k] == NoCost {
			k++
		}
	}
	return q.waiters[k-len(q.waiters)]
}

// Search returns the first waiter from a place on for whose charge fits returns true,
// and its place; the zero W if there is none. Fits must be monotonic: if it returns true for a
// cost, then also for every lower one. Each call of fits decrements work; at 0 the search ends
// at the place next. A node that covers the waiter before Fitted
// decrements work without a call.
func (q *Tree[W]) Search(from int, work *int, fits func(*Cost) bool) (w W, next int) {
	next = q.end
	// descend searches the places [low, high) below a node. Sure says that the node's charge
	// is known to fit. It returns a place; -1: none.
	var descend func(k, low, high int, sure bool) int
	descend = func(k, low, high int, sure bool) int {
		if high <= from || q.least[k] == NoCost || next != q.end {
			return -1
		}
		if !sure {
			if *work <= 0 {
				next = max(low, from)
				return -1
			}
			if *work--; (q.Fitted <= low || q.Fitted > high) && !fits(&q.least[k]) {
				return -1
			}
		}
		if high-low == 1 {
			return low
		}
		mid := (low + high) / 2
		if i := descend(2*k, low, mid, q.least[2*k] == q.least[k]); i >= 0 {
			return i
		}
		return descend(2*k+1, mid, high, q.least[2*k+1] == q.least[k])
	}
	if i := descend(1, 0, len(q.waiters), false); i >= 0 {
		q.Fitted = i + 1
		return q.waiters[i], i
	}
	return w, next
}

// Earliest returns the earliest instant that when returns for a waiter's charge; none is before
// now. When must be monotonic: no later for a lower cost. Each call of when decrements work; at
// 0 the charges that are left count as now.
func (q *Tree[W]) Earliest(now int64, work *int, when func(*Cost) int64) int64 {
	return q.earliest(1, now, work, when)
}

func (q *Tree[W]) earliest(k int, now int64, work *int, when func(*Cost) int64) int64 {
	if q.least[k] == NoCost {
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
