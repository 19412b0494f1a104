package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Observe applies the signal of the answer to the lease's request to its
// deployment: see [Ref.Observe]. Call it as soon as the answer begins. After the lease has
// ended it does nothing. If the provider refused the call, Settle(Usage{}) gives the
// request back, unless the deployment's profile counts refused calls.
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

// Observe applies the signal of an answer to the deployment: the answer to the
// request that was sent when m was made.
//
// A failure raises the deployment's failure rate, by which strategies rank it
// besides its usage. The rate falls with successes, and by half in ten seconds.
//
// A refusal makes the deployment cool down for as long as the provider advises. Without advice
// the cooldown is guessed: 1 s, doubled with each refusal up to 30 s. A guessed cooldown
// never closes the last deployment of a group. If the account is empty the cooldown is
// ten minutes, or one minute if no other deployment of the group takes requests. A single
// failure starts no cooldown. A request that was too large or invalid itself has no effect.
// All refusals of requests sent before a cooldown began count as
// one refusal. After the cooldown one request of any class is admitted. The
// others follow once a request sent after the cooldown is answered, or 10 s after
// the first at the latest.
//
// A rate limit within five minutes of the one before leaves one more percent of the limits
// on tokens per minute unused, ten at most. After each five minutes without one the margin
// falls by a percent. Refusals that report exactly what remains of such a limit do not count.
//
// A figure of what remains replaces what was charged before the mark. Leases from
// before the mark give nothing of that back afterwards, except, under limits by UTC minutes,
// tokens that the provider itself reserved by its profile and gives back. A limit that an answer
// reports is in force for 5 minutes after the last answer that reported it.
//
// The zero Mark means that the request was sent now. Figures can then only restrict, because
// the charges since the request are unknown. Numbers out of range are clamped. The zero Ref does
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
	r.Observe(s, Mark{}) // the zero Ref does nothing
	return err
}

// observe applies a signal about a request that was sent at an instant: first what
// it reports of the provider's rule, because the rest is read by that rule.
func (h *handle) observe(s *provider.Signal, m Mark, sent int64) {
	h.listen()
	in := clampSignal(s)
	s = &in
	figures := s.Reports()
	h.locked(func(g *owner, now int64) {
		if (figures || s.Kind == provider.RateLimit || h.configured.Profile.LearnPhase) && h.learnRule(s, sent, now) {
			g.members.relimit(now, h)
		}
		h.applySignal(g, s, m, sent, figures, now)
	})
}

// applySignal applies a signal to the gate and to the counters. Under the group's
// mutex.
func (h *handle) applySignal(g *owner, s *provider.Signal, m Mark, sent int64, figures bool, now int64) {
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

// clampSignal returns a signal with every number clamped to the range of [provider.Read],
// because gateways may make signals of their own.
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
