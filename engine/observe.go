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
	h.observe(&s, Mark{l.begun.epoch(), l.mark}, l.begun.at())
}

// Observe takes in what an answer said about the deployment: the answer to the
// request that was sent when m was made.
//
// A failure adds to the deployment's failure rate, which a strategy ranks it by
// besides its usage; the rate falls with successes, and to half in ten seconds.
//
// A refusal makes the deployment cool down: for as long as the provider said, or
// for a guess that grows from refusal to refusal, from a second to 30 s, which
// never takes the last deployment of a group away; when the account is empty for
// ten minutes, or for one minute where no other deployment takes requests. A single
// failure starts no cooldown, and a request that was too large or at fault itself
// says nothing about others. Refusals of requests sent before a cooldown began are
// one refusal. When the cooldown is over one request of any class goes first; the
// others follow when a request sent after the cooldown is answered, or 10 s after
// the first at most.
//
// A rate limit within five minutes of the one before leaves one more percent of the limits
// on tokens per minute unused, ten at most; each five minutes without one take a percent back.
// Those that report exactly what remains of such a limit do not count.
//
// A figure of what remains replaces what was charged before the mark: leases from
// before it give nothing back of that afterwards, except, to limits by UTC minutes, what
// the provider itself reserved by its profile and gives back. A limit that an answer names is
// in force for 5 minutes after the last answer that named it.
//
// The zero Mark counts as sent now, and figures can then only restrict: what was
// charged since is unknown. Numbers out of range are clamped. The zero Ref does
// nothing.
func (r Ref) Observe(s provider.Signal, m Mark) {
	if r.h == nil {
		return
	}
	sent := r.h.e.clock.Read()
	if !m.none() {
		sent = min(sent, m.at()+markGrain-1)
	}
	r.h.observe(&s, m, sent)
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

// observe takes in a signal about a request that was sent at an instant: first what
// it reports of the rule, by which the rest is understood.
func (h *handle) observe(s *provider.Signal, m Mark, sent int64) {
	h.listen()
	in := clampSignal(s)
	s = &in
	figures := s.Reports()
	h.locked(func(g *owner, now int64) {
		if (figures || s.Kind == provider.RateLimit || h.configured.Profile.LearnPhase) && h.learnRule(s, sent, now) {
			g.members.relimit(now, h)
		}
		h.take(g, s, m, sent, figures, now)
	})
}

// take draws a signal's conclusions for the gate and the counters. Under the group's
// mutex.
func (h *handle) take(g *owner, s *provider.Signal, m Mark, sent int64, figures bool, now int64) {
	turned := h.applyAnswer(g, s, sent, now)
	if turned || h.failing.Load() != 0 {
		h.changed()
	}
	if figures && h.correct(s, m, now) {
		h.capacityFreed(h.turned)
	}
	if turned {
		g.bell.Reevaluate()
	}
}

// clampSignal returns a signal with every number within what [provider.Read]
// returns: signals may be made by hand.
func clampSignal(s *provider.Signal) provider.Signal {
	c := *s
	c.RetryAfter = min(max(c.RetryAfter, 0), provider.MaxReset)
	if c.Kind > provider.Rejected {
		c.Kind = provider.Other
	}
	for l, r := range s.Readings() {
		r.Limit = min(max(r.Limit, 0), MaxCount)
		r.Remaining = min(max(r.Remaining, -MaxCount), MaxCount)
		r.Grain = min(max(r.Grain, 0), MaxCount)
		r.Reset = min(max(r.Reset, 0), provider.MaxReset)
		c = c.With(l, r)
	}
	return c
}
