package engine

import (
	"math"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// meters are a deployment's further limits, in the order in which they are
// reserved, and what its provider charges. They never change: Apply makes new
// ones, with the same counters. Once a limit in windows was set its counter goes
// on, whether it is still limited or not.
//
// The counters belong to the deployment, not to a frame: those that follow the
// frames roll over with them, before one is published.
type meters struct {
	list  []meter
	kinds metered       // a bit for each kind in list, and isRated
	clock *window.Clock // nil: no meter needs an instant
	rated bool          // charges are not simply tokens
	rates provider.Rates
	most  amounts // that a request can ever take of each kind; window.Max without a limit and for one of zero
	pool  *pool   // nil: the limits are the deployment's own
	// minute is the meter by which the deployment's minute ends; nil: the frame's.
	minute *meter
}

// unbounded are amounts without limits.
var unbounded = amounts{window.Max, window.Max, window.Max, window.Max}

// len returns how many meters there are.
func (ms *meters) len() int {
	if ms == nil {
		return 0
	}
	return len(ms.list)
}

// now returns the present instant, if a meter needs one.
func (ms *meters) now() int64 {
	if ms.clock == nil {
		return 0
	}
	return ms.clock.Now()
}

// notBefore returns an instant, or, where some meter has got further, the
// beginning of its window.
func (ms *meters) notBefore(now int64) int64 {
	for i := range ms.list {
		for m := &ms.list[i]; m.follows() && m.c.Ahead(m.window(0, now)) != 0; {
			now = m.end(0, now)
		}
	}
	return now
}

// at returns the meter of a kind by its place in meterKinds, nil if there is none.
func (ms *meters) at(kind int) *meter {
	if ms == nil {
		return nil
	}
	for k := range ms.list {
		if m := &ms.list[k]; m.bit == 1<<(meteredKinds+kind) {
			return m
		}
	}
	return nil
}

// volatile reports whether usage goes away within a frame, or charges differ
// from the tokens a demand names: what was found out about room then does not
// last.
func (ms *meters) volatile() bool { return ms.clock != nil || ms.rated }

// recap sets how far admissions may go in the present minute and day; reported says
// that the limits follow from an answer. Under the
// group's mutex.
func (ms *meters) recap(now int64, reported bool, s *share, d *dayShare) {
	if ms == nil {
		return
	}
	for i := range ms.list {
		switch m := &ms.list[i]; {
		case m.bucket && reported:
			m.b.Relimit(now, m.most, deepestDebt)
		case m.bucket:
			m.b.Resize(now, m.most)
		case m.minutely():
			m.c.SetCap(m.capped(s.split[m.dim].ceil, s.split[m.dim].elsewhere()))
		case m.daily:
			m.c.SetCap(m.capped(d.ceil[m.dim], d.elsewhere(m.dim)))
		default:
			m.c.SetCap(m.most)
		}
	}
}

// take counts a request in the meters of an epoch within a part of their caps,
// all of them or none.
func (ms *meters) take(p window.Part, epoch, now int64, a *amounts) window.Outcome {
	for i := range ms.list {
		m := &ms.list[i]
		if o := m.take(p, epoch, now, a[m.dim]); o != window.Taken {
			ms.give(i, epoch, now, a)
			return o
		}
	}
	return window.Taken
}

// undo takes back what take has counted at an instant, last first.
func (ms *meters) undo(epoch, at int64, a *amounts) { ms.give(len(ms.list), epoch, at, a) }

func (ms *meters) give(n int, epoch, at int64, a *amounts) {
	for i := n - 1; i >= 0; i-- {
		m := &ms.list[i]
		m.undo(epoch, at, a[m.dim])
	}
}

// adjust adds differences to what a lease was charged, in the meters it
// remembers; allowed, unless nil, returns how much of one it may. It reports
// whether any was negative. What was charged to other counters before an Apply is
// not given back by these.
func (ms *meters) adjust(l *Lease, a *amounts, allowed func(m *meter, n int64) int64) (less bool) {
	now, at, epoch := ms.now(), l.begun.at(), l.begun.epoch()
	in := l.metered.input()
	charged := amounts{dimInput: in, dimOutput: l.reserved + l.added - in, dimTokens: l.reserved + l.added, dimRequests: 1}
	for i := range ms.list {
		m := &ms.list[i]
		n := a[m.dim]
		if n == 0 || l.metered&m.bit == 0 || n < 0 && at < m.since && m.timed() {
			continue
		}
		if allowed != nil {
			n = allowed(m, n)
		}
		if n != 0 {
			m.adjust(epoch, at, now, n, charged[m.dim])
			less = less || n < 0
		}
	}
	return less
}

// count adds what was recorded, whatever the limits.
func (ms *meters) count(a *amounts) {
	now := ms.now()
	for i := range ms.list {
		m := &ms.list[i]
		m.count(now, a[m.dim])
	}
}

// absorb adds what others have newly used to the limits that follow the clock:
// what they charged in a UTC minute counts when it becomes known, in parts of a
// minute too, of which it may have been an earlier one. Under the group's mutex.
func (ms *meters) absorb(a *amounts) {
	if ms == nil {
		return
	}
	now := ms.now()
	for i := range ms.list {
		if m := &ms.list[i]; m.timed() && !m.byDay {
			m.count(now, a[m.dim])
		}
	}
}

// short returns what keeps a request from fitting at an instant; whyNothing: it fits. Limits
// on tokens count only if tokens says so. Sure means that attempts half way have
// no meter ahead of them that could make them give back what they took of this.
func (ms *meters) short(p window.Part, now int64, a *amounts, tokens bool) (why reason, sure bool) {
	for i := range ms.list {
		m := &ms.list[i]
		if (tokens || m.dim == dimRequests) && !m.fits(p, now, a[m.dim]) {
			why, sure = max(why, m.why), sure || ms.last(i)
		}
	}
	return why, sure
}

// last reports whether no later meter has a limit or a ceiling.
func (ms *meters) last(i int) bool {
	for i++; i < len(ms.list); i++ {
		if ms.list[i].bounded() {
			return false
		}
	}
	return true
}

// room returns the most tokens a request may take, -1 if none takes a request
// at all, which limit says so, and sure as short does. Of volatile meters it says
// nothing.
func (ms *meters) room(p window.Part) (tokens int64, why reason, sure bool) {
	tokens = math.MaxInt64
	if ms.volatile() {
		return tokens, whyNothing, false
	}
	for i := range ms.list {
		m := &ms.list[i]
		switch r := m.c.RoomIn(p); {
		case m.dim == dimRequests && r < 1:
			return -1, m.why, ms.last(i)
		case m.dim == dimTokens && r < tokens:
			tokens, why, sure = r, m.why, ms.last(i)
		}
	}
	return tokens, why, sure
}

// today reports whether something was counted in the day of an epoch, which
// adding the deployment again must not double.
func (ms *meters) today(epoch int64) bool {
	if ms == nil {
		return false
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.daily && m.c.In(m.window(epoch, 0)) && m.c.Used() != 0 {
			return true
		}
	}
	return false
}

// filled reports whether a bucket of the deployment's own is not full again at an
// instant.
func (ms *meters) filled(at int64) bool {
	if ms == nil || ms.pool != nil {
		return false
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.bucket && m.b.Level(at) != 0 {
			return true
		}
	}
	return false
}

// metersOf returns a cell's meters, nil if it has none.
func (l *layout) metersOf(i int) *meters {
	if l.meters == nil {
		return nil
	}
	return l.meters[i]
}
