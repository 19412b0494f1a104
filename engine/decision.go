package engine

// decision is the outcome of an attempt: what refused it, and the instant that the
// decision rests on. The refusal's RetryAfter and the wait that follows use the
// same instant: at another one the demand may fit, and no event would announce
// that room.
type decision struct {
	why    reason
	caller bool  // the caller's limits refused
	at     int64 // Unix ns
}

// countRefusal counts a refusal; invalid demands have a count of their own.
func (o *owner) countRefusal(v decision) {
	if v.why != whyInvalid {
		o.refusals[reasonLimit[v.why]].Add(1)
	}
}

// miss notes that a ceiling refused a demand, in wants: the owner's or those of a caller.
func (o *owner) miss(w *wants, why reason, tokens, input int64) {
	if why == whyShare && o.e.exact.Load() {
		w.add(tokens, input)
		o.say()
	}
}

// missed notes that a ceiling of a deployment, or of its caller, refused a demand.
func missed(o *owner, d *Demand, v decision) {
	w := &o.wants
	if v.caller {
		w = &d.Caller.h.caller.wants
	}
	o.miss(w, v.why, d.tokens(), d.InputTokens)
}

// waitedInVain notes that a demand was refused though it had waited for a grant. The next
// Want does not count it as missed: if it comes back, it waits again.
func (o *owner) waitedInVain() { o.wants.vain.Add(1) }

// say sends to the channel of Short, once until the next Want.
func (o *owner) say() {
	if !o.e.exact.Load() || o.wants.said.Load() || !o.wants.said.CompareAndSwap(false, true) {
		return
	}
	select {
	case o.e.short <- struct{}{}:
	default: // it has been sent to already
	}
}

// refuse counts a refusal by a deployment, given up on if an attempt was still
// half way.
func (o *owner) refuse(why reason, tokens, input int64, half, quiet bool) {
	if half {
		o.e.contended.Add(1)
	}
	o.asked.Store(true)
	if !quiet {
		o.refusals[reasonLimit[why]].Add(1)
		o.miss(&o.wants, why, tokens, input)
	}
}
