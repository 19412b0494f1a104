package engine

import "github.com/plimsoll-dev/plimsoll/window"

// days are what nodes tell each other of a deployment's day, beside the meters
// that count it. Under the mutex of the group in which the handle has its place.
type days struct {
	zone       window.Zone
	cur, prev  dayShare
	next       dayShare // told ahead; its index says of which day
	configured bool     // there are limits of days
}

// dayShare is one day's share: what the others used and how far this node may
// go, and what Collect last said.
type dayShare struct {
	index, start       int64 // start in Unix seconds
	others, ceil, told amounts
	foreign            amounts // as foreign has it
	listed             bool    // Collect has spoken of it
	closed             bool    // Collect need not speak of it any more
	known              bool    // Absorb has spoken of it
}

// closesAfter is how many seconds after a day has ended Collect speaks of what
// changed in it: as long as it does of a minute, and then once more.
const closesAfter = 120

func newDayShare(index, start int64) dayShare {
	return dayShare{index: index, start: start, ceil: amounts{window.Max, window.Max, window.Max, window.Max}}
}

// elsewhere returns what of a day's usage is not this node's.
func (d *dayShare) elsewhere(k dim) int64 { return d.others[k] + d.foreign[k] }

// own returns this node's part of what a meter counted of a day.
func (d *dayShare) own(m *meter) int64 {
	n, ok := m.c.UsedIn(d.index)
	if !ok {
		return 0
	}
	return max(n-d.elsewhere(m.dim), 0)
}

// startDays begins the day of an epoch anew unless it is known already: counters
// of another zone are other counters.
func (h *handle) startDays(ms *meters, epoch int64) {
	for i := range ms.len() {
		m := &ms.list[i]
		if !m.daily {
			continue
		}
		if d := h.days; !d.configured || d.zone != m.zone {
			h.leaveDays() // of the other zone
			day := window.DayOf(epoch, m.zone)
			cur := newDayShare(day.Index, day.Start/1e9)
			*d = days{zone: m.zone, configured: true, cur: cur, prev: dayShare{index: day.Index - 1, closed: true}}
		}
		return
	}
}

// rollDay brings the meters of days to the day of an epoch.
func (h *handle) rollDay(ms *meters, epoch int64) {
	d := h.days
	if !d.configured {
		return
	}
	w := window.DayIndex(epoch, d.zone)
	if w == d.cur.index {
		return
	}
	next := newDayShare(w, window.DayOf(epoch, d.zone).Start/1e9)
	if d.next.index == w && d.next.start != 0 {
		next.others, next.ceil, next.known = d.next.others, d.next.ceil, d.next.known
	}
	var before, skipped, counted amounts
	for i := range ms.list {
		if m := &ms.list[i]; m.daily {
			k := m.dim
			counted[k] = 1
			before[k], skipped[k] = m.c.Roll(w, next.others[k], m.capped(next.ceil[k], next.others[k]))
		}
	}
	next.keepCounted(&counted)
	ms.pooledDay(w, &next.others, &amounts{})
	h.leaveDay(&d.prev, &before)
	if d.cur.index == w-1 {
		d.prev = d.cur
	} else {
		h.leaveDay(&d.cur, &skipped)
		d.prev = dayShare{index: w - 1, closed: true}
	}
	d.cur, d.next = next, dayShare{}
}

// keepCounted forgets what was told of what no meter counts.
func (d *dayShare) keepCounted(counted *amounts) {
	for k, n := range counted {
		if n == 0 {
			d.others[k], d.ceil[k] = 0, window.Max
		}
	}
}

// leaveDay keeps the last report of a day that the meters have left behind, if
// it is not what the last Collect said.
func (h *handle) leaveDay(d *dayShare, used *amounts) {
	if d.closed {
		return
	}
	var own amounts
	for k := range own {
		own[k] = max(used[k]-d.elsewhere(dim(k)), 0)
	}
	if own != d.told {
		h.e.rest.keep(h.dayReport(d, &own), &h.e.dropped)
	}
	d.closed = true
}

// leaveDays keeps the last reports of a handle about to be dropped.
func (h *handle) leaveDays() {
	ms := h.meters.Load()
	if ms == nil || !h.days.configured {
		return
	}
	for _, d := range [...]*dayShare{&h.days.prev, &h.days.cur} {
		var used amounts
		for i := range ms.list {
			if m := &ms.list[i]; m.daily {
				used[m.dim] = d.own(m) + d.elsewhere(m.dim)
			}
		}
		h.leaveDay(d, &used)
	}
}

func (h *handle) dayReport(d *dayShare, own *amounts) window.Report {
	return window.Report{
		Tally: window.Tally{
			ID: h.id, Start: d.start, Kind: window.KindOf(h.days.zone), Requests: own[dimRequests], Tokens: own[dimTokens],
		},
		RequestLimit: h.cfg.Limits.RPD, TokenLimit: h.cfg.Limits.TPD,
	}
}

// collectDay reports the present day if anything changed or nothing was said of
// it yet, and the one before while that may still change.
func (h *handle) collectDay(dst []window.Report, now int64) []window.Report {
	ms := h.meters.Load()
	if ms == nil || !h.days.configured {
		return dst
	}
	prev, cur := &h.days.prev, &h.days.cur
	if !prev.closed {
		dst = h.collectOne(dst, ms, prev)
		prev.closed = now/1e9 >= cur.start+closesAfter
	}
	return h.collectOne(dst, ms, cur)
}

func (h *handle) collectOne(dst []window.Report, ms *meters, d *dayShare) []window.Report {
	var own amounts
	for i := range ms.list {
		if m := &ms.list[i]; m.daily {
			own[m.dim] = d.own(m)
		}
	}
	if own == d.told && (d.listed || h.gone) {
		return dst
	}
	d.told, d.listed = own, true
	return append(dst, h.dayReport(d, &own))
}

// absorbDay takes in what the others used of a day. It reports whether that was
// the present one. Under the group's mutex.
func (h *handle) absorbDay(in *window.Share) (present bool) {
	ms, d := h.meters.Load(), h.days
	if ms == nil || !d.configured || in.Kind != window.KindOf(d.zone) {
		return false
	}
	index := window.DayIndex(window.EpochOf(in.Start), d.zone)
	switch index {
	case d.cur.index:
		h.tellDay(ms, in)
		return true
	case d.cur.index + 1:
		if d.next.index != index || d.next.start == 0 {
			d.next = newDayShare(index, in.Start)
		}
		d.next.set(in)
	}
	return false
}

// tellDay sets the others' usage of the present day, and the ceilings.
func (h *handle) tellDay(ms *meters, in *window.Share) {
	d := &h.days.cur
	was := d.others
	d.set(in)
	var counted amounts
	for i := range ms.list {
		if m := &ms.list[i]; m.daily {
			k := m.dim
			counted[k] = 1
			m.c.Shift(d.others[k]-was[k], m.capped(d.ceil[k], d.elsewhere(k)))
		}
	}
	d.keepCounted(&counted)
	ms.pooledDay(d.index, &d.others, &was)
}

func (d *dayShare) set(in *window.Share) {
	d.known = d.known || in.Requests >= 0 || in.Tokens >= 0
	d.others[dimRequests], d.others[dimTokens] = known(in.Requests, d.others[dimRequests]), known(in.Tokens, d.others[dimTokens])
	d.ceil[dimRequests], d.ceil[dimTokens] = ceiling(in.CeilingRequests), ceiling(in.CeilingTokens)
}
