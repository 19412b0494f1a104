package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Phase is the phase of a provider's minutes, as learned from its answers: how long after a
// minute of UTC they begin. Each answer narrows the interval that contains it.
type Phase struct {
	from, width int64 // the interval is [from, from+width], ns after the beginning of a minute of UTC
	known       bool
	inForce     time.Duration
	// other is an interval that contradicts this one. It replaces it once
	// phaseAgree readings in a row agree on it.
	other struct {
		from, width int64
		agree       int
	}
	// The latest figure of usage and its instant, for providers that do not report when a
	// minute ends.
	used, usedAt int64
	silent       int // answers in a row that reported no usage
}

const (
	// phaseSlack is how long after it was sent a request may have been counted by the
	// provider, in ns: the delay of the network, which one request in a hundred exceeds.
	phaseSlack = int64(150 * time.Millisecond)
	// phaseStep is the least change of a phase in force, in ns, as each publishes a view.
	phaseStep = int64(50 * time.Millisecond)
	// phaseGap is the longest time, in ns, between two figures from which a fall of usage
	// is taken for the beginning of a minute. In bursts longer gaps gave false phases.
	phaseGap = int64(2 * time.Second)
	// phaseGapCertain is phaseGap if usage falls only at the end of a minute. Two intervals
	// of that length on the circle of a minute intersect in one piece at most.
	phaseGapCertain = int64(20 * time.Second)
	// phaseSilent is the number of answers in a row without a figure after which a deployment
	// whose phase is unknown is counted as a bucket until it is known. Only refusals show
	// then when a minute begins, and minutes with a wrong phase would prevent them.
	phaseSilent = 8
	// phaseAgree is how many readings in a row must contradict the interval and
	// agree with each other. (A constant in a header does not agree with itself, as
	// requests are sent at different times.)
	phaseAgree = 3
)

// Known reports whether a beginning is known.
func (p *Phase) Known() bool { return p.known }

// Silent reports whether phaseSilent answers in a row have reported no usage, so that the phase
// will not become known soon.
func (p *Phase) Silent() bool { return p.silent >= phaseSilent }

// InForce returns how long after a minute of UTC the minutes begin, as of the last Settle.
func (p *Phase) InForce() time.Duration { return p.inForce }

// Follow sets the interval to that of a learned shape.
func (p *Phase) Follow(s *Shape) { p.from, p.width, p.known = s.from, s.width, true }

// Learn applies what the answer to a request sent at an instant reports of TPM: when the
// minute ends, how long a refused caller must wait, or else a fall of usage between
// two requests. Limit is the limit in force, used if the answer reports none; 0 = unknown.
func (p *Phase) Learn(s *provider.Signal, profile *provider.Profile, limit, sent, now int64) {
	r := s.Reading(provider.TPM)
	if r.Limit != 0 {
		limit = r.Limit
	}
	switch wait := s.RetryAfter; {
	case r.Reset > 0 && r.Reset <= time.Minute:
		p.ends(sent, r.Reset, r.ResetGrain())
	case s.Kind == provider.RateLimit && r.Reset == 0 && wait > 0 && wait <= time.Minute && wait > profile.RequestWindow:
		p.ends(sent, wait, provider.Reading{Reset: wait}.ResetGrain())
	case r.HasRemaining && r.Reset == 0 && limit > 0 && (r.Remaining >= 0 || r.Limit > 0):
		p.fell(limit, limit-r.Remaining, sent, now, profile.EstimateStands)
	default:
		p.silent++
	}
}

// fell applies the usage that a request sent at an instant found. If the later of two requests
// found less, a minute began between them. Certain is set if the
// provider refunds nothing, so that usage falls only at the end of a minute.
func (p *Phase) fell(limit, used, sent, now int64, certain bool) {
	from, to, before, after := p.usedAt, sent, p.used, used
	if sent < from { // the answer to a later request was received before this one
		from, to, before, after = to, from, after, before
	} else {
		p.used, p.usedAt, p.silent = used, sent, 0
	}
	gap := to - from
	switch {
	case gap > 0 && gap <= phaseGap && before >= limit/8 && after <= before/2:
	case certain && gap > phaseSlack && gap <= phaseGapCertain && after < before:
	default:
		return
	}
	p.narrow(from, min(gap+phaseSlack, max(now-from, gap)))
}

// ends applies that a minute ends a wait after a request sent at an instant was counted. The
// wait may have been rounded up by grain.
func (p *Phase) ends(sent int64, wait, grain time.Duration) {
	p.narrow(sent+int64(wait-grain), int64(grain)+phaseSlack)
}

// narrow applies that a minute begins at an instant, or up to width ns later.
func (p *Phase) narrow(at, width int64) {
	at = inMinute(at)
	if !p.known {
		p.from, p.width, p.known = at, width, true
		return
	}
	o := &p.other
	if both(&p.from, &p.width, at, width) {
		o.agree = 0
		return
	}
	if o.agree > 0 && both(&o.from, &o.width, at, width) {
		o.agree++
	} else {
		o.from, o.width, o.agree = at, width, 1
	}
	if o.agree >= phaseAgree {
		p.from, p.width, o.agree = o.from, o.width, 0
	}
}

// both narrows an interval on the circle of a minute to its intersection with
// another. False: they do not intersect, and the interval stays.
func both(from, width *int64, at, of int64) bool {
	d := apart(*from, at)
	lo, hi := max(d, 0), min(*width, d+of)
	if hi < lo {
		return false
	}
	*from, *width = inMinute(*from+lo), hi-lo
	return true
}

// Settle sets the phase in force to the end of the interval, if that differs by phaseStep. It is
// the latest possible beginning: with an earlier one a limit would count as unused too early.
func (p *Phase) Settle() {
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
