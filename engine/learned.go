package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// restricts returns the reported limit that is in force, and the instant at which it lapses:
// it is lower than the configured limit, or none is configured. 0 if no reported limit is in
// force.
func (h *handle) restricts(l provider.Limit) (limit, until int64) {
	a := h.answers.Load()
	if a == nil || h.configured.Profile.Pool != "" { // the limits of a pool stay as configured for all its deployments
		return 0, 0
	}
	limit, until = a.reported[l].InForce()
	if to := *h.configured.Limits.Of(l); to != 0 && limit >= to {
		return 0, 0
	}
	return limit, until
}

// inForce returns the configuration with what the provider has reported: limits
// that are lower than configured or not configured, and the phase and
// shape of its minutes. A pool's stay as configured. The limits are
// the provider's, before the margin.
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

// reportEnds returns when a reported limit that is in force lapses unless it is confirmed; 0
// if none is in force.
func (h *handle) reportEnds(l provider.Limit) int64 {
	_, until := h.restricts(l)
	return until
}

// lapseOf returns when a limit is again as configured, if no answer confirms its reported
// limit and learned margin; 0 if answers have not changed it.
func (h *handle) lapseOf(l provider.Limit) int64 {
	at := h.reportEnds(l)
	if h.learnedMargin() != 0 && l.Per() == provider.PerMinute && l.Counts() != provider.Requests {
		at = max(at, h.answers.Load().margin.EndsAt())
	}
	return at
}

// nextLapse returns when the first reported limit lapses or the learned margin falls; 0 if
// there is neither.
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

// lapse removes the reported limits that have lapsed, and
// lowers a learned margin. It reports whether a limit was removed.
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

// replace sets a deployment's configuration. A reported limit is forgotten if the configured
// one has changed, and what was learned of the provider's rule if the profile has.
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
// request was sent. It reports whether the limits or the profile in force ([handle.inForce])
// must change. A report that would change them less than relimitEvery after the last change
// is not stored, as later answers repeat it.
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

// believable reports whether a reading can be of limit l: a limit per minute does not reset
// in hours. Some answers have daily figures under the headers of a minute (docs/PROVIDERS.md).
func believable(l provider.Limit, r provider.Reading) bool {
	const longest = 10 * time.Minute // a bucket in debt takes several minutes to be full
	return l.Per() != provider.PerMinute || r.Reset <= longest
}

// learnedMargin returns the percent that refusals have taught. A pool's limits have none.
func (h *handle) learnedMargin() int {
	if a := h.answers.Load(); a != nil && h.configured.Profile.Pool == "" {
		return a.margin.Percent()
	}
	return 0
}
