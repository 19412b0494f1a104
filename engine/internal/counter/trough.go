package counter

import (
	"math/bits"
	"sync/atomic"
)

// troughs are the lowest levels of a bucket over time: the least level (usage) before a charge,
// in slots of about 2 s for the last half minute and of about 34 s for the last nine minutes.
//
// They bound how much of an older charge may still be given back. If that charge had
// been smaller by n, the level would have been lower by n ever since, unless it
// would have reached zero, as a full bucket does not refill. So no more may be
// given back than the least level since the charge.
type troughs struct{ fine, coarse trough }

// trough is a ring of slots. A word is [slot:20][level:44], the level in a bucket's
// units. If the word of a slot has another slot's number, nothing was charged in the slot.
type trough [troughSlots]atomic.Uint64

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
	t.fine.note(at>>fineShift, level)
	t.coarse.note(at>>coarseShift, level)
}

func (r *trough) note(slot, level int64) {
	w := &r[slot&(troughSlots-1)]
	for to := troughWord(slot, level); ; {
		o := w.Load()
		if (o^to)>>44 == 0 && o <= to || w.CompareAndSwap(o, to) {
			return
		}
	}
}

// least returns the lower of most and the least level before the charges from one
// instant to another. The slot of the first instant may have charges from before it. Own is the
// least that the level was at that instant, and bounds the level of that slot from below.
func (r *trough) least(shift uint, from, to, own, most int64) int64 {
	first := from >> shift
	for slot := first; slot <= to>>shift; slot++ {
		w := r[slot&(troughSlots-1)].Load()
		if (w^troughWord(slot, 0))>>44 != 0 {
			continue
		}
		level := int64(w & troughLevel)
		if slot == first {
			level = max(level, own-(min(to, (slot+1)<<shift)-from))
		}
		most = min(most, level)
	}
	return most
}

// lower lowers the levels between two instants by what has been given back. Left is what is
// left of a charge at the first instant, whose slot has the level before that charge: after it,
// the level was at least that plus left, minus what refilled in the rest of the slot. A negative
// left means that nothing was charged at that instant.
func (r *trough) lower(shift uint, from, to, by, left int64) {
	first, last := from>>shift, to>>shift
	for slot := max(first, last-troughSlots+1); slot <= last; slot++ {
		n := by
		if slot == first && left >= 0 {
			n = min(by, max(min(to, (slot+1)<<shift)-from-left, 0))
		}
		w := &r[slot&(troughSlots-1)]
		for {
			o := w.Load()
			if (o^troughWord(slot, 0))>>44 != 0 || w.CompareAndSwap(o, troughWord(slot, max(int64(o&troughLevel)-n, 0))) {
				break
			}
		}
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
	if by > 0 {
		from = min(from, to)
		t.fine.lower(fineShift, from, to, by, left)
		t.coarse.lower(coarseShift, from, to, by, left)
	}
}

// claim returns how much of want may be given back at instant to of the level at from, which was
// at least own.
func (t *troughs) claim(from, to, own, want int64) int64 {
	from = min(from, to)
	switch {
	case to>>fineShift-from>>fineShift < troughSlots:
		want = t.fine.least(fineShift, from, to, own, want)
	case to>>coarseShift-from>>coarseShift < troughSlots:
		want = t.coarse.least(coarseShift, from, to, own, want)
	default:
		return 0
	}
	return max(want, 0)
}

// rescale multiplies the levels by from/to after a change of the bucket's limit, because the
// same amount takes another time to refill.
func (t *troughs) rescale(from, to int64) {
	for _, r := range [...]*trough{&t.fine, &t.coarse} {
		for i := range r {
			for {
				o := r[i].Load()
				level := troughLevel
				if hi, lo := bits.Mul64(o&troughLevel, uint64(from)); to == 0 {
					level = 0
				} else if hi < uint64(to) {
					level, _ = bits.Div64(hi, lo, uint64(to))
				}
				if r[i].CompareAndSwap(o, o&^troughLevel|min(level, troughLevel)) {
					break
				}
			}
		}
	}
}
