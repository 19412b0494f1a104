package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Observe takes in what the answer to the lease's request said about its
// deployment: see [Ref.Observe]. Call it before the lease ends, as soon as the
// answer begins; afterwards it does nothing. A lease whose call the provider
// refused gives its request back at Settle(Usage{}), unless the deployment's
// profile counts refused calls.
func (l *Lease) Observe(s provider.Signal) {
	h := l.h
	if h == nil {
		return
	}
	if s.Kind != provider.Fine && s.Kind != provider.Other {
		l.refused = true
	}
	h.observe(&s, Mark{l.epoch, l.mark})
}

// Observe takes in what an answer said about the deployment: the answer to the
// request that was sent when m was made.
//
// A refusal makes the deployment cool down: for as long as the provider said, or
// for a guess that grows from refusal to refusal, from a second to 30 s, which
// never takes the last deployment of a group away; ten minutes at least when the
// account is empty. One failure alone is no pattern, and a request that was too
// large or at fault itself says nothing about others. When the cooldown is over
// one request goes first, and the others follow when it is answered, or after as
// long as it takes at most (10 s).
//
// With the zero Mark figures can only restrict: nobody knows what was charged
// since. The zero Ref does nothing.
func (r Ref) Observe(s provider.Signal, m Mark) {
	if r.h != nil {
		r.alive().observe(&s, m)
	}
}

// Observe is [Ref.Observe] by name, without a mark. The error is
// [ErrUnknownDeployment].
func (e *Engine) Observe(deployment string, s provider.Signal) error {
	r, err := e.Ref(deployment)
	if err != nil {
		return err
	}
	r.Observe(s, Mark{})
	return nil
}

// observe takes in a signal.
func (h *handle) observe(s *provider.Signal, m Mark) {
	h.heard.Store(true)
	p := h.lock()
	if p == nil {
		return
	}
	defer p.g.mu.Unlock()
	now := p.g.clock.Read()
	f := p.g.turnLocked(now)
	if !f.has(p.i, h) {
		return
	}
	if f.judge(p.i, s, m, now) {
		f.recap(p.i)
		f.send(p.i)
		f.eased(p.i)
		p.g.line.recall()
	}
}
