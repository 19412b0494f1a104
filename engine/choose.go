package engine

import (
	"cmp"
	"runtime"

	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// choose returns, in the lowest tier in which the demand fits on some deployment, the one that
// its affinity prefers if it fits there, else the strategy's choice. It refuses only if no seq of
// any tier has changed since that tier was searched, because headroom may move from one tier to
// another (protocol 3). Otherwise it tries again.
func (v *view) choose(q *query) (c choice) {
	if q.filter != nil {
		q.filter.resolve(v)
	}
	for range tries {
		c = choice{i: -1}
		for t := range v.tiers {
			found := v.chooseIn(&v.tiers[t], q)
			if found.i >= 0 {
				return found
			}
			c.why, c.seq = max(c.why, found.why), c.seq+found.seq
		}
		if len(v.tiers) < 2 || order.Moves(v.blocks[q.at.Epoch&1]) == c.seq {
			return c
		}
	}
	v.e.contended.Add(1)
	return c
}

// chooseIn is choose for one tier. It searches by the strategy first; only searchExhaustive refuses.
func (v *view) chooseIn(t *tier, q *query) choice {
	if q.affinity != 0 {
		if i := v.preferred(t, q); i >= 0 && v.fits(i, q) {
			return choice{i: i}
		}
	}
	switch v.by.draw {
	case twoChoices:
		if i := v.pickPowerOfTwo(t, q); i >= 0 {
			return choice{i: i}
		}
	case anyWeight:
		if i := v.weighted(t, q); i >= 0 {
			return choice{i: i}
		}
	default:
		switch large := t.size() > order.IndexFrom; {
		case large && !v.timeDependent && v.failing.Load(): // bounds do not contain failure rates: searchExhaustive scans the blocks
		case !large || v.timeDependent:
			if i := v.scan(t, q); i >= 0 {
				return choice{i: i}
			}
		case !q.indexMissed && !q.tagged() && (q.prunes() || !t.tokenLimited && !v.ceiled[q.at.Epoch&1].Load()):
			if c := v.searchIndexed(t, q); c.i >= 0 {
				return c
			}
		}
	}
	if v.timed && !q.fresh {
		q.refresh(v.e.clock) // a refusal must rest on a fresh reading of the clock
	}
	return v.searchExhaustive(t, q)
}

// searchExhaustive scans every block that may have the best deployment, and every block on which the
// demand may fit at all. It refuses only if no attempt was half way (protocol 4) and the sum of
// all seq is the same before and after the scan (protocol 3). Otherwise it tries again. The choice
// of a refusal has that sum.
func (v *view) searchExhaustive(t *tier, q *query) choice {
	var why reason
	blocks, lasts := v.blocks[q.at.Epoch&1][:t.last], !v.timeDependent
	refreshes := t.size() > order.IndexFrom && q.tagged() && v.prunes(q)
	for try := range tries {
		best, at, tied, sure := order.NoKey, -1, false, true
		why = whyNothing
		before := uint64(0)
		for b := t.first; b < t.last; b++ {
			if lasts && at < 0 {
				n, moves, w := order.Refusing(blocks[b:], q.tokens)
				b, before, why = b+n, before+moves, max(why, reason(w))
				if b == t.last {
					break
				}
			}
			bl := &blocks[b]
			seq := bl.Watch()
			before += seq
			if at >= 0 && bl.Least() > best && v.prunes(q) || refreshes && v.refreshBound(b, q, seq, best) && at >= 0 {
				continue
			}
			mask := q.mask(v, b)
			k1, k2 := v.lowestOf(b, q, mask)
			if k1 == order.NoKey {
				if at < 0 {
					w, ok := v.refuse(b, q, mask, seq)
					why, sure = max(why, w), sure && ok
				}
				continue
			}
			switch k := k1 >> order.IndexBits; {
			case k < best:
				best, at, tied = k, int(v.starts[b])+int(k1&order.IndexMask), k2>>order.IndexBits == k
			case k == best:
				tied = true
			}
		}
		if at >= 0 {
			if tied {
				at = v.drawEqual(t.first, t.last, q, best, at)
			}
			return choice{i: at}
		}
		invariants.Yield()
		if sure && before == order.Moves(blocks[t.first:]) {
			return choice{i: -1, why: why, seq: before}
		}
		if try >= triesQuick {
			runtime.Gosched()
		}
	}
	v.e.contended.Add(1)
	return choice{i: -1, why: why}
}

// moves returns the sum of the sequence numbers of all blocks.
func (v *view) moves() uint64 { return order.Moves(v.blocks[0]) + order.Moves(v.blocks[1]) }

// refreshBound sets a block's bound to its lowest key, and reports whether all of its
// deployments rank behind best.
func (v *view) refreshBound(b int, q *query, seq, best uint64) bool {
	bl := &v.blocks[q.at.Epoch&1][b]
	bound := bl.Least()
	k, _ := v.lowestUsable(b, q)
	bl.Raise(bound, k>>order.IndexBits, seq)
	return k>>order.IndexBits > best
}

// refuse asks for the verdict of each deployment of a block on which the demand did not fit,
// remembers the block's headroom, and returns the reason of the refusal. False: an attempt was
// half way (protocol 4), or the demand fits after all.
func (v *view) refuse(b int, q *query, mask uint16, seq uint64) (why reason, sure bool) {
	invariants.Yield()
	from, to := v.block(b)
	most, all, unsure := int64(-1), whyNothing, false
	sure = true
	for i := from; i < to; i++ {
		invariants.Look()
		a := q.amountsOn(v.handles[i], v.limitsOf(i))
		t := trial{h: v.handles[i], limits: v.limitsOf(i), at: q.at, amounts: a, leases: true}
		is := t.verdict()
		most, all, unsure = max(most, is.headroom), max(all, is.bound), unsure || is.unsure
		if mask>>(i-from)&1 == 0 {
			continue
		}
		if t.part = q.part; q.part != 0 {
			is = t.verdict()
		}
		why = max(why, cmp.Or(is.refusal, is.bound))
		sure = sure && !is.pending && !is.fits()
	}
	if !unsure {
		v.blocks[q.at.Epoch&1][b].Remember(most, uint32(all), seq)
	}
	return why, sure
}
