package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// dim is what a limit counts.
type dim uint8

const (
	dimInput dim = iota
	dimOutput
	dimTokens
	dimRequests
	dims = iota
)

// amounts are what a request counts in each dimension.
type amounts [dims]int64

// meter is one limit that the cells of the frames know nothing of, by one of
// three rules: windows that follow the frames (minutes or days), windows that
// follow the clock, or a bucket. An instant now is 0 where the rule needs none.
type meter struct {
	c       *window.Meter  // nil: a bucket
	b       *window.Bucket // nil: windows; both are the same as long as the rule is
	inverse uint64         // of the limit, of a bucket's whole
	dim     dim
	why     reason
	meterRule
	bit   metered
	most  int64 // the limit, window.Max = unlimited
	limit int64 // the same as State shows it: 0 = unlimited
	// configured is most without what the provider has reported.
	configured int64
	since      int64 // when the deployment began to count here, if it counted elsewhere before; else 0
	// The phase of windows that follow the clock: whole windows, and the rest.
	turns, rest int64
}

// meterRule says when usage goes away. The zero rule is the UTC minute.
type meterRule struct {
	length, phase int64 // ns; windows follow the clock unless length is 0
	daily         bool  // windows are days
	bucket        bool
	byDay         bool // windows are days, but follow the clock
	zone          window.Zone
}

// minutely reports whether windows are the frames' own minutes: then nodes tell
// each other what such a meter counts.
func (r *meterRule) minutely() bool { return !r.daily && !r.timed() }

// follows reports whether windows follow the clock.
func (r *meterRule) follows() bool { return r.length != 0 || r.byDay }

// timed reports whether the rule needs an instant.
func (r *meterRule) timed() bool { return r.bucket || r.follows() }

// window returns the index of the window that holds an epoch, or an instant.
func (m *meter) window(epoch, now int64) int64 {
	switch {
	case m.length != 0:
		return (now - m.phase) / m.length
	case m.byDay:
		return window.DayIndex(window.EpochAt(now), m.zone)
	case m.daily:
		return window.DayIndex(epoch, m.zone)
	}
	return epoch
}

// end returns when that window ends.
func (m *meter) end(epoch, now int64) int64 {
	switch {
	case m.length != 0:
		return (m.window(epoch, now)+1)*m.length + m.phase
	case m.byDay:
		return window.DayOf(window.EpochAt(now), m.zone).End
	case m.daily:
		return window.DayOf(epoch, m.zone).End
	}
	return window.Start(epoch + 1)
}

// take counts n if they fit within a part of the cap. Sealed: the epoch, or the
// window of the instant, has passed.
func (m *meter) take(p window.Part, epoch, now, n int64) window.Outcome {
	switch {
	case m.bucket:
		if !m.b.TakeIn(p, now, n) {
			return window.Refused
		}
		return window.Taken
	case m.follows():
		return m.c.TakeAt(p, m.window(epoch, now), n)
	}
	return m.c.TakeIn(p, m.window(epoch, now), n)
}

// undo takes back what take has just counted, at an instant.
func (m *meter) undo(epoch, at, n int64) {
	switch {
	case m.bucket:
		m.b.Add(at, -n)
	case m.follows():
		m.c.TakeBack(m.window(epoch, at), n)
	default:
		m.c.Add(m.window(epoch, at), -n)
	}
}

// adjust adds a difference to what was counted in an epoch and at an instant: in
// windows, while that is the present or the previous one;
// later a positive difference counts in the present window, a negative one
// nowhere. Of a bucket's charge, of so much in all, what has refilled since is not
// given back.
func (m *meter) adjust(epoch, at, now, n, charged int64) {
	switch {
	case m.bucket && n < 0:
		m.b.Refund(at, now, -n, charged)
	case m.bucket:
		m.b.Add(now, n)
	case m.follows():
		present := m.window(epoch, now)
		m.c.Follow(present)
		if w := m.window(epoch, at); w >= present || n > 0 && w < present-1 {
			m.c.AddNow(n)
		}
	default:
		if !m.c.Add(m.window(epoch, now), n) && n > 0 {
			m.c.AddNow(n)
		}
	}
}

// count adds to what is used at present, whatever the limit.
func (m *meter) count(now, n int64) {
	if m.bucket {
		m.b.Add(now, n)
		return
	}
	if m.follows() {
		m.c.Follow(m.window(0, now))
	}
	m.c.AddNow(n)
}

// used returns what is used at present.
func (m *meter) used(now int64) int64 {
	switch {
	case m.bucket:
		return m.b.Used(now)
	case m.follows():
		return m.c.UsedAt(m.window(0, now))
	}
	return m.c.Used()
}

// fits reports whether take would count n.
func (m *meter) fits(p window.Part, now, n int64) bool {
	if m.bucket {
		return m.b.FitsIn(p, now, n)
	}
	return m.used(now)+n <= p.Of(m.c.Cap())
}

// wait returns how long until n fit, which now do not; never if they are above
// the limit.
func (m *meter) wait(p window.Part, epoch, now, n int64) (after time.Duration, never bool) {
	switch {
	case n > p.Of(m.most):
		return 0, true
	case m.bucket:
		after = m.b.WaitIn(p, now, n)
		return after, after == math.MaxInt64
	}
	return time.Duration(m.end(epoch, now) - now), false
}

// capped returns how far admissions may go in windows: to the limit, and to this
// node's ceiling beyond what others have used.
func (m *meter) capped(ceil, others int64) int64 { return min(m.most, ceil+others) }

// bounded reports whether a limit or a ceiling is set.
func (m *meter) bounded() bool {
	if m.bucket {
		return m.most != window.Max
	}
	return m.c.Cap() != window.Max
}
