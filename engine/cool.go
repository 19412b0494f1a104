package engine

import (
	"cmp"
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// emptyAccount is how long a deployment cools down whose account has nothing
	// left, if the provider names no wait; emptyAccountAlone is that where no other
	// deployment of the group takes requests.
	emptyAccount      = 10 * time.Minute
	emptyAccountAlone = time.Minute
	// shortestGuess is the cooldown after a refusal that names no wait. It doubles
	// with each further one in a row, up to longestGuess.
	shortestGuess = time.Second
	longestGuess  = 30 * time.Second
	// longestProbe is how long a deployment waits at most for the answer to the
	// one request that follows a cooldown.
	longestProbe = 10 * time.Second
	// failMemory is how long after the latest refusal, and after its cooldown, the
	// count of refusals in a row drops by one.
	failMemory = int64(time.Minute)
)

// gate is when a deployment takes requests. All of it is under the mutex of the
// handle's group; half and doubted repeat what is needed without it.
type gate struct {
	coolUntil int64 // Unix ns; 0 = not cooling down
	coolSince int64 // when the latest cooldown that follows a refusal began; 0 = there was none
	// wary says that a refusal began the cooldown, so that one request goes first
	// when it is over.
	wary     bool
	length   int64                 // of the latest cooldown
	cause    provider.Kind         // of the cooldown; Fine: an operator's, or another node's
	fails    int                   // refusals and failures in a row
	failedAt int64                 // the latest of them, or the end of its cooldown if that is later
	lapseAt  int64                 // when a reported limit lapses; 0 = none is in force
	begun    [CooldownCauses]int64 // cooldowns on this node; kept by uncool
	// failUntil is when the failure rate falls to half, Unix ns; 0 = it is 0.
	failUntil int64
	// While half-open: since and until when, how long it lasts, up to how many
	// requests of which epoch, and whether the one request is of an earlier epoch.
	probeSince, probeUntil, probeSpan, probeCap, probeEpoch int64
	probeOut                                                bool
}

// alarm returns when the gate changes by itself; 0 = it does not.
func (g *gate) alarm() int64 {
	at := g.coolUntil
	if at == 0 {
		at = g.probeUntil
	}
	for _, t := range [...]int64{g.lapseAt, g.failUntil} {
		if t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// awake moves the gate on to an instant: from cooling down to half-open to
// open, and out of reported limits that have lapsed. It reports whether the gate
// changed, and whether limits did, which the group's view must follow.
func (h *handle) awake(now int64) (changed, relimit bool) {
	changed = h.forget(now)
	if h.coolUntil != 0 && h.coolUntil <= now {
		changed = true
		end := h.coolUntil
		if h.coolUntil = 0; h.wary {
			h.wary = false
			h.probe(end, min(max(h.length, int64(shortestGuess)), int64(longestProbe)))
		}
	}
	if h.lapseAt != 0 && h.lapseAt <= now {
		changed, relimit = true, true
		h.lapse(now)
		h.lapseAt = h.nextLapse()
		if h.coolUntil != 0 {
			h.wary = true
		} else {
			h.probe(now, int64(longestProbe))
		}
	}
	if h.probeUntil != 0 && h.probeUntil <= now {
		if h.probeTaken() {
			h.cause = provider.Fine
			h.open()
			return true, relimit
		}
		h.probeUntil += ((now-h.probeUntil)/h.probeSpan + 1) * h.probeSpan // nobody has asked yet
	}
	return changed, relimit
}

// probe makes the gate half-open.
func (h *handle) probe(since, span int64) {
	h.probeSince, h.probeSpan, h.probeUntil = since, span, since+span
	h.probeEpoch, h.probeOut = math.MinInt64, false
	h.note()
}

// open ends the half-open state.
func (h *handle) open() {
	h.probeUntil, h.probeCap = 0, 0
	h.note()
}

// note brings up to date what requests see of the gate.
func (h *handle) note() {
	h.half.Store(h.probeUntil != 0)
	h.doubted.Store(h.probeUntil != 0 || h.fails != 0)
}

// uncool ends a cooldown and what follows it.
func (h *handle) uncool() {
	h.coolUntil, h.coolSince, h.wary, h.tellUntil, h.fails, h.cause = 0, 0, false, 0, 0, provider.Fine
	h.open()
}

// chill makes the deployment cool down from now on for d, for a cause. It never
// shortens a cooldown.
func (h *handle) chill(now int64, d time.Duration, cause provider.Kind) bool {
	until := now + int64(d)
	if until <= h.coolUntil {
		return false
	}
	h.count(now, causeOf(cause))
	h.coolSince, h.coolUntil, h.length, h.wary, h.cause = now, until, int64(d), true, cause
	h.failedAt = max(h.failedAt, until)
	h.open()
	return true
}

// failed counts one more refusal or failure in a row. The count drops by one for
// each failMemory that has passed since the one before.
func (h *handle) failed(now int64) {
	if idle := now - h.failedAt; idle > 0 {
		h.fails = int(max(int64(h.fails)-idle/failMemory, 0))
	}
	h.fails++
	h.failedAt = max(h.failedAt, now)
	h.note()
}

// judge draws the conclusions from what became of a call that was sent at an
// instant. It reports whether the gate changed.
func (h *handle) judge(g *Group, s *provider.Signal, sent, now int64) bool {
	switch s.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		opened, early := h.succeeded(sent)
		if s.Kind == provider.Fine && !early {
			return h.absolve() || opened
		}
		return opened
	case provider.RateLimit:
	case provider.Overloaded, provider.Other:
		if s.Weak {
			h.blame(now, weakShift)
			return false
		}
		h.blame(now, failureShift)
	case provider.NoMoney:
		h.blame(now, failureShift)
	}
	known := h.coolSince != 0 && sent <= h.coolSince // the cooldown follows a refusal of the same burst
	if !known {
		h.failed(now)
	}
	switch {
	case s.Kind == provider.NoMoney && s.RetryAfter > 0:
		return h.obey(now, s.RetryAfter, s.Kind)
	case s.RetryAfter > 0:
		return h.obey(now, h.untilMinute(s, now), s.Kind)
	case known:
		return false
	case s.Kind == provider.NoMoney && g.spare(h):
		return h.obey(now, emptyAccount, s.Kind)
	case s.Kind == provider.NoMoney:
		return h.obey(now, emptyAccountAlone, s.Kind)
	case h.probeUntil == 0 && h.cfg.tolerates(s.Kind, h.fails):
		return false
	case !g.spare(h):
		return false
	}
	return h.chill(now, h.cfg.guess(h.fails), s.Kind)
}

// tolerates reports whether a count of failures in a row begins no cooldown. By default
// a single one does not.
func (d *Deployment) tolerates(kind provider.Kind, fails int) bool {
	if kind == provider.Other {
		return fails < cmp.Or(d.Failures, 2)
	}
	return kind == provider.Overloaded && fails < d.Failures
}

// guess returns the length of a cooldown that the provider did not say, after a count
// of failures in a row.
func (d *Deployment) guess(fails int) time.Duration {
	if d.Cooldown > 0 {
		return d.Cooldown
	}
	return min(shortestGuess<<min(fails-1, 10), longestGuess)
}

// succeeded takes in that a request sent at an instant was answered well. It
// reports whether that opened the gate: only a request sent after the cooldown
// does. Early says that this one was sent before.
func (h *handle) succeeded(sent int64) (opened, early bool) {
	switch {
	case h.coolUntil != 0, h.probeUntil != 0 && sent < h.probeSince, h.coolSince != 0 && sent <= h.coolSince:
		return false, true
	}
	h.fails, h.cause, opened = 0, provider.Fine, h.probeUntil != 0
	h.open()
	return opened, false
}

// obey is chill for as long as the provider said, which other nodes are told too.
func (h *handle) obey(now int64, d time.Duration, cause provider.Kind) bool {
	h.tell(now+int64(d), now)
	return h.chill(now, d, cause)
}

// untilMinute returns how long to stay away. Where the provider counts in minutes
// of the clock, a wait in whole seconds that leads just over the end of one ends
// with it: it was rounded up.
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

// spare reports whether the group has another deployment that takes requests.
func (g *Group) spare(but *handle) bool {
	for _, h := range g.view.Load().handles {
		if h != but && h.enabled && !h.gone && h.coolUntil == 0 {
			return true
		}
	}
	return false
}

// proven takes in that a request sent at an instant has consumed something.
func (h *handle) proven(sent int64) {
	if !h.doubted.Load() {
		return
	}
	h.locked(func(g *Group, _ int64) {
		if opened, _ := h.succeeded(sent); opened {
			h.changed()
			g.line.recall()
		}
	})
}
