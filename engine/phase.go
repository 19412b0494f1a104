package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// phase is what is known of when a provider's minutes begin: at from, or up to
// width later, after the beginning of UTC's. What answers tell narrows it down.
type phase struct {
	from, width int64 // ns
	known       bool
	inForce     time.Duration
	// The latest figure of usage, for providers that do not tell when a minute ends.
	used, usedAt int64
}

const (
	// phaseSlack is how much later than it was sent a request may have been judged.
	phaseSlack = int64(20 * time.Millisecond)
	// phaseStep is the least change of a phase that is worth a swap of windows.
	phaseStep = int64(50 * time.Millisecond)
	// phaseGap is the longest time between two figures that may say when usage was
	// forgotten: in bursts long gaps gave false phases.
	phaseGap = int64(2 * time.Second)
)

// hearPhase learns from when a minute is said to end, else from usage that was
// forgotten between two requests.
func (h *handle) hearPhase(s *provider.Signal, m Mark) {
	r := &s.Readings[provider.Tokens]
	if m.none() {
		return
	}
	at := m.at()
	switch {
	case r.Reset > 0 && r.Reset <= time.Minute:
		h.phase.narrow(at+int64(r.Reset-r.ResetGrain()), int64(r.ResetGrain())+phaseSlack)
	case r.Told && r.Limit > 0 && r.Reset == 0:
		used := r.Limit - r.Remaining
		if before := h.phase.used; before >= r.Limit/8 && used <= before/2 && at > h.phase.usedAt && at-h.phase.usedAt <= phaseGap {
			h.phase.narrow(h.phase.usedAt, at-h.phase.usedAt)
		}
		h.phase.used, h.phase.usedAt = used, at
	}
}

// narrow takes in that a minute begins at an instant, or up to width later. What
// contradicts all before replaces it.
func (p *phase) narrow(at, width int64) {
	at = inMinute(at)
	if !p.known {
		p.from, p.width, p.known = at, width, true
		return
	}
	d := apart(p.from, at)
	from, to := max(d, 0), min(p.width, d+width)
	if to < from {
		p.from, p.width = at, width
		return
	}
	p.from, p.width = inMinute(p.from+from), to-from
}

// settle brings the phase in force to what is known, if that is worth it: to the
// latest beginning there can be, for an early one would take a limit for unused.
func (p *phase) settle() {
	if !p.known {
		return
	}
	to := inMinute(p.from + p.width)
	if d := apart(int64(p.inForce), to); max(d, -d) >= phaseStep {
		p.inForce = time.Duration(to)
	}
}

// inMinute returns how far into its minute an instant is.
func inMinute(ns int64) int64 { return (ns%window.Minute + window.Minute) % window.Minute }

// apart returns how far b is after a on the minute's circle: from -30 s to 30 s.
func apart(a, b int64) int64 { return inMinute(b-a+window.Minute/2) - window.Minute/2 }
