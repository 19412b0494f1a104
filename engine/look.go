package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// moment is an instant, split by the length of the windows it was last asked for:
// a division costs more than the rest of a look.
type moment struct {
	now                 int64
	length, index, into int64 // of windows without a phase: which, and how far into it
}

// window returns the index of a meter's window, as meter.window does.
func (t *moment) window(m *meter) int64 {
	if m.length != t.length {
		t.length, t.index = m.length, t.now/m.length
		t.into = t.now - t.index*t.length
	}
	return t.index - m.turns + (t.into-m.rest)>>63
}

// moment returns the current instant, if some meter needs one.
func (l *layout) moment() moment {
	if l.clock == nil {
		return moment{}
	}
	return moment{now: l.clock.Now()}
}

// look returns a cell's ranking key and, in the sign of short, whether a request
// of these amounts does not fit (negative). It is the one place where the limits
// of a deployment become a rank.
func (f *frame) look(i int, at *moment, a *amounts) (key uint64, short int64) {
	l := f.layout
	inv := &l.inverses[i]
	tokens, requests, short := f.cells[i].LookBoth(a[dimTokens])
	most := uint64(0)
	if inv.tokens|inv.requests != 0 { // else meters have these limits
		most = max(ratio(uint64(tokens), inv.tokens), ratio(uint64(requests), inv.requests))
	}
	if l.meters != nil && l.meters[i] != nil {
		list := l.meters[i].list
		for k := range list {
			m := &list[k]
			var used, s int64
			switch n := a[m.dim%dims]; {
			case m.b != nil && n <= window.Few:
				used = m.b.Level(at.now)
				s = m.b.ShortFew(used, n)
			case m.b != nil:
				used, s = m.b.Look(at.now, n)
			case m.length != 0:
				used, s = m.c.LookAt(at.window(m), n)
			case m.byDay:
				used, s = m.c.LookAt(m.window(0, at.now), n)
			default:
				used, s = m.c.Look(n)
			}
			most, short = max(most, ratio(uint64(used), m.inverse)), short|s
		}
	}
	if l.limited {
		fl := &f.handles[i].flight
		live := fl.live.Load()
		most, short = max(most, ratio(uint64(max(live, 0)), inv.inFlight)), short|(fl.cap.Load()-1-live)
	}
	if l.strategy == LowestTPM {
		return f.failedTokens(i, uint64(tokens)), short
	}
	if l.lapses {
		most = f.lapsed(i, at, min(most, ratioMax))
	}
	return rank(f.failed(i, most), uint64(tokens)), short
}

// least returns what a demand counts at least on any deployment; exact says that
// it counts just that on all of them.
func (f *frame) least(q *ask) (a amounts, exact bool) {
	exact = !q.learn && q.part == 0
	switch {
	case !f.rated || q.known:
		return q.amounts(q.tokens), exact
	case f.rates != nil:
		return f.rates.admitted(q.input, q.tokens-q.input, q.limit), exact
	}
	return amounts{dimRequests: 1}, false
}

// scanFurther is scan where there are limits that cells do not know, over any
// number of cells: it looks at each once, by the least that the demand may count.
func (f *frame) scanFurther(t *tier, q *ask) int {
	a, exact := f.least(q)
	d := draw{e: f.e, key: noKey, at: -1}
	for b := t.first; b < t.last; b++ {
		from, to := f.block(b)
		mask := q.mask(f, b)
		var keys [blockSize]uint64
		k1, k2 := noKey, noKey
		for i := from; i < to; i++ {
			j := (i - from) & (blockSize - 1)
			invariants.Yield()
			k, short := f.look(i, &q.at, &a)
			k |= uint64(short>>63) | (uint64(mask>>j&1) - 1)
			keys[j] = k
			k2 = min(k2, max(k1, k))
			k1 = min(k1, k)
		}
		if k1 <= d.key && k1 != noKey {
			d.block(from, keys[:to-from], k1, k1 == k2)
		}
	}
	if d.at >= 0 && (exact || f.fits(d.at, q)) {
		return d.at
	}
	return -1
}

// draw draws uniformly among the cells with the least key, while blocks are
// looked at one after the other.
type draw struct {
	e     *Engine
	key   uint64
	at    int // -1: none yet
	r     uint64
	drawn bool
}

// block takes in a block whose least key is k, which none so far is less than;
// tied says that several of its cells have it.
func (d *draw) block(from int, keys []uint64, k uint64, tied bool) {
	if k == d.key {
		tied = true
	} else {
		d.key, d.at = k, -1
	}
	if tied && !d.drawn {
		d.r, d.drawn = d.e.random(), true
	}
	best := noKey
	if d.at >= 0 {
		best = mix(d.r, d.at)<<32 | uint64(d.at)
	}
	for j, o := range keys {
		if o == k {
			best = min(best, mix(d.r, from+j)<<32|uint64(from+j))
		}
	}
	d.at = int(best & (1<<32 - 1))
}
