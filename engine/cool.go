package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// emptyAccount is how long a deployment cools down whose account has nothing
	// left: nobody says for how long.
	emptyAccount = 10 * time.Minute
	// shortestGuess is the cooldown after a refusal that does not say how long it
	// lasts. It doubles with each further one in a row, up to longestGuess.
	shortestGuess = time.Second
	longestGuess  = 30 * time.Second
	// longestProbe is how long a deployment waits at most for the answer to the
	// one request that follows a cooldown.
	longestProbe = 10 * time.Second
)

// gate is when a deployment takes requests. All but half is under the mutex of
// the handle's group.
type gate struct {
	coolUntil int64 // Unix ns; 0 = not cooling down
	// wary says that a provider's word began the cooldown, so that one request goes
	// first when it is over.
	wary   bool
	length int64 // of the latest cooldown
	fails  int   // refusals and failures in a row
	// failUntil is when the failure rate falls to half, Unix ns; 0 = it is 0.
	failUntil int64
	// While half-open: since and until when, and up to how many requests of which
	// epoch.
	probeSince, probeUntil, probeCap, probeEpoch int64
}

// alarm returns when the gate changes by itself; 0 = it does not.
func (g *gate) alarm() int64 {
	at := g.probeUntil
	if g.coolUntil != 0 {
		at = g.coolUntil
	}
	if g.failUntil != 0 && (at == 0 || g.failUntil < at) {
		at = g.failUntil
	}
	return at
}

// awake moves the gate on to an instant: from cooling down to half-open to open.
// It reports whether anything changed.
func (h *handle) awake(now int64) (changed bool) {
	changed = h.forget(now)
	if h.coolUntil != 0 && h.coolUntil <= now {
		changed = true
		end := h.coolUntil
		if h.coolUntil = 0; h.wary {
			h.wary = false
			h.probeSince, h.probeEpoch = end, math.MinInt64
			h.probeUntil = end + min(max(h.length, int64(shortestGuess)), int64(longestProbe))
			h.half.Store(true)
		}
	}
	if h.probeUntil != 0 && h.probeUntil <= now {
		h.open()
		return true
	}
	return changed
}

// open ends the half-open state.
func (h *handle) open() {
	h.probeUntil, h.probeCap = 0, 0
	h.half.Store(false)
}

// chill makes the deployment cool down from now on for d, at a provider's word or
// after a guess. It never shortens a cooldown.
func (h *handle) chill(now int64, d time.Duration) bool {
	until := now + int64(d)
	if until <= h.coolUntil {
		return false
	}
	h.open()
	h.coolUntil, h.length, h.wary = until, int64(d), true
	return true
}

// judge draws the conclusions from what became of a call. It reports whether
// the gate changed.
func (f *frame) judge(i int, s *provider.Signal, m Mark, now int64) bool {
	h := f.handles[i]
	switch s.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		if h.coolUntil != 0 || h.probeUntil != 0 && !m.none() && m.at() < h.probeSince-1e6 {
			return false // sent before the cooldown was over
		}
		h.fails = 0
		changed := h.probeUntil != 0
		h.open()
		if s.Kind == provider.Fine {
			changed = h.absolve() || changed
		}
		return changed
	case provider.NoMoney:
		h.fails++
		h.blame(now, failureShift)
		return h.obey(now, max(s.RetryAfter, emptyAccount))
	case provider.RateLimit:
	case provider.Overloaded, provider.Other:
		if s.Weak {
			h.blame(now, weakShift)
			return false
		}
		h.blame(now, failureShift)
	}
	h.fails++
	switch {
	case s.RetryAfter > 0:
		return h.obey(now, h.untilMinute(s, now))
	case s.Kind == provider.Other && h.fails < 2:
		return false // once is no pattern
	case !f.spare(i):
		return false
	}
	return h.chill(now, min(shortestGuess<<min(h.fails-1, 10), longestGuess))
}

// obey is chill for as long as the provider said, which other nodes are told too.
func (h *handle) obey(now int64, d time.Duration) bool {
	h.tell(now+int64(d), now)
	return h.chill(now, d)
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

// probes returns up to how many requests a half-open deployment may take, when
// others have just added some: one more than there were when it began, or than
// the minute began with.
func (f *frame) probes(i int, others int64) int64 {
	h := f.handles[i]
	if h.probeEpoch != f.Epoch {
		h.probeEpoch, h.probeCap = f.Epoch, f.cells[i].Requests()+1
	}
	h.probeCap += others
	return h.probeCap
}

// spare reports whether the group has another deployment that takes requests.
func (f *frame) spare(i int) bool {
	for j, h := range f.handles[:f.candidates()] {
		if j != i && h.enabled && !h.gone && h.coolUntil == 0 {
			return true
		}
	}
	return false
}

// proven ends the half-open state: a request has been answered.
func (h *handle) proven() {
	if !h.half.Load() {
		return
	}
	h.change(func(int64) {
		if h.probeUntil != 0 {
			h.fails = 0
			h.open()
		}
	})
}
