package counter

import "sync/atomic"

// troughs are the lowest levels of a bucket over time: the least level (usage) before a charge,
// in slots of about 2 s for the last half minute and of about 34 s for the last nine minutes.
//
// They bound how much of an older charge may still be given back. If that charge had
// been smaller by n, the level would have been lower by n ever since, unless it
// would have reached zero, as a full bucket does not refill. So no more may be
// given back than the least level since the charge.
//
// Return lowers the level itself. The least level after a Return is kept in slots of its own,
// because the level before a charge says nothing about the time after it.
type troughs struct {
	fine, coarse trough
	returned     atomic.Int64 // the latest instant of a Return, in units
}

// trough is two rings of slots: levels before charges, and levels after Returns.
type trough struct{ charges, returns levels }

// levels is a ring. A word is [slot:20][level:44], the level in a bucket's units. If the word
// of a slot has another slot's number, nothing was noted in the slot.
type levels [troughSlots]atomic.Uint64

const (
	troughSlots = 16
	fineShift   = 35 // a slot is 2^35 units, 2^31 ns
	coarseShift = 39 // a slot is 2^39 units, 2^35 ns
	troughLevel = uint64(1)<<44 - 1
)

func troughWord(slot, level int64) uint64 {
	return uint64(slot)<<44 | min(uint64(level), troughLevel)
}

// note records the level before a charge at an instant, both in units.
func (t *troughs) note(at, level int64) {
	t.fine.charges.note(at>>fineShift, level)
	t.coarse.charges.note(at>>coarseShift, level)
}

// noteReturn records the level after a Return at an instant, both in units.
func (t *troughs) noteReturn(at, level int64) {
	for o := t.returned.Load(); o < at && !t.returned.CompareAndSwap(o, at); {
		o = t.returned.Load()
	}
	t.fine.returns.note(at>>fineShift, level)
	t.coarse.returns.note(at>>coarseShift, level)
}

func (r *levels) note(slot, level int64) {
	w := &r[slot&(troughSlots-1)]
	for to := troughWord(slot, level); ; {
		o := w.Load()
		if (o^to)>>44 == 0 && o <= to || w.CompareAndSwap(o, to) {
			return
		}
	}
}

// level returns the level of a slot, or most if the slot has none.
func (r *levels) level(slot, most int64) int64 {
	w := r[slot&(troughSlots-1)].Load()
	if (w^troughWord(slot, 0))>>44 != 0 {
		return most
	}
	return int64(w & troughLevel)
}

// lower lowers the level of a slot by n. For n = 0 it swaps nothing, as a swap takes longer than all
// else here.
func (r *levels) lower(slot, n int64) {
	for w := &r[slot&(troughSlots-1)]; n != 0; {
		o := w.Load()
		if (o^troughWord(slot, 0))>>44 != 0 || w.CompareAndSwap(o, troughWord(slot, max(int64(o&troughLevel)-n, 0))) {
			return
		}
	}
}

// after returns the least that the level was from an instant to the end of its slot, if it was
// at least own at that instant. Returned says that a Return may have followed the instant.
func (r *trough) after(shift uint, from, to, own int64, returned bool) int64 {
	slot := from >> shift
	if returned {
		own = min(own, r.returns.level(slot, own))
	}
	return own - (min(to, (slot+1)<<shift) - from)
}

// least returns the lower of most and the least level from one instant to another. The slot of
// the first instant may have charges from before it. Own is the least that the level was at
// that instant, and bounds the level of that slot from below.
func (r *trough) least(shift uint, from, to, own, most int64, returned bool) int64 {
	first := from >> shift
	for slot := first; slot <= to>>shift; slot++ {
		level := r.charges.level(slot, most)
		if slot == first {
			level = max(level, r.after(shift, from, to, own, returned))
		}
		most = min(most, level)
	}
	return most
}

// lower lowers the levels between two instants by what has been given back. Left is what is
// left of a charge at the first instant, whose slot has the level before that charge: that one
// stays. A negative left means that nothing was charged at that instant.
func (r *trough) lower(shift uint, from, to, by, left int64, returned bool) {
	first, last := from>>shift, to>>shift
	for slot := max(first, last-troughSlots+1); slot <= last; slot++ {
		if returned {
			r.returns.lower(slot, by)
		}
		n := by
		if slot == first && left >= 0 {
			level := r.charges.level(slot, 0)
			n = min(by, max(level-r.after(shift, from, to, level+left, returned), 0))
		}
		r.charges.lower(slot, n)
	}
}

// refund returns how much of want may be given back at instant to of a charge at from. The
// caller must give back the result.
func (t *troughs) refund(from, to, charged, want int64) int64 {
	got := t.claim(from, to, charged, want)
	t.lower(from, to, got, charged-got)
	return got
}

// correct is refund for the level at an instant, whichever lease charged it.
func (t *troughs) correct(from, to, want int64) int64 {
	got := t.claim(from, to, want, want)
	t.lower(from, to, got, -1)
	return got
}

func (t *troughs) lower(from, to, by, left int64) {
	from, returned := min(from, to), t.returned.Load() >= from
	if by > 0 && (returned || to-from > left || to>>fineShift != from>>fineShift) { // else no slot changes
		t.fine.lower(fineShift, from, to, by, left, returned)
		t.coarse.lower(coarseShift, from, to, by, left, returned)
	}
}

// claim returns how much of want may be given back at instant to of the level at from, which was
// at least own.
func (t *troughs) claim(from, to, own, want int64) int64 {
	from, returned := min(from, to), t.returned.Load() >= from
	switch {
	case to>>fineShift-from>>fineShift < troughSlots:
		want = t.fine.least(fineShift, from, to, own, want, returned)
	case to>>coarseShift-from>>coarseShift < troughSlots:
		want = t.coarse.least(coarseShift, from, to, own, want, returned)
	default:
		return 0
	}
	return max(want, 0)
}

// rescale multiplies the levels by from/to after a change of the bucket's limit, because the
// same amount takes another time to refill.
func (t *troughs) rescale(from, to int64) {
	for _, r := range [...]*levels{&t.fine.charges, &t.fine.returns, &t.coarse.charges, &t.coarse.returns} {
		for i := range r {
			for {
				o := r[i].Load()
				level := int64(0)
				if to != 0 {
					level = max(quotient(int64(o&troughLevel), from, to, int64(troughLevel))-1, 0) // below what is exact, by a unit at most
				}
				if r[i].CompareAndSwap(o, o&^troughLevel|uint64(level)) {
					break
				}
			}
		}
	}
}
