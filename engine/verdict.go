package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// verdict is whether a demand fits the limits of a deployment or a caller at one moment, and
// why not. Refusals, PreCheck, Explain, [LimitError] and Wait rest on it. Searches compute
// for themselves whether a demand fits (view.keys and view.fits); TestOneVerdict compares
// them with it.
type verdict struct {
	refusal  reason // of the limit that refuses the demand; whyNothing: the demand fits
	headroom int64  // the most tokens that one request can take, -1: no request fits; an upper bound if limits are timeDependent
	bound    reason // of the limit that ends the headroom
	pending  bool   // an attempt half way may change the refusal (protocol 4)
	unsure   bool   // an attempt half way may change the headroom (protocol 4)

	// The fields below are set if [trial.waits] is. The refusal is then of the limit that
	// refuses for longest, and headroom and bound are not set.
	after   time.Duration // until the demand fits if nothing else is admitted or given back
	never   bool          // no waiting helps
	refills bool          // usage under that limit expires continuously, not at an instant
}

// fits reports whether the demand fits.
func (v *verdict) fits() bool { return v.refusal == whyNothing }

// limit returns the limit that refuses the demand, LimitNone if the demand fits.
func (v *verdict) limit() Limit { return reasonLimit[v.refusal] }

// trial is the question whether a demand fits a deployment or a caller.
type trial struct {
	h       *handle
	limits  *limits // beside the pair; nil: none
	at      counter.At
	part    counter.Part // the part of the caps that the demand's class may use
	amounts amounts
	// leases is set if the demand is for a lease. Limits on leases may then refuse it, and
	// limits on tokens even if it names no token.
	leases bool
	// waits is set if the verdict shall say for how long the demand does not fit. Under the
	// owner's mutex, in its current minute.
	waits bool
}

// verdict computes, for deployments and callers alike, whether the demand fits and why not. It
// reads counters and changes none. Attempts decide for themselves, by the same arithmetic:
// [counter.Pair.TakeTokens], [counter.Pair.TakeRequest] and [counter.Limit.Take].
func (t *trial) verdict() (v verdict) {
	pair, ms := t.h.hot.Of(t.at.Epoch), t.limits
	ended, attempts := pair.Ended(), ms.pooled().attempts()
	room := pair.Room(t.h.partNow(pair, t.part))
	switch {
	case t.waits:
		t.waitPair(&v, pair)
	case t.closed(&v, pair, &room):
		return v
	}
	// Sure is set if an attempt half way cannot be undone by a limit behind the one that ends
	// the headroom, refused if it cannot be by one behind a limit that refuses.
	sure, timeDependent := ms == nil, ms != nil && ms.timeDependent()
	refused := sure
	for k := range ms.of() {
		m := &ms.list[k]
		if !m.counts(t.tokens(), t.leases) {
			continue
		}
		n := t.amounts[m.Dim]
		if t.waits {
			t.wait(&v, m, n)
			continue
		}
		if !m.Fits(t.part, t.at, n) {
			v.refusal, refused = max(v.refusal, m.reason(t.part, t.at)), refused || ms.last(k, t.at)
		}
		if !timeDependent && v.lower(m, t) {
			v.bound, sure = m.reason(t.part, t.at), ms.last(k, t.at)
		}
	}
	if t.waits {
		t.waitBreaker(&v, pair)
		return v
	}
	if t.tokens() && v.headroom < t.amounts[counter.Tokens] {
		v.refusal, refused = v.bound, sure
	}
	half, ample := room.Half, room.Ample
	if ms != nil {
		half, ample = pair.Since(ended)
	}
	undoable := t.undoable()
	v.unsure = half != 0 && !(sure && ample && !undoable)
	v.pending = half != 0 && !(refused && ample && !undoable) || ms.pooled().halfWay(attempts) && !(refused && !undoable)
	v.headroom = max(v.headroom, -1)
	return v
}

// closed sets the headroom of the pair, and reports whether the pair admits no request,
// whatever becomes of attempts half way.
func (t *trial) closed(v *verdict, pair *counter.Pair, r *counter.Room) bool {
	v.headroom, v.bound = r.Tokens, bounded(whyTokens, r.Ceiled)
	why := bounded(whyRequests, r.Ceiled)
	switch gate, _ := pair.Caps(); {
	case gate == counter.Cooling:
		why = whyCooling
	case gate < 0:
		why = whyDisabled
	case !r.Full:
		return false
	case t.h.halfOpen.Load():
		why = whyCooling
	}
	v.headroom, v.bound, v.refusal = -1, why, why
	return t.h.caller == nil // an attempt counts a caller's request before it ends
}

// lower lowers the headroom to that of a limit, and reports whether it has.
func (v *verdict) lower(m *limit, t *trial) bool {
	if v.headroom < 0 {
		return false
	}
	switch room := m.Room(t.part, t.at); {
	case m.Dim == counter.Tokens && room < v.headroom:
		v.headroom = room
	case (m.Dim == counter.Requests || m.Dim == counter.Leases) && room < 1:
		v.headroom = -1
	default:
		return false
	}
	return true
}

// tokens reports whether limits on tokens may refuse the demand.
func (t *trial) tokens() bool { return t.leases || t.amounts[counter.Tokens] != 0 }

// undoable reports whether an attempt half way may be undone although requests are
// left for it: a lower class has a smaller part of them, and an attempt on a caller is
// undone if the deployment refuses.
func (t *trial) undoable() bool { return t.h.caller != nil || t.h.e.shared() }
