package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/breaker"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// tick advances the breaker to an instant, and ends reported limits and learned margins that
// have lapsed. Changed reports whether anything changed; relimit whether limits did, so that
// the group must publish another view.
func (h *handle) tick(now int64) (changed, relimit bool) {
	changed = h.breaker.Advance(now, h.probeTaken())
	if h.lapseAt != 0 && h.lapseAt <= now {
		changed, relimit = true, true
		forgotten := h.lapse(now)
		if h.lapseAt = h.nextLapse(); forgotten {
			h.breaker.Doubt(now)
		}
	}
	h.note()
	return changed, relimit
}

// note copies the breaker's state to where requests read it, and begins a new probe if
// the breaker has become half-open.
func (h *handle) note() {
	half := h.breaker.HalfOpen()
	if !half {
		h.probe = probe{}
	} else if !h.halfOpen.Load() || h.probe.since != h.breaker.Since() {
		h.probe = probe{since: h.breaker.Since(), epoch: math.MinInt64}
	}
	h.halfOpen.Store(half)
	h.doubted.Store(half || h.breaker.Failing())
	h.failing.Store(h.breaker.Rate())
}

// uncool ends a cooldown and closes the breaker.
func (h *handle) uncool() {
	h.announceUntil = 0
	h.breaker.Reset()
	h.note()
}

// coolRemotely applies a cooldown that another node has reported. UntilMilli is in Unix
// milliseconds, now in nanoseconds. Longer ones are cut to longestAnnounced.
func (h *handle) coolRemotely(untilMilli, now int64) {
	d := longestAnnounced
	if untilMilli < (now+d)/1e6 {
		d = untilMilli*1e6 - now
	}
	changed, began := h.breaker.Trip(now, time.Duration(d), provider.Fine)
	h.began(began, provider.Fine)
	if h.note(); changed {
		h.changed()
	}
}

// applyAnswer applies the answer to a call that was sent at an instant to the breaker. It
// reports whether the breaker changed.
func (h *handle) applyAnswer(g *owner, s *provider.Signal, sent, now int64) bool {
	a := breaker.Answer{Kind: s.Kind, Weak: s.Weak, Sent: sent, Wait: h.untilMinute(s, now)}
	a.Spare = s.Kind != provider.Fine && g.members.spare(h)
	e := h.breaker.Answer(breaker.Policy{Failures: h.cfg.Failures, Cooldown: h.cfg.Cooldown}, a, now)
	h.announce(e.Announce, now)
	h.began(e.Began, s.Kind)
	h.note()
	return e.Changed
}

// began counts a cooldown by the kind of answer that caused it, if one has begun.
func (h *handle) began(began bool, k provider.Kind) {
	if began {
		h.cooldowns[causeOf(k)]++
	}
}

// untilMinute returns the length of the cooldown that a signal asks for. If the provider counts
// in minutes of the clock, a Retry-After of whole seconds that ends less than a second after
// the end of a minute was rounded up, and is cut to the end of that minute.
func (h *handle) untilMinute(s *provider.Signal, now int64) time.Duration {
	p := &h.cfg.Profile
	if s.Kind != provider.RateLimit || p.Shape != provider.Minute || s.RetryAfter%time.Second != 0 {
		return s.RetryAfter
	}
	end := now + int64(s.RetryAfter)
	over := time.Duration((end - int64(p.Phase)) % window.Minute)
	if over < time.Second && over < s.RetryAfter {
		return s.RetryAfter - over
	}
	return s.RetryAfter
}

// onSuccess reports a success to the breaker: a request sent at an instant has consumed something.
// Without doubted it changes nothing, and its caller need not call it.
func (h *handle) onSuccess(sent int64) {
	h.locked(func(g *owner, _ int64) {
		closed, _ := h.breaker.Succeed(sent)
		if h.note(); closed {
			h.changed()
			g.bell.Reevaluate()
		}
	})
}
