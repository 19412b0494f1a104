package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// charge admits a demand to the candidate that the search has chosen (protocol 4). It takes the
// tokens, which begins an attempt, then charges the other limits, then takes the
// request, which ends the attempt. If a step fails, the steps before it are undone in reverse.
// Refused: the deployment has no headroom, or none any more. Moved: the minute has passed.
// The admission is filled in first, as in acquireBest.
func (v *view) charge(to *admission, c choice, q *query) counter.Outcome {
	h, pair, e := v.handles[c.i], v.pairs[q.at.Epoch&1][c.i], q.at.Epoch
	if ms := v.limitsOf(c.i); ms != nil {
		return v.chargeLimits(to, c, q, ms)
	}
	cost, part := q.cost(h), h.partNow(pair, q.part)
	to.h, to.begun, to.reserved, to.input = h, instantIn(e, q.now), cost, q.input
	o := pair.TakeTokens(part, e, cost)
	if o == counter.Taken {
		invariants.Yield()
		if o = pair.TakeRequest(part, e); o == counter.Taken {
			if c.seq != 0 {
				v.raiseAfter(c, q)
			}
			return o
		}
		h.undo(e, cost)
	}
	*to = admission{}
	return o
}

// chargeLimits is charge for a deployment with limits beside the pair.
func (v *view) chargeLimits(to *admission, c choice, q *query, ms *limits) counter.Outcome {
	h, pair, e := v.handles[c.i], v.pairs[q.at.Epoch&1][c.i], q.at.Epoch
	var a amounts
	q.countOn(&a, h, ms, q.part)
	cost, part := a[counter.Tokens], h.partNow(pair, q.part)
	var planned []counter.Step
	if q.unsure {
		var steps [8]counter.Step
		if pair.Fits(part, cost) && len(ms.list) <= len(steps) && ms.plan(steps[:], q.part, q.at, &a) {
			planned = steps[:]
		} else if !v.fits(c.i, q) {
			q.unsure, q.unfit = false, true
			v.missed(q)
			return counter.Refused
		}
	}
	o := pair.TakeTokens(part, e, cost)
	if o != counter.Taken {
		return o
	}
	invariants.Yield()
	ms.pool.begin()
	at := q.at
	if at, _, o = ms.take(part, at, &a, false, planned); o == counter.Taken {
		invariants.Yield()
		if o = pair.TakeRequest(part, e); o == counter.Taken {
			ms.pool.end()
			if c.seq != 0 {
				v.raiseAfter(c, q)
			}
			to.h, to.limits, to.begun = h, ms, instantIn(e, max(q.now, at.Now))
			to.reserved, to.input = cost, a[counter.Input]
			return o
		}
		ms.give(len(ms.list), at, &a)
	}
	ms.pool.end()
	h.undo(e, cost)
	return o
}

// undo gives back the tokens of an attempt, then ends the attempt (protocol 4).
func (h *handle) undo(e, tokens int64) {
	c := h.hot.Of(e)
	invariants.Yield()
	if tokens != 0 && !c.AddTokens(e, -tokens) {
		h.unattributed(-tokens, 0) // folded with the tokens in it
	}
	invariants.Yield()
	h.capacityFreed(e)
	if c.End(e) {
		invariants.Yield()
		h.flight.Undo(h.e.slot(e))
	}
}
