package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// heard is what a deployment's provider has reported of its rule. Under the mutex
// of the handle's group, like all that it is part of.
type heard struct {
	gate
	configured Deployment             // what the configuration says; the handle's cfg is what is in force
	provided   Limits                 // the provider's limits in force: configured or reported, without the margin
	reported   [provider.Limits]int64 // limits that answers have named; 0 = none
	confirmed  [provider.Limits]int64 // when an answer last named that limit, Unix ns
	phase      phase
	evidence   evidence // of a profile whose shape is to be learned
	relimited  int64    // when an answer last changed what is in force, Unix ns
	last       Mark     // of the latest request whose answer has corrected the counters
}

const (
	// relimitEvery is how often an answer may change what is in force: the group's
	// windows are swapped for it.
	relimitEvery = int64(time.Second)
	// confirmEvery is how long a reported limit stays in force after the last answer
	// that named it. Then it lapses, and one request goes first.
	confirmEvery = int64(5 * time.Minute)
)

// restricts reports whether a reported limit is in force: it is lower than the
// configured one, or none is configured.
func (r *heard) restricts(l provider.Limit) bool {
	if r.reported[l] <= 0 || r.configured.Profile.Pool != "" { // all deployments of a pool have the same
		return false
	}
	to := *r.configured.Limits.Of(l)
	return to == 0 || r.reported[l] < to
}

// inForce returns the configuration with what the provider has reported: limits
// that are lower than configured, or that the configuration leaves open, and the
// phase of its minutes. Those of a pool stay as configured. The limits are the
// provider's, without the margin.
func (r *heard) inForce() Deployment {
	d := r.configured
	if d.Profile.Pool != "" {
		return d
	}
	for l := range provider.AllLimits() {
		if r.restricts(l) {
			*d.Limits.Of(l) = r.reported[l]
		}
	}
	if d.Profile.LearnPhase && r.phase.known {
		d.Profile.Phase = r.phase.inForce
	}
	if d.Profile.LearnShape && r.evidence.minutes {
		d.Profile.Shape, d.Profile.LearnShape = provider.Minute, false
		d.Profile.Phase = r.phase.inForce
	}
	return d
}

// lapseOf returns when a reported limit lapses unless it is confirmed, 0 if it
// restricts nothing.
func (r *heard) lapseOf(l provider.Limit) int64 {
	if !r.restricts(l) {
		return 0
	}
	return r.confirmed[l] + confirmEvery
}

// nextLapse returns when the first reported limit lapses, 0 if there is none.
func (r *heard) nextLapse() (at int64) {
	for l := range provider.AllLimits() {
		if t := r.lapseOf(l); t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// lapse forgets the reported limits that have not been confirmed for too long.
func (r *heard) lapse(now int64) {
	for l := range provider.AllLimits() {
		if at := r.lapseOf(l); at != 0 && at <= now {
			r.reported[l] = 0
		}
	}
}

// replace takes over a deployment's configuration. A reported limit whose
// configured one has changed is forgotten.
func (r *heard) replace(d Deployment) {
	for l := range provider.AllLimits() {
		if *d.Limits.Of(l) != *r.configured.Limits.Of(l) {
			r.reported[l] = 0
		}
	}
	if d.Profile != r.configured.Profile {
		r.phase, r.evidence, r.last = phase{}, evidence{}, Mark{}
	}
	r.configured = d
}

// withMargin returns limits of which a share is left unused, rounded down, but
// never below 1. MaxInFlight stays.
func (l Limits) withMargin(margin float64) Limits {
	if margin == 0 {
		return l
	}
	part := counter.PartOf(1 - margin)
	for of := range provider.AllLimits() {
		if n := l.Of(of); *n > 0 && of.Per() != provider.AtOnce {
			*n = max(part.Of(*n), 1)
		}
	}
	return l
}

// hear stores what a signal reports of the provider's rule; sent is when its
// request was sent. It reports whether something else is to be in force: the
// limits that [heard.inForce] names, or a phase. What would change that less than
// relimitEvery after the last change is not stored: later answers repeat it.
func (h *handle) hear(s *provider.Signal, sent, now int64) bool {
	change := now-h.relimited >= relimitEvery || now < h.relimited
	for l := range provider.AllLimits() {
		if r := s.Reading(l); r.Limit > 0 && believable(l, r) && (change || r.Limit == h.reported[l]) {
			h.reported[l], h.confirmed[l] = r.Limit, now
		}
	}
	h.lapseAt = h.nextLapse()
	if h.configured.Profile.LearnPhase {
		h.hearPhase(s, sent, now)
	}
	if h.configured.Profile.LearnShape {
		h.hearShape(s, sent)
	}
	if !change {
		return false
	}
	if e := &h.evidence; e.minutes {
		h.phase.from, h.phase.width, h.phase.known = e.from, e.width, true
	}
	h.phase.settle()
	next := h.inForce()
	if next.Limits == h.provided && next.Profile == h.cfg.Profile {
		return false
	}
	h.relimited = now
	return true
}

// believable reports whether a reading can be of the limit it says it is of: the
// resets of limits per minute are not hours away.
func believable(l provider.Limit, r provider.Reading) bool {
	const longest = 10 * time.Minute // debt included
	return l.Per() != provider.PerMinute || r.Reset <= longest
}
