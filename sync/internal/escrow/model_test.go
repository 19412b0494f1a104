package escrow

import (
	"cmp"
	"fmt"
	"slices"
)

// The model is a few nodes, a store with epochs and markers, and a network that loses,
// repeats, delays and reorders, as values that a map can hold. A node runs the account
// itself; what surrounds it follows docs/PROTOCOL.md.

const (
	maxModelNodes = 3
	modelWindows  = 3 // of a bucket its slices
	inTransit     = 4 // messages on the way in each direction: one of each node, and one more for each repetition
)

type batch struct {
	node, run, epoch, seq int8 // seq 0 = none
	delta                 [modelWindows]int8
}

func (b batch) order() int {
	o := ((int(b.node)*8+int(b.run))*8+int(b.epoch))*8 + int(b.seq)
	for _, d := range b.delta {
		o = o*256 + int(d) + 128
	}
	return o
}

// compare is the order of replies on the way.
func (r reply) compare(o reply) int {
	duplicate := func(r reply) int {
		if r.duplicate {
			return 1
		}
		return 0
	}
	return cmp.Or(r.batch.order()-o.batch.order(), int(r.now-o.now), duplicate(r)-duplicate(o), slices.Compare(r.total[:], o.total[:]))
}

type reply struct {
	batch
	now       int8 // the store's epoch
	duplicate bool
	total     [modelWindows]int8
}

type modelNode struct {
	run, epoch, seq int8
	window          int8 // its clock's
	gone            bool
	doubt           batch
	account         [modelWindows]small
	own             [modelWindows]int8
}

type world struct {
	nodes    [maxModelNodes]modelNode
	epoch    int8
	holding  bool
	counter  [modelWindows]int8
	marks    [maxModelNodes]int8 // the latest Seq of each node's run in the epoch
	requests [inTransit]batch
	replies  [inTransit]reply

	losses, crashes, resends int8               // so many are left
	left                     [modelWindows]int8 // the counter contains it, of nodes that are gone
	used                     [modelWindows]int8 // by nodes that are gone
	lost                     [modelWindows]int8 // of left, when the store lost it
}

// small is an Account that takes less memory.
type small struct {
	granted, bare, held, back, fBare, fAsk, fBack, total, floor, missing, again int8
	known, renewed                                                              bool
}

func (s small) account() Account {
	return Account{
		int64(s.granted), int64(s.bare), int64(s.held), int64(s.back),
		parts{int64(s.fBare), int64(s.fAsk), int64(s.fBack)},
		int64(s.total), int64(s.floor), int64(s.missing), int64(s.again), s.known, s.renewed,
	}
}

func smallOf(a Account) small {
	return small{
		int8(a.granted), int8(a.bare), int8(a.held), int8(a.back), int8(a.inFlight.bare), int8(a.inFlight.ask), int8(a.inFlight.back),
		int8(a.total), int8(a.floor), int8(a.missing), int8(a.again), a.known, a.renewed,
	}
}

// rules are what a node does with an account; a mutant replaces one.
type rules struct {
	total     func(a *Account, limit, total int64, open bool)
	duplicate func(a *Account, limit int64)
	lower     func(a *Account, own, n int64)
	renew     func(a *Account)
	slice     func(total []int64, j int, limit int64) int64 // what a slice of a bucket may come to
	holds     bool                                          // nothing is granted until all have added theirs to a new epoch
	marks     bool                                          // the store recognizes a batch that it had
	keeps     bool                                          // a batch in doubt goes out again as it was
}

func theRules() rules {
	return rules{
		total:     totalRule,
		duplicate: func(a *Account, limit int64) { a.Applied() },
		lower:     func(a *Account, own, n int64) { a.Lower(min(n, a.granted-own)) },
		renew:     (*Account).Renew,
		slice:     sliceRule,
		holds:     true, marks: true, keeps: true,
	}
}

// totalRule is what a node does with a total. With open = false no node asks yet.
func totalRule(a *Account, limit, total int64, open bool) {
	a.Applied()
	if !open {
		a.AddedAgain(total)
	}
	a.Total(limit, total, open)
}

// scope is how much of the model is explored.
type scope struct {
	nodes, windows           int
	limit, most              int64 // a node asks for most at once
	unit                     int64 // of what it asks for; 0 = 1
	bucket                   bool  // windows are slices of a bucket
	seqs                     int8  // batches of one node in one epoch
	losses, crashes, resends int8
	returns, overruns        bool
}

// explorer visits every world that can be reached.
type explorer struct {
	scope
	rules
	seen map[world]struct{}
	todo []world
	bad  string
}

func explore(s scope, r rules) *explorer {
	x := &explorer{scope: s, rules: r, seen: map[world]struct{}{}}
	w := world{losses: s.losses, crashes: s.crashes, resends: s.resends}
	for i := range w.nodes {
		w.nodes[i].gone = i >= s.nodes
	}
	x.visit(w)
	for len(x.todo) > 0 && x.bad == "" {
		w := x.todo[len(x.todo)-1]
		x.todo = x.todo[:len(x.todo)-1]
		x.step(w)
	}
	return x
}

// visit adds a world that was reached. A message that changes nothing any more is taken
// off it, and messages have an order, so that worlds without a difference are one. A
// message that is lost needs no event of its own: it stays on the way.
func (x *explorer) visit(w world) {
	if x.bad != "" {
		return
	}
	for i := range w.requests {
		b := &w.requests[i]
		n := &w.nodes[b.node]
		if b.seq != 0 && (b.epoch != w.epoch && !(b.run == n.run && b.seq == n.doubt.seq && b.epoch == n.epoch) ||
			b.run == n.run && b.seq != n.doubt.seq && b.seq <= w.marks[b.node]) {
			*b = batch{}
		}
	}
	for i := range w.replies {
		if b := &w.replies[i]; b.seq != 0 && b.batch != w.nodes[b.node].doubt {
			*b = reply{}
		}
	}
	slices.SortFunc(w.requests[:], func(a, b batch) int { return a.order() - b.order() })
	slices.SortFunc(w.replies[:], reply.compare)
	if x.losses == 0 {
		for i := range w.nodes {
			for k := range w.nodes[i].account {
				a := &w.nodes[i].account[k]
				a.total, a.floor, a.known = 0, 0, false
			}
		}
	}
	if _, ok := x.seen[w]; ok {
		return
	}
	x.seen[w] = struct{}{}
	if x.bad = x.check(&w); x.bad == "" {
		x.todo = append(x.todo, w)
	}
}

// check returns which invariant does not hold.
func (x *explorer) check(w *world) string {
	level, lost := Bucket{limit: x.limit}, int64(0)
	for k := range x.windows {
		granted, counter := int64(w.used[k]), int64(w.left[k])
		for i := range w.nodes[:x.nodes] {
			n := &w.nodes[i]
			a := n.account[k].account()
			if n.gone {
				continue
			}
			if int64(n.own[k]) > a.granted {
				return fmt.Sprintf("(1) window %d: node %d has used %d of %d", k, i, n.own[k], a.granted)
			}
			granted += a.granted
			if n.epoch == w.epoch {
				counter += a.Committed()
				if n.doubt.seq != 0 && w.marks[i] >= n.doubt.seq {
					counter += a.inFlight.sum()
				}
			}
		}
		if counter != int64(w.counter[k]) {
			return fmt.Sprintf("(2) window %d: the counter is %d, not %d", k, w.counter[k], counter)
		}
		if x.bucket {
			lost += int64(w.lost[k]) * Slices
			if level.level+granted*Slices > x.limit*Slices+lost {
				return fmt.Sprintf("(3) slice %d: %d is granted of a bucket of %d that holds %d/60", k, granted, x.limit, level.level)
			}
			level.Next(granted)
			continue
		}
		if granted > x.limit+int64(w.lost[k]) && !x.overruns {
			return fmt.Sprintf("(3) window %d: %d is granted of %d, of which %d was lost", k, granted, x.limit, w.lost[k])
		}
	}
	return ""
}

// bound returns what a window may come to by the totals of a reply.
func (x *explorer) bound(r *reply, k int) int64 {
	if !x.bucket {
		return x.limit
	}
	var total [modelWindows + 2]int64
	for i, n := range r.total {
		total[i] = int64(n)
	}
	return x.slice(total[:], k, x.limit)
}
