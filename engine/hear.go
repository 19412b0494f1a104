package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// heard is what a deployment's provider has told of its rule. Under the mutex of
// the handle's group, like all that it is part of.
type heard struct {
	configured Deployment             // what the configuration says; the handle's cfg is what is in force
	told       [provider.Limits]int64 // limits; 0 = not told
	phase      phase
	relimited  int64 // when that last changed what is in force, Unix ns
	last       Mark  // of the latest request whose answer has corrected the counters
}

// relimitEvery is how often a provider's word may change what is in force: the
// group's windows are swapped for it.
const relimitEvery = int64(time.Second)

// inForce returns a configuration with what the provider has told: limits that
// are lower than configured, or that the configuration leaves open, and the phase
// of its minutes. Those of a pool stay as configured.
func (r *heard) inForce(d Deployment) Deployment {
	if d.Profile.Pool != "" {
		return d // all deployments of a pool have the same
	}
	for l := range provider.Limit(provider.Limits) {
		to := limitOf(&d.Limits, l)
		if n := r.told[l]; n > 0 && (*to == 0 || n < *to) {
			*to = n
		}
	}
	if d.Profile.LearnPhase && r.phase.known {
		d.Profile.Phase = r.phase.inForce
	}
	return d
}

// limitOf returns the limit that a provider's reading is of.
func limitOf(l *Limits, of provider.Limit) *int64 {
	switch of {
	case provider.Requests:
		return &l.RPM
	case provider.Tokens:
		return &l.TPM
	case provider.InputTokens:
		return &l.InputTPM
	case provider.OutputTokens:
		return &l.OutputTPM
	case provider.DayRequests:
		return &l.RPD
	case provider.DayTokens:
	}
	return &l.TPD
}

// hear takes in what a signal tells of the provider's rule. It reports whether
// something else is to be in force: the limits that [heard.inForce] names, or a
// phase.
func (h *handle) hear(s *provider.Signal, m Mark, now int64) bool {
	for l := range provider.Limit(provider.Limits) {
		if r := &s.Readings[l]; r.Limit > 0 && believable(l, r) {
			h.told[l] = min(r.Limit, MaxCount)
		}
	}
	if h.configured.Profile.LearnPhase {
		h.hearPhase(s, m)
	}
	if now-h.relimited < relimitEvery && now >= h.relimited {
		return false
	}
	h.phase.settle()
	next := h.inForce(h.configured)
	if next.Limits == h.cfg.Limits && next.Profile == h.cfg.Profile {
		return false
	}
	h.relimited = now
	return true
}

// believable reports whether a reading can be of the limit it says it is of: the
// resets of limits per minute are not hours away.
func believable(l provider.Limit, r *provider.Reading) bool {
	const longest = 10 * time.Minute // debt included
	return l == provider.DayRequests || l == provider.DayTokens || r.Reset <= longest
}
