package engine

import (
	"math"

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

// meter is one limit that the cells of the frames know nothing of.
type meter struct {
	c       *window.Meter // the same as long as the handle lives
	dim     dim
	daily   bool // of a day, else of a minute
	why     reason
	most    int64 // the limit, window.Max = unlimited
	limit   int64 // as configured
	inverse uint64
	bit     metered
}

// meters are a deployment's further limits, in the order in which they are
// reserved. They never change: Apply makes new ones, with the same counters.
// Once a limit was set its counter goes on, whether it is still limited or not.
//
// The counters belong to the deployment, not to a frame: they roll over with the
// frames, before one is published.
type meters struct {
	list  []meter
	kinds metered // a bit for each kind in list
}

// meterKinds are all limits there are, in the order in which they are reserved.
var meterKinds = [...]struct {
	dim   dim
	daily bool
	why   reason
	of    func(*Limits) int64
}{
	{dimInput, false, whyInput, func(l *Limits) int64 { return l.InputTPM }},
	{dimOutput, false, whyOutput, func(l *Limits) int64 { return l.OutputTPM }},
	{dimTokens, true, whyDayTokens, func(l *Limits) int64 { return l.TPD }},
	{dimRequests, true, whyDayRequests, func(l *Limits) int64 { return l.RPD }},
}

// metered is what a lease remembers of the meters that admitted it:
// [meters:5][input tokens:43], a bit for each of meterKinds; 0 = none.
type metered uint64

const meteredShift = 43

func (m metered) input() int64 { return int64(m & (1<<meteredShift - 1)) }

// metered returns what a lease remembers.
func (ms *meters) metered(input int64) metered {
	if ms == nil {
		return 0
	}
	return ms.kinds<<meteredShift | metered(input)
}

// measure returns the meters for limits, with the counters of those there were;
// new ones begin in the window of an epoch. Nil: there are none.
func (ms *meters) measure(l *Limits, epoch int64) *meters {
	n := &meters{}
	for i, k := range meterKinds {
		limit := k.of(l)
		m := meter{dim: k.dim, daily: k.daily, why: k.why, limit: limit, most: capOf(limit)}
		if o := ms.find(k.why); o != nil {
			m.c = o.c
		} else if limit != 0 {
			m.c = window.NewMeter(m.window(epoch), m.most)
		} else {
			continue
		}
		m.inverse = invert(m.most)
		m.bit = 1 << i << meteredShift
		n.kinds |= 1 << i
		n.list = append(n.list, m)
	}
	if n.list == nil {
		return nil
	}
	return n
}

func (ms *meters) find(why reason) *meter {
	if ms == nil {
		return nil
	}
	for i := range ms.list {
		if ms.list[i].why == why {
			return &ms.list[i]
		}
	}
	return nil
}

// window returns the index of the meter's window that holds an epoch.
func (m *meter) window(epoch int64) int64 {
	if m.daily {
		return window.DayOf(epoch, window.UTC).Index
	}
	return epoch
}

// end returns when the meter's window that holds an epoch ends.
func (m *meter) end(epoch int64) int64 {
	if m.daily {
		return window.DayOf(epoch, window.UTC).End
	}
	return window.Start(epoch + 1)
}

// roll brings the meters to an epoch about to be published. Under the group's
// mutex.
func (ms *meters) roll(epoch int64) {
	if ms == nil {
		return
	}
	for i := range ms.list {
		m := &ms.list[i]
		m.c.Roll(m.window(epoch), 0, m.most)
	}
}

// recap sets how far admissions may go. Under the group's mutex.
func (ms *meters) recap() {
	if ms == nil {
		return
	}
	for i := range ms.list {
		ms.list[i].c.SetCap(ms.list[i].most)
	}
}

// take counts a request in the meters of an epoch within a part of their caps,
// all of them or none.
func (ms *meters) take(p window.Part, epoch int64, a *amounts) window.Outcome {
	for i := range ms.list {
		m := &ms.list[i]
		if o := m.c.TakeIn(p, m.window(epoch), a[m.dim]); o != window.Taken {
			ms.give(i, epoch, a)
			return o
		}
	}
	return window.Taken
}

// undo takes back what take has counted, last first.
func (ms *meters) undo(epoch int64, a *amounts) { ms.give(len(ms.list), epoch, a) }

func (ms *meters) give(n int, epoch int64, a *amounts) {
	for i := n - 1; i >= 0; i-- {
		m := &ms.list[i]
		m.c.Add(m.window(epoch), -a[m.dim])
	}
}

// adjust adds differences in the windows of an epoch, to those meters that a
// lease remembers: while such a window is the
// present or the previous one. Later a positive difference counts in the present
// window, a negative one nowhere. It reports whether any was negative.
func (ms *meters) adjust(of metered, epoch int64, a *amounts) (less bool) {
	for i := range ms.list {
		m := &ms.list[i]
		n := a[m.dim]
		if n == 0 || of&m.bit == 0 {
			continue
		}
		less = less || n < 0
		if !m.c.Add(m.window(epoch), n) && n > 0 {
			m.c.AddNow(n)
		}
	}
	return less
}

// short returns what keeps a request from fitting; whyNothing: it fits. Limits
// on tokens count only if tokens says so. Sure means that attempts half way have
// no meter ahead of them that could make them give back what they took of this.
func (ms *meters) short(p window.Part, a *amounts, tokens bool) (why reason, sure bool) {
	for i := range ms.list {
		m := &ms.list[i]
		if (tokens || m.dim == dimRequests) && a[m.dim] > m.c.RoomIn(p) {
			why, sure = max(why, m.why), sure || ms.last(i)
		}
	}
	return why, sure
}

// last reports whether no later meter has a limit.
func (ms *meters) last(i int) bool {
	for i++; i < len(ms.list); i++ {
		if ms.list[i].most != window.Max {
			return false
		}
	}
	return true
}

// room returns the most tokens a request may take, -1 if none takes a request
// at all, which limit says so, and sure as short does.
func (ms *meters) room(p window.Part) (tokens int64, why reason, sure bool) {
	tokens = math.MaxInt64
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

// ratio returns the largest used/limit, as ratio does.
func (ms *meters) ratio() (most uint64) {
	for i := range ms.list {
		m := &ms.list[i]
		most = max(most, ratio(uint64(m.c.Used()), m.inverse))
	}
	return most
}

// count adds what was recorded, whatever the limits.
func (ms *meters) count(a *amounts) {
	for i := range ms.list {
		m := &ms.list[i]
		m.c.AddNow(a[m.dim])
	}
}

// today reports whether something was counted in the day of an epoch, which
// adding the deployment again must not double.
func (ms *meters) today(epoch int64) bool {
	if ms == nil {
		return false
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.daily && m.c.In(m.window(epoch)) && m.c.Used() != 0 {
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
