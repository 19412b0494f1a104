package engine

import (
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/window"
)

// reason orders what refuses a demand by how near it is to fitting.
type reason uint8

const (
	whyNothing reason = iota // no candidate
	whyDisabled
	whyCooling
	whyDayRequests
	whyDayTokens
	whyRequests
	whyInFlight
	whyInput
	whyOutput
	whyTokens
	whyInvalid // the demand itself
)

var reasonLimit = [...]Limit{
	LimitNone, LimitDisabled, LimitCooldown, LimitRPD, LimitTPD, LimitRPM, LimitInFlight, LimitInputTPM, LimitOutputTPM, LimitTPM, LimitNone,
}

// choice is a cell the search has settled on: its index, -1 for none and why,
// and what a charge may raise the block's bound to at which sequence (0: not).
type choice struct {
	i           int
	why         reason
	second, seq uint64
}

// choose returns the demand's favourite if it has room, else the strategy's
// choice among the cells that have, from the lowest tier that has any.
func (f *frame) choose(q *ask) choice {
	if q.filter != nil {
		q.filter.resolve(f)
	}
	c := choice{i: -1}
	for t := range f.tiers {
		t := &f.tiers[t]
		found := f.chooseIn(t, q)
		if found.i >= 0 {
			return found
		}
		c.why = max(c.why, found.why)
	}
	return c
}

func (f *frame) chooseIn(t *tier, q *ask) choice {
	if q.affinity != 0 {
		if i := f.favourite(t, q); i >= 0 && f.fits(i, q) {
			return choice{i: i}
		}
	}
	switch f.strategy {
	case PowerOfTwo:
		if i := f.better(t, q); i >= 0 {
			return choice{i: i}
		}
	case Weighted:
		if i := f.weighted(t, q); i >= 0 {
			return choice{i: i}
		}
	default:
		failing := f.failing.Load()
		if failing && !f.volatile && t.size() > indexFrom {
			break // bounds know no failures: look at the blocks
		}
		if f.further && (f.volatile || t.size() <= indexFrom) || failing {
			if i := f.scanFurther(t, q); i >= 0 {
				return choice{i: i}
			}
		} else if t.size() > indexFrom {
			if !q.tagged() && (q.prunes() || !t.tokenLimited && !f.ceiled.Load()) {
				if c := f.descend(t, q); c.i >= 0 {
					return c
				}
			}
		} else if i := f.scan(t, q); i >= 0 {
			return choice{i: i}
		}
	}
	if f.clock != nil && !q.fresh {
		q.refresh(f.clock) // a refusal must not rest on an old reading
	}
	return f.decide(t, q)
}

// scan finds the best cell of a small tier by the tokens that the demand names.
// If that one takes the whole demand, it is the best for it too; else -1.
func (f *frame) scan(t *tier, q *ask) int {
	k1, k2 := f.lowest(t.from, t.to, q.tokens)
	if k1 == noKey {
		return -1
	}
	i := t.from + int(k1&indexMask)
	if k1>>indexBits == k2>>indexBits {
		i = f.draw(t.first, t.last, q, k1>>indexBits, i)
	}
	if q.filter == nil && !q.learn && q.part == 0 || f.fits(i, q) && q.allows(f, i) {
		return i
	}
	return -1
}

const (
	tries      = 64 // of a decision that keeps seeing others half way
	triesQuick = 4  // of them without giving way
)

// decide looks at every block that may hold the best cell or any cell with
// room. It refuses only what its cells refuse at rest: when nothing was half way
// and no room came while it looked.
func (f *frame) decide(t *tier, q *ask) choice {
	var why reason
	for try := range tries {
		best, at, tied := noKey, -1, false
		why = whyNothing
		var before, after uint64
		sure := true
		for b := t.first; b < t.last; b++ {
			bl := &f.blocks[b]
			seq := bl.watch()
			before += seq
			if !f.volatile && bl.refuses(q.tokens, seq) {
				why = max(why, reason(bl.why.Load()))
				continue
			}
			if at >= 0 && bl.bound.Load() > best && f.prunes(q) {
				continue
			}
			if t.size() > indexFrom && q.tagged() && f.prunes(q) && f.worse(b, seq, best) && at >= 0 {
				continue
			}
			mask := q.mask(f, b)
			k1, k2 := f.lowestOf(b, q, mask)
			if k1 == noKey {
				if at < 0 {
					w, ok := f.refuse(b, q, mask, seq)
					why, sure = max(why, w), sure && ok
				}
				continue
			}
			switch k := k1 >> indexBits; {
			case k < best:
				best, at, tied = k, int(f.starts[b])+int(k1&indexMask), k2>>indexBits == k
			case k == best:
				tied = true
			}
		}
		if at >= 0 {
			if tied {
				at = f.draw(t.first, t.last, q, best, at)
			}
			return choice{i: at}
		}
		invariants.Yield()
		for b := t.first; b < t.last; b++ {
			after += f.blocks[b].seq.Load()
		}
		if sure && before == after {
			return choice{i: -1, why: why}
		}
		if try >= triesQuick {
			runtime.Gosched()
		}
	}
	f.e.contended.Add(1)
	return choice{i: -1, why: why}
}

// worse puts a block's bound right and reports whether all of its cells rank
// behind best.
func (f *frame) worse(b int, seq, best uint64) bool {
	bl := &f.blocks[b]
	bound := bl.bound.Load()
	k, _ := f.lowestUsable(b)
	bl.raise(bound, k>>indexBits, seq)
	return k>>indexBits > best
}

// refuse looks once more at a block in which nothing was found, remembers the
// room it has, and reports what stands in the way. False: an attempt was half
// way, or the demand fits after all.
func (f *frame) refuse(b int, q *ask, mask uint16, seq uint64) (why reason, sure bool) {
	from, to := f.block(b)
	most, all, pending := int64(-1), whyNothing, false
	sure = true
	for i := from; i < to; i++ {
		invariants.Yield()
		room, w, half := f.room(i, 0)
		most, all, pending = max(most, room), max(all, w), pending || half
		if mask>>(i-from)&1 != 0 {
			if q.part != 0 {
				room, w, half = f.room(i, q.part)
			}
			fits := room >= q.amountsOn(f.handles[i], f.metersOf(i))[dimTokens]
			if fits && f.meters != nil {
				s, unsure := f.short(i, q)
				if s != whyNothing {
					fits, w, half = false, s, unsure
				}
			}
			why = max(why, w)
			sure = sure && !half && !fits
		}
	}
	invariants.Yield()
	if !pending {
		f.blocks[b].remember(most, all, seq)
	}
	return why, sure
}

// room returns the most tokens a request can take in a cell, -1 if it takes no
// request at all, with what stands in the way of a larger one, and whether an
// attempt was half way that may have to give back what it took. All this is
// within a part of the caps.
func (f *frame) room(i int, p window.Part) (room int64, why reason, pending bool) {
	p = f.partOf(i, p)
	r := f.cells[i].RoomIn(p)
	gate, _ := f.cells[i].Caps()
	switch {
	case gate < 0:
		if why = whyCooling; gate != window.CapCooling {
			why = whyDisabled
		}
		return -1, why, false
	case r.Full && f.handles[i].half.Load():
		return -1, whyCooling, false
	case r.Full:
		return -1, whyRequests, false
	}
	unsure := r.Half != 0 && (!r.Ample || f.handles[i].e.shared())
	if f.further {
		return f.roomFurther(i, p, r, unsure)
	}
	return max(r.Tokens, -1), whyTokens, unsure
}

// roomFurther is room by the limits that the cell does not know.
func (f *frame) roomFurther(i int, p window.Part, r window.Room, unsure bool) (room int64, why reason, pending bool) {
	room, why = r.Tokens, whyTokens
	if ms := f.metersOf(i); ms != nil {
		ended := f.cells[i].Ended()
		most, w, sure := ms.room(p)
		half, ample := f.cells[i].Since(ended)
		if most < room {
			room, why = most, w
			unsure = half != 0 && !(sure && ample && !f.handles[i].e.shared())
		} else {
			unsure = unsure || half != 0 // a meter may undo them
		}
	}
	if room < 0 {
		return -1, why, unsure
	}
	if f.limited {
		fl := &f.handles[i].flight
		live, most := fl.live.Load(), p.Of(fl.cap.Load())
		if live >= most {
			return -1, whyInFlight, unsure
		}
		unsure = unsure || r.Half != 0 && live+r.Half > most
	}
	return room, why, unsure
}

// short returns which of a cell's meters keeps a demand from fitting, and
// whether an attempt was half way that may change it.
func (f *frame) short(i int, q *ask) (why reason, pending bool) {
	ms := f.metersOf(i)
	if ms == nil {
		return whyNothing, false
	}
	a := q.amountsOn(f.handles[i], ms)
	ended, attempts := f.cells[i].Ended(), ms.pool.attempts()
	why, sure := ms.short(q.part, q.at.now, &a, true)
	half, ample := f.cells[i].Since(ended)
	return why, half != 0 && !(sure && ample && !f.e.shared()) || ms.pool.halfWay(attempts) && !(sure && !f.e.shared())
}

// admits says what stands in the way of counting one request in a cell, tokens
// that must fit beside it included, and whether an attempt was half way that may
// change it. Nothing: whyNothing. All this is within a part of the caps.
func admits(c *window.Cell, p window.Part, tokens int64) (why reason, pending bool) {
	if gate, _ := c.Caps(); gate < 0 {
		if gate == window.CapCooling {
			return whyCooling, false
		}
		return whyDisabled, false
	}
	if tokens == 0 {
		return whyNothing, false
	}
	switch r := c.RoomIn(p); {
	case r.Full:
		return whyRequests, false
	case r.Tokens < tokens:
		return whyTokens, r.Half != 0
	}
	return whyNothing, false
}
