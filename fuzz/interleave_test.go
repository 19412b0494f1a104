package fuzz

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// order is the refusal protocol of a block with one step moved or left out; the
// zero order is the protocol as engine/internal/order/block.go and engine/choose.go have it.
type order struct {
	seqBeforeWatched bool // the search reads seq, then sets watched
	lookFirst        bool // the search looks at a cell before it sets watched
	noComparison     bool // the search refuses without comparing seq at its end
	noSecondLook     bool // the search believes its first pass
	watchedReadFirst bool // the caller reads watched before it frees the cell
	seqMovedFirst    bool // the caller moves seq before it frees the cell
	rememberedLate   bool // the search remembers the headroom under the seq of its end
}

// A world is two cells of one place each, the words of their block, a search and
// a caller that moves its lease between the cells. It is a value: two worlds that
// are equal go on alike.
type world2 struct {
	full    [2]bool
	watched bool
	seq     int
	memory  int // the seq under which "no headroom" was remembered; 0 = never
	everAll bool

	search struct {
		step, seq, tries int
		fits             bool
		end              searchEnd
	}
	caller struct {
		move, step int
		watched    bool
	}
}

type searchEnd int

const (
	searching searchEnd = iota
	admitted
	refused
	contended
)

// searchStep does the next step of the search.
func (w *world2) searchStep(o order) {
	s := &w.search
	watch := func() { w.watched = true }
	read := func() { s.seq = w.seq }
	recall := func() {
		if w.memory == s.seq {
			s.step = 99 // the block is passed over
		}
	}
	look := func(i int) func() {
		return func() {
			if !w.full[i] {
				s.end = admitted
			}
		}
	}
	again := func(i int) func() { return func() { s.fits = s.fits || !w.full[i] } }
	remember := func() {
		switch {
		case s.fits:
		case o.rememberedLate:
			w.memory = w.seq
		default:
			w.memory = s.seq
		}
	}
	steps := []func(){watch, func() { read(); recall() }, look(0), look(1)}
	switch {
	case o.seqBeforeWatched:
		steps = []func(){read, func() { watch(); recall() }, look(0), look(1)}
	case o.lookFirst:
		steps = []func(){look(0), watch, func() { read(); recall() }, look(1)}
	}
	if !o.noSecondLook {
		steps = append(steps, again(0), again(1))
	}
	steps = append(steps, remember)
	if s.step < len(steps) {
		do := steps[s.step]
		s.step++
		do()
		return
	}
	switch {
	case !s.fits && (o.noComparison || w.seq == s.seq):
		s.end = refused
	case s.tries == 1:
		s.end = contended
	default:
		s.tries, s.step, s.fits = s.tries+1, 0, false
	}
}

// A move frees a cell or takes it.
type move struct {
	cell int
	take bool
}

// callerStep does the next step of the caller.
func (w *world2) callerStep(o order, moves []move) {
	c := &w.caller
	m := moves[c.move]
	if m.take {
		w.full[m.cell] = true
		c.move++
		return
	}
	free := func() { w.full[m.cell] = false }
	read := func() { c.watched = w.watched }
	count := func() {
		if c.watched {
			w.seq++
		}
	}
	steps := [3]func(){free, read, count}
	switch {
	case o.watchedReadFirst:
		steps = [3]func(){read, free, count}
	case o.seqMovedFirst:
		steps = [3]func(){read, count, free}
	}
	steps[c.step]()
	if c.step++; c.step == len(steps) {
		c.step, c.move = 0, c.move+1
	}
}

// faulty is what an exploration found.
type faulty struct {
	states        int
	wrongRefusals int // refused although at no instant of the search both cells were full
	staleMemories int // at rest a new search does not find the headroom there is
}

// explore plays every interleaving from w on.
func explore(w world2, o order, moves []move, seen map[world2]bool, f *faulty) {
	if seen[w] {
		return
	}
	seen[w] = true
	f.states++
	over := w.search.end != searching
	if over && w.caller.move == len(moves) {
		if w.search.end == refused && !w.everAll {
			f.wrongRefusals++
		}
		if w.full[0] && w.full[1] {
			return
		}
		later := w
		later.search = world2{}.search
		for later.search.end == searching {
			later.searchStep(order{})
		}
		if later.search.end != admitted {
			f.staleMemories++
		}
		return
	}
	if !over {
		n := w
		n.everAll = n.everAll || n.full[0] && n.full[1]
		n.searchStep(o)
		explore(n, o, moves, seen, f)
	}
	if w.caller.move < len(moves) {
		n := w
		n.callerStep(o, moves)
		began := n.search.step != 0 || n.search.tries != 0
		n.everAll = n.everAll || began && !over && n.full[0] && n.full[1]
		explore(n, o, moves, seen, f)
	}
}

// TestEveryInterleavingOfARefusal plays all interleavings of a search that may
// refuse with a caller that moves its lease, and shows which orders of the
// protocol carry weight: each one that does breaks the model when it is changed.
func TestEveryInterleavingOfARefusal(t *testing.T) {
	free := func(c int) move { return move{cell: c} }
	take := func(c int) move { return move{cell: c, take: true} }
	histories := []struct {
		full  [2]bool
		moves []move
	}{
		{[2]bool{true, true}, []move{free(0)}},
		{[2]bool{true, false}, []move{free(0), take(1), free(1), take(0), free(0), take(1)}},
	}
	for _, c := range []struct {
		name         string
		order        order
		wrong, stale bool
	}{
		{name: "as it is"},
		{name: "seq is read before watched is set", order: order{seqBeforeWatched: true}},
		{name: "a cell is looked at before watched is set", order: order{lookFirst: true}},
		{name: "the first pass is believed", order: order{noSecondLook: true}},
		{name: "no comparison of seq", order: order{noComparison: true}, wrong: true},
		{name: "neither a second look nor a comparison", order: order{noSecondLook: true, noComparison: true}, wrong: true},
		{name: "watched is read before the cell is freed", order: order{watchedReadFirst: true}, stale: true},
		{name: "seq moves before the cell is freed", order: order{seqMovedFirst: true}, stale: true},
		{name: "headroom is remembered under the last seq", order: order{rememberedLate: true}, wrong: true, stale: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f faulty
			for _, h := range histories {
				explore(world2{full: h.full, seq: 1}, c.order, h.moves, map[world2]bool{}, &f)
			}
			require.Greater(t, f.states, 100)
			require.Equal(t, c.wrong, f.wrongRefusals != 0, "wrong refusals: %d", f.wrongRefusals)
			require.Equal(t, c.stale, f.staleMemories != 0, "stale memories: %d", f.staleMemories)
		})
	}
}
