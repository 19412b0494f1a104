package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// restricts returns a reported limit that is in force, and until when: it is lower than
// the configured one, or none is configured. It is 0 if there is none.
func (h *handle) restricts(l provider.Limit) (limit, until int64) {
	a := h.answers.Load()
	if a == nil || h.configured.Profile.Pool != "" { // all deployments of a pool have the same
		return 0, 0
	}
	limit, until = a.reported[l].InForce()
	if to := *h.configured.Limits.Of(l); to != 0 && limit >= to {
		return 0, 0
	}
	return limit, until
}

// inForce returns the configuration with what the provider has reported: limits
// that are lower than configured, or that the configuration leaves open, the phase and
// shape of its minutes. Those of a pool stay as configured. The limits are
// the provider's, without the margin.
func (h *handle) inForce() *Deployment {
	a := h.answers.Load()
	if a == nil || h.configured.Profile.Pool != "" {
		return h.configured
	}
	d := *h.configured
	for l := range provider.AllLimits() {
		if limit, _ := h.restricts(l); limit != 0 {
			*d.Limits.Of(l) = limit
		}
	}
	switch {
	case !d.Profile.LearnPhase:
	case a.phase.Known():
		d.Profile.Phase = a.phase.InForce()
	case a.phase.Silent() && d.Profile.Phase == 0:
		d.Profile.Shape, d.Profile.LearnPhase = provider.Bucket, false
	}
	if d.Profile.LearnShape && a.shape.Minutes() {
		d.Profile.Shape, d.Profile.LearnShape = provider.Minute, false
		d.Profile.Phase = a.phase.InForce()
	}
	return &d
}

// reportEnds returns when a reported limit lapses unless it is confirmed, 0 if it
// restricts nothing.
func (h *handle) reportEnds(l provider.Limit) int64 {
	_, until := h.restricts(l)
	return until
}

// lapseOf returns when what answers have taken from a limit is over unless they go on, 0
// if they have taken nothing.
func (h *handle) lapseOf(l provider.Limit) int64 {
	at := h.reportEnds(l)
	if h.learnedMargin() != 0 && l.Per() == provider.PerMinute && l.Counts() != provider.Requests {
		at = max(at, h.answers.Load().margin.EndsAt())
	}
	return at
}

// nextLapse returns when the first reported limit lapses or a learned margin falls, 0 if
// there is none.
func (h *handle) nextLapse() (at int64) {
	a := h.answers.Load()
	if a == nil {
		return 0
	}
	at = a.margin.EasesAt()
	for l := range provider.AllLimits() {
		if t := h.reportEnds(l); t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// lapse forgets the reported limits that have not been confirmed for too long, and
// lowers a learned margin. It reports whether a limit was forgotten.
func (h *handle) lapse(now int64) (forgotten bool) {
	h.answers.Load().margin.Ease(now)
	for l := range provider.AllLimits() {
		if at := h.reportEnds(l); at != 0 && at <= now {
			h.answers.Load().reported[l].Lapse(now)
			forgotten = true
		}
	}
	return forgotten
}

// replace takes over a deployment's configuration. A reported limit whose
// configured one has changed is forgotten.
func (h *handle) replace(d *Deployment) {
	if a := h.answers.Load(); a != nil {
		for l := range provider.AllLimits() {
			if *d.Limits.Of(l) != *h.configured.Limits.Of(l) {
				a.reported[l] = learn.Limit{}
			}
		}
		if d.Profile != h.configured.Profile {
			a.phase, a.shape, a.last = learn.Phase{}, learn.Shape{}, Mark{}
		}
		if d.Profile != h.configured.Profile || d.Limits != h.configured.Limits || d.Margin != h.configured.Margin {
			a.margin = learn.Margin{}
		}
	}
	h.configured = d
}

// learnRule stores what a signal reports of the provider's rule; sent is when its
// request was sent. It reports whether something else is to be in force: the
// limits that [handle.inForce] names, or a phase. What would change that less than
// relimitEvery after the last change is not stored: later answers repeat it.
func (h *handle) learnRule(s *provider.Signal, sent, now int64) bool {
	a := h.answers.Load()
	change := now-a.relimited >= relimitEvery || now < a.relimited
	for l := range provider.AllLimits() {
		if r := s.Reading(l); r.Limit > 0 && believable(l, r) && (change || r.Limit == a.reported[l].Own()) {
			a.reported[l].Confirm(r.Limit, now)
		}
	}
	if h.configured.Profile.LearnPhase {
		a.phase.Learn(s, &h.configured.Profile, h.provided.Limits.TPM, sent, now)
	}
	if h.configured.Profile.LearnShape {
		a.shape.Learn(s, sent)
	}
	taught := s.Kind == provider.RateLimit && change && !learn.Corrects(s) && a.margin.Refuse(sent, now)
	h.lapseAt = h.nextLapse()
	if !change {
		return false
	}
	if a.shape.Minutes() {
		a.phase.Follow(&a.shape)
	}
	a.phase.Settle()
	next := h.inForce()
	if !taught && next.Limits == h.provided.Limits && next.Profile == h.cfg.Profile {
		return false
	}
	if next.Profile != h.provided.Profile {
		a.margin = learn.Margin{} // refusals until now have another cause
	}
	a.relimited = now
	return true
}

// believable reports whether a reading can be of the limit it says it is of: the
// resets of limits per minute are not hours away.
func believable(l provider.Limit, r provider.Reading) bool {
	const longest = 10 * time.Minute // debt included
	return l.Per() != provider.PerMinute || r.Reset <= longest
}

// learnedMargin returns the percent that refusals have taught. A pool's limits have none.
func (h *handle) learnedMargin() int {
	if a := h.answers.Load(); a != nil && h.configured.Profile.Pool == "" {
		return a.margin.Percent()
	}
	return 0
}
