package model

import "testing"

const (
	threads = 2
	limT    = 3 // token limit
	limR    = 1 // request limit
)

type word struct{ gen, tag, val int8 }

type half struct {
	win  int8
	t, r word
}

// actor is one attempt and what becomes of its lease.
type actor struct {
	pc, e   int8
	n, used int8 // tokens asked, and used by the call
	release bool
	seen    word // as loaded
	at      int8 // within a load, look at the window, swap
	now     int8
	ok      bool
	refused bool
}

type state struct {
	h                   [2]half
	epoch               int8
	a                   [threads]actor
	roller, turns, jump int8
	folding             int8
	cap                 [2]int8 // tokens
	pastT, pastR        int8
	strayT, strayR      int8
	ended, began        [8]int8 // by window; began of folded windows
}

func start(e int8) (s state) {
	s.epoch = e
	for w := e - 1; w <= e; w++ {
		s.h[w&1] = half{win: w}
	}
	s.cap = [2]int8{limT, limT}
	return
}

const (
	more   = iota // to do
	passed        // the window has passed
	swapped
)

// swap is one of the three operations that change a word: load it, look at the
// window beside it, swap. No means that what was loaded is not to be changed.
func (a *actor) swap(h *half, w *word, e int8, change func(w *word) (yes bool)) (now int, yes bool) {
	switch a.at {
	case 0:
		a.seen, a.at = *w, 1
		return more, false
	case 1:
		if h.win != e {
			a.at = 0
			return passed, false
		}
		a.at = 2
		return more, false
	}
	a.at = 0
	to := a.seen
	if !change(&to) {
		return swapped, false
	}
	if *w != a.seen {
		return more, false // again
	}
	*w = to
	return swapped, true
}

// step makes one atomic operation of an actor. False: it has ended.
func (s *state) step(k int) bool {
	a := &s.a[k]
	h := &s.h[a.e&1]
	switch a.pc {
	case 0: // read the minute
		a.e = s.epoch
		a.pc = 1
	case 1: // load the tokens
		a.seen, a.pc = h.t, 2
	case 2: // look at the window
		if h.win != a.e {
			if s.epoch == a.e && s.roller != 0 {
				return false // wait for the turn
			}
			a.pc = 0
			return true
		}
		a.pc = 3
	case 3: // look at the cap, and at the requests
		if a.seen.val+a.n > s.cap[a.e&1] || h.r.val >= limR {
			a.refused, a.pc = true, 20
			return true
		}
		a.pc = 4
	case 4: // swap
		if h.t != a.seen {
			a.pc = 1
			return true
		}
		h.t.val += a.n
		h.t.tag = (h.t.tag + 1) & 3
		a.pc = 5
	case 5: // the request
		switch now, yes := a.swap(h, &h.r, a.e, func(w *word) bool {
			if w.val >= limR {
				return false
			}
			w.val++
			w.tag++
			return true
		}); {
		case now == passed || now == swapped && !yes:
			a.pc = 6
		case now == swapped:
			a.ok, a.pc = true, 10
		}
	case 6: // undo: the tokens
		switch now, _ := a.swap(h, &h.t, a.e, func(w *word) bool { w.val -= a.n; return true }); now {
		case passed:
			s.strayT -= a.n
			a.pc = 7
		case swapped:
			a.pc = 7
		}
	case 7: // end the attempt
		switch now, _ := a.swap(h, &h.r, a.e, func(w *word) bool { w.tag++; return true }); now {
		case passed:
			a.pc = 20
		case swapped:
			a.pc = 8
		}
	case 8:
		s.ended[a.e]++
		a.pc = 20
	case 10: // the call ends: read the minute
		a.now, a.pc = s.epoch, 11
	case 11:
		d := a.used - a.n
		if a.release {
			d = -a.n
		}
		now := passed
		if d == 0 {
			a.pc = 13
			return true
		}
		if a.e >= a.now-1 {
			now, _ = a.swap(h, &h.t, a.e, func(w *word) bool { w.val += d; return true })
		}
		switch {
		case now == swapped:
			a.pc = 13
		case now == passed && d < 0:
			s.strayT += d
			a.pc = 13
		case now == passed:
			a.pc = 12
		}
	case 12: // more than reserved, too late: to the published minute
		if a.at == 0 {
			a.now = s.epoch
		}
		g := &s.h[a.now&1]
		switch now, _ := a.swap(g, &g.t, a.now, func(w *word) bool { w.val += a.used - a.n; return true }); now {
		case swapped:
			a.pc = 13
		case passed:
			return s.roller == 0 || s.epoch != a.now // wait for the turn
		}
	case 13:
		if !a.release {
			a.pc = 14
			return true
		}
		now := passed
		if a.e >= a.now-1 {
			now, _ = a.swap(h, &h.r, a.e, func(w *word) bool { w.val--; return true })
		}
		switch now {
		case passed:
			s.strayR--
			a.pc = 14
		case swapped:
			a.pc = 14
		}
	case 14:
		s.ended[a.e]++
		a.pc = 20
	default:
		return false
	}
	return true
}

// turn makes one step of the roller: open what is two behind, of no window until its
// words are new, then publish.
func (s *state) turn() bool {
	if s.turns == 0 {
		return false
	}
	to := s.epoch + s.jump
	w := to - s.roller/4
	h := &s.h[w&1]
	switch s.roller {
	case 0, 4: // of the half for to; of a jump, for to-1 too
		if h.win == w {
			s.roller += 4
			break
		}
		s.folding = h.win
		h.win = w&1 - 2 // of none
		s.roller++
	case 1, 5:
		s.pastT += h.t.val
		h.t = word{gen: h.t.gen + 1}
		s.roller++
	case 2, 6:
		s.pastR += h.r.val
		s.began[s.folding] = h.r.tag
		h.r = word{gen: h.r.gen + 1}
		s.roller++
	case 3, 7:
		h.win = w
		s.roller++
	case 8:
		s.epoch = to
		s.turns--
		s.roller = 0
	}
	return true
}

func explore(t *testing.T, s state, check func(s *state) string) int {
	seen := map[state]bool{s: true}
	list := []state{s}
	for len(list) > 0 {
		s := list[len(list)-1]
		list = list[:len(list)-1]
		moved := false
		try := func(f func(n *state) bool) {
			n := s
			if f(&n) && n != s {
				moved = true
				if !seen[n] {
					seen[n] = true
					list = append(list, n)
				}
			}
		}
		for k := range s.a {
			if s.a[k].n != 0 {
				try(func(n *state) bool { return n.step(k) })
			}
		}
		try((*state).turn)
		over := int8(0) // what settles may have added beyond reservations
		for k := range s.a {
			if !s.a[k].release {
				over += max(s.a[k].used-s.a[k].n, 0)
			}
		}
		for p := range s.h {
			if s.h[p].r.val > limR || s.h[p].t.val > limT+over || s.h[p].t.val < 0 || s.h[p].r.val < 0 {
				t.Fatalf("over the limit, or below nothing: %+v", s)
			}
		}
		if !moved {
			if m := check(&s); m != "" {
				t.Fatalf("%s: %+v", m, s)
			}
		}
	}
	return len(seen)
}

func done(s *state) string {
	var wantT, wantR, held int8
	for k := range s.a {
		a := &s.a[k]
		if a.n == 0 {
			continue
		}
		if a.pc != 20 {
			return "stuck"
		}
		if a.ok && !a.release {
			wantT += a.used
			wantR++
		}
	}
	sumT, sumR := s.pastT+s.strayT, s.pastR+s.strayR
	for p := range s.h {
		sumT += s.h[p].t.val
		sumR += s.h[p].r.val
		s.began[s.h[p].win] = s.h[p].r.tag
		if s.h[p].t.tag&3 != s.h[p].r.tag&3 {
			return "an attempt is half way"
		}
	}
	for w := range s.began {
		held += s.began[w] - s.ended[w]
		if s.began[w] != s.ended[w] {
			return "leases held"
		}
	}
	switch {
	case sumT != wantT:
		return "tokens lost or doubled"
	case sumR != wantR:
		return "requests lost or doubled"
	case held != 0:
		return "held"
	}
	return ""
}

func TestModel(t *testing.T) {
	total, runs := 0, 0
	for turns := range int8(4) {
		for jump := int8(1); jump <= 3; jump++ {
			if turns*jump > 6 || turns == 0 && jump > 1 {
				continue
			}
			for _, c := range [][threads]actor{
				{{n: 1, used: 1}, {n: 1, used: 2}},
				{{n: 2, used: 1}, {n: 2, used: 3}},
				{{n: 2, used: 2, release: true}, {n: 2, used: 2}},
				{{n: 3, used: 1}, {n: 3, release: true}},
				{{n: 1, used: 3}, {n: 1, release: true}},
				{{n: 1, used: 2, release: true}, {n: 1, release: true}},
			} {
				s := start(1)
				s.turns, s.jump, s.a = turns, jump, c
				total += explore(t, s, done)
				runs++
			}
		}
	}
	t.Logf("%d runs, %d states", runs, total)
}
