package model

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

const (
	minute = int64(time.Minute)
	hour   = 60 * minute
	day    = 24 * hour
)

// amount is what a request counts.
type amount struct{ in, out, requests int64 }

func (a amount) tokens() int64 { return a.in + a.out }

// limit is one limit of a deployment or of a pool.
type limit struct {
	name engine.Limit
	max  func(engine.Limits) int64
	of   func(amount) int64
	// Windows: their length and phase. Buckets have neither.
	length, phase int64
	used          map[int64]int64
	others        map[int64]others // by window; nil: the limit is not shared
	bucket        *rule.Ledger
	loose         int64 // ns of refill by which the engine may be behind, rounding included
}

// others is what a share says of a window: what other nodes used, and how far this node's
// own usage may go.
type others struct{ used, ceiling int64 }

// unlimited is a limit that is not set, and a ceiling that is none.
const unlimited = int64(1) << 50

// shares says that a deployment's usage is shared: its requests and tokens of a minute
// then have ceilings, with limits and without.
func (d *deployment) shares() bool {
	p := &d.cfg.Profile
	return d.shared && p.Shape == provider.Minute && p.Phase == 0 && p.RequestWindow == 0 && p.Pool == ""
}

// limitsOf returns the limits of a deployment, those that are set.
func limitsOf(d *deployment) (ls []*limit) {
	p, caps := &d.cfg.Profile, d.caps()
	add := func(name engine.Limit, length int64, most func(engine.Limits) int64, of func(amount) int64) {
		n := most(caps)
		if n == 0 && d.shares() && (name == engine.LimitRPM || name == engine.LimitTPM) {
			n, most = unlimited, func(engine.Limits) int64 { return unlimited }
		}
		if n == 0 {
			return
		}
		l := &limit{name: name, max: most, of: of}
		if d.shares() {
			l.others = map[int64]others{}
		}
		switch {
		case length == minute && p.Shape == provider.Bucket:
			l.bucket = &rule.Ledger{Limit: n}
			l.loose = 1000
		case length >= hour:
			l.length, l.used = length, map[int64]int64{}
		default:
			l.length, l.phase, l.used = length, int64(p.Phase), map[int64]int64{}
		}
		ls = append(ls, l)
	}
	requests := func(a amount) int64 { return a.requests }
	add(engine.LimitInputTPM, minute, func(l engine.Limits) int64 { return l.InputTPM }, func(a amount) int64 { return a.in })
	add(engine.LimitOutputTPM, minute, func(l engine.Limits) int64 { return l.OutputTPM }, func(a amount) int64 { return a.out })
	add(engine.LimitTPM, minute, func(l engine.Limits) int64 { return l.TPM }, amount.tokens)
	add(engine.LimitTPH, hour, func(l engine.Limits) int64 { return l.TPH }, amount.tokens)
	add(engine.LimitTPD, day, func(l engine.Limits) int64 { return l.TPD }, amount.tokens)
	add(engine.LimitRPM, minute, func(l engine.Limits) int64 { return l.RPM }, requests)
	add(engine.LimitRPH, hour, func(l engine.Limits) int64 { return l.RPH }, requests)
	add(engine.LimitRPD, day, func(l engine.Limits) int64 { return l.RPD }, requests)
	if w := int64(p.RequestWindow); w != 0 && w != minute {
		add(engine.LimitRPM, w, func(l engine.Limits) int64 {
			if l.RPM <= 0 {
				return l.RPM
			}
			return max(l.RPM*w/minute, 1)
		}, requests)
	}
	return ls
}

func (l *limit) window(at int64) int64 {
	n := at - l.phase
	return (n - (n%l.length+l.length)%l.length) / l.length
}

// charge adds a difference to what was counted at an instant; held: what is negative
// the provider itself has reserved, and gives back now.
func (l *limit) charge(now, at, n int64, held bool) {
	switch {
	case n == 0:
	case l.bucket != nil && n < 0 && held:
		l.bucket.Return(now, -n)
	case l.bucket != nil && n > 0:
		l.bucket.Add(now, n)
	case l.bucket != nil:
		l.bucket.Add(at, n)
		switch age := now - at; {
		case age < 15<<31: // within half a minute it is known to 2 s
			l.loose += min(age, 1<<31) + 1
		case age < 15<<35:
			l.loose += 1 << 35
		default:
			l.loose += -n * minute / max(l.bucket.Limit, 1)
		}
	default:
		w, present := l.window(at), l.window(now)
		if n > 0 && w < present-1 {
			w = present
		}
		l.used[w] = max(l.used[w]+n, 0)
	}
}

// fit is how sure it is that something fits.
type fit int

const (
	no fit = iota
	unsure
	yes
)

// fits says whether n fit under a cap. A cap below zero admits nothing.
func (l *limit) fits(now, n, most int64) fit {
	switch {
	case most < 0:
		most = 0
		fallthrough
	case l.bucket == nil:
		if l.bucket == nil && l.fitsWindow(l.window(now), n, most) || l.bucket != nil && n == 0 {
			return yes
		}
		return no
	}
	// A part of a bucket: what may be used is a part of the limit.
	wait, never := l.bucket.Wait(now, n+l.bucket.Limit-most)
	switch {
	case n > most || never && n+l.bucket.Limit-most > l.bucket.Limit, wait > 0:
		return no
	case l.behind(now, n, most):
		return unsure
	}
	return yes
}

// fitsWindow says whether n fit in a window under a cap, and under the ceiling, of which
// a class takes no part.
func (l *limit) fitsWindow(w, n, most int64) bool {
	o, ok := l.others[w]
	return l.used[w]+o.used+n <= most && (!ok || l.used[w]+n <= o.ceiling)
}

// absorb takes in a share: of the window that runs, or of the one after it.
func (l *limit) absorb(now, w, used, ceiling int64) {
	if present := l.window(now); l.others == nil || w != present && w != present+1 {
		return
	}
	switch {
	case ceiling == 0:
		ceiling = unlimited
	case ceiling < 0:
		ceiling = 0
	}
	if used < 0 { // unknown: what was known stays
		used = l.others[w].used
	}
	l.others[w] = others{used, ceiling}
}

// behind reports whether the engine, counting more by what it may be behind, may
// refuse.
func (l *limit) behind(now, n, most int64) bool {
	extra := l.loose*l.bucket.Limit/minute + 2
	wait, never := l.bucket.Wait(now, n+l.bucket.Limit-most+extra)
	return wait > 0 || never
}

// share returns what a class may use of a cap.
func share(most int64, class float64) int64 {
	if most <= 0 {
		return most
	}
	return int64(math.Floor(float64(most)*class + 1e-9))
}
