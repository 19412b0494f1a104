package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Phase is what answers have shown of when a provider's minutes begin: at from, or up to
// width later, after the beginning of UTC's. Each answer narrows it down.
type Phase struct {
	from, width int64 // ns
	known       bool
	inForce     time.Duration
	// other is a beginning that contradicts this one; it takes its place once
	// phaseAgree readings in a row agree on it.
	other struct {
		from, width int64
		agree       int
	}
	// The latest figure of usage, for providers that do not report when a minute
	// ends.
	used, usedAt int64
	silent       int // answers in a row that did not report usage
}

const (
	// phaseSlack is how much later than it was sent a request may have been judged:
	// the network's delay, of which one in a hundred is longer.
	phaseSlack = int64(150 * time.Millisecond)
	// phaseStep is the least change of a phase that is worth a swap of windows.
	phaseStep = int64(50 * time.Millisecond)
	// phaseGap is the longest time between two figures that may say when usage was
	// forgotten: in bursts long gaps gave false phases.
	phaseGap = int64(2 * time.Second)
	// phaseGapCertain is phaseGap where usage falls at the end of a minute alone. Two
	// intervals of that length on the minute's circle have one piece in common at most.
	phaseGapCertain = int64(20 * time.Second)
	// phaseSilent is how many answers in a row without a figure make a deployment whose
	// phase is not known a bucket until it is: refusals alone say when a minute begins
	// then, and one that is taken for fuller than it is gets none.
	phaseSilent = 8
	// phaseAgree is how many readings in a row must contradict what is known and
	// agree with each other: a constant in the header agrees with nothing.
	phaseAgree = 3
)

// Known reports whether a beginning is known.
func (p *Phase) Known() bool { return p.known }

// Silent reports whether so many answers in a row have shown nothing that the phase will
// not become known soon.
func (p *Phase) Silent() bool { return p.silent >= phaseSilent }

// InForce returns how long after UTC's the minutes begin, as of the last Settle.
func (p *Phase) InForce() time.Duration { return p.inForce }

// Follow takes the beginning of a minute from a shape that was learned.
func (p *Phase) Follow(s *Shape) { p.from, p.width, p.known = s.from, s.width, true }

// Learn takes in what the answer to a request sent at an instant reports of TPM: when the
// minute ends, how long a refused caller is to wait, else usage that was forgotten between
// two requests. The limit is the one in force where the answer names none, 0 = unknown.
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

// fell takes in how much was used when a request sent at an instant was judged: a minute
// began between two requests of which the later one found less. Certain says that the
// provider gives nothing back, so that usage falls in no other way.
func (p *Phase) fell(limit, used, sent, now int64, certain bool) {
	from, to, before, after := p.usedAt, sent, p.used, used
	if sent < from { // an answer that overtook this one was taken already
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

// ends takes in that for a request sent at an instant the minute ended after a
// wait, which may have been rounded up by grain.
func (p *Phase) ends(sent int64, wait, grain time.Duration) {
	p.narrow(sent+int64(wait-grain), int64(grain)+phaseSlack)
}

// narrow takes in that a minute begins at an instant, or up to width later.
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

// both narrows an interval on the minute's circle to what it has in common with
// another. False: nothing, and it stays.
func both(from, width *int64, at, of int64) bool {
	d := apart(*from, at)
	lo, hi := max(d, 0), min(*width, d+of)
	if hi < lo {
		return false
	}
	*from, *width = inMinute(*from+lo), hi-lo
	return true
}

// Settle brings the phase in force to what is known, if that is worth it: to the
// latest beginning there can be, for an early one would take a limit for unused.
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
