package fuzz

import (
	"math"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

const day = 24 * 60 * minute

// never is the wait for what no waiting helps.
const never = time.Duration(math.MaxInt64)

func timeUntil(now, then int64) time.Duration { return time.Duration(then - now) }

// wait is how long until a demand fits on d if nothing else happens; guess says
// that it depends on when leases end.
func (m *model) wait(d *mdep, q engine.Demand, p purpose, now int64) (wait time.Duration, guess bool) {
	empty := slices.DeleteFunc(m.short(d, &musage{}, q, p), func(l engine.Limit) bool { return l == engine.LimitInFlight })
	empty = append(empty, m.shortMeters(d, 0, true, q, p)...)
	if !d.enabled || len(empty) > 0 || m.part(d.cfg.Limits.MaxInFlight, q) < 0 && p != checking {
		return never, false
	}
	at := now
	for {
		u := *d.in(at / minute)
		if u.retry != 0 && at >= now+u.retry {
			u.ceilRequests, u.ceilTokens = 0, 0
		}
		by := m.short(d, &u, q, p)
		next := (at/minute + 1) * minute
		if slices.Contains(by, engine.LimitShare) && u.retry != 0 {
			next = min(next, now+u.retry)
		}
		if slices.Contains(by, engine.LimitInFlight) {
			return 0, true
		}
		for _, l := range m.shortMeters(d, at/minute, false, q, p) {
			if by = append(by, l); l == engine.LimitRPD || l == engine.LimitTPD {
				next = (at/day + 1) * day
			}
		}
		if len(by) == 0 && at >= d.cool {
			return timeUntil(now, at), false
		}
		if d.cool > at && (len(by) == 0 || d.cool < next) {
			next = d.cool
		}
		at = next
	}
}

// checkWait holds an error's RetryAfter against the shortest wait there is.
func (w *world) checkWait(le *engine.LimitError, candidates []*mdep, q engine.Demand, p purpose, now int64) {
	shortest := never
	for _, d := range candidates {
		if ahead := d.usage[d.group.epoch+1]; ahead != nil && *ahead != (musage{}) {
			return // what the next window will bring is no promise
		}
		wait, guess := w.model.wait(d, q, p, now)
		if guess {
			if le.Never {
				w.failf("%+v: never, but a lease may end", le)
			}
			return
		}
		shortest = min(shortest, wait)
	}
	switch {
	case le.Never != (shortest == never):
		w.failf("never = %v, want a wait of %v: %+v", le.Never, shortest, le)
	case !le.Never && le.RetryAfter != shortest, le.Never && le.RetryAfter != 0:
		w.failf("retry after %v, want %v: %+v", le.RetryAfter, shortest, le)
	}
}
