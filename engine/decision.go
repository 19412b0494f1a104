package engine

// decision is the outcome of an attempt: what refused it, and the instant at which it was
// decided. The refusal's RetryAfter and the wait that follows are computed for the
// same instant. At a later one the demand may fit by the clock alone, and no event would
// wake a waiter for that.
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

// miss adds a demand to wants, the owner's or those of a caller, if a ceiling refused it.
func (o *owner) miss(w *wants, why reason, tokens, input int64) {
	if why == whyShare && o.e.exact.Load() {
		w.add(tokens, input)
		o.say()
	}
}

// missed is miss for the owner or for the demand's caller, whichever refused.
func missed(o *owner, d *Demand, v decision) {
	w := &o.wants
	if v.caller {
		w = &d.Caller.h.caller.wants
	}
	o.miss(w, v.why, d.tokens(), d.InputTokens)
}

// say sends to the channel of Short, once until the next Want.
func (o *owner) say() {
	if !o.e.exact.Load() || o.wants.said.Load() || !o.wants.said.CompareAndSwap(false, true) {
		return
	}
	select {
	case o.e.short <- struct{}{}:
	default: // a message is in the channel already
	}
}

// noteAsked notes that a request came, so that the next Collect lists the group's deployments.
func (o *owner) noteAsked() {
	if !o.asked.Load() {
		o.asked.Store(true)
	}
}

// refuse counts a refusal by deployments. If halfWay is set, an attempt was still half way
// after the last try (protocol 4).
func (o *owner) refuse(why reason, tokens, input int64, halfWay, quiet bool) {
	if halfWay {
		o.e.contended.Add(1)
	}
	o.noteAsked()
	if !quiet {
		o.refusals[reasonLimit[why]].Add(1)
		if why == whyShare {
			o.miss(&o.wants, why, tokens, input)
		}
	}
}
