package engine

import (
	"math"
	"time"

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
	pool  *pool // nil: the limits are the deployment's own
	// minute is the meter by which the deployment's minute ends; nil: the frame's.
	minute *meter
}

// meterKinds are all limits there are, in the order in which they are reserved.
// A plain limit is one that a cell knows.
var meterKinds = [...]struct {
	dim   dim
	why   reason
	limit func(*Deployment) int64
	rule  func(*provider.Profile) (r meterRule, plain bool)
	parts bool // of a minute: plain if there are none
}{
	{dimInput, whyInput, func(d *Deployment) int64 { return d.Limits.InputTPM }, minuteRule, false},
	{dimOutput, whyOutput, func(d *Deployment) int64 { return d.Limits.OutputTPM }, minuteRule, false},
	{dimTokens, whyTokens, func(d *Deployment) int64 { return d.Limits.TPM }, cellRule, false},
	{dimTokens, whyDayTokens, func(d *Deployment) int64 { return d.Limits.TPD }, dayRule, false},
	{dimRequests, whyRequests, func(d *Deployment) int64 { return d.Limits.RPM }, cellRule, false},
	{dimRequests, whyRequests, func(d *Deployment) int64 { return shareOf(d.Limits.RPM, d.Profile.RequestWindow) }, partRule, true},
	{dimRequests, whyDayRequests, func(d *Deployment) int64 { return d.Limits.RPD }, dayRule, false},
}

// minuteRule is the rule for a minute's limit.
func minuteRule(p *provider.Profile) (r meterRule, plain bool) {
	switch {
	case p.Shape == provider.Bucket:
		r.bucket = true
	case p.Phase != 0:
		r.length, r.phase = window.Minute, int64(p.Phase)
	}
	return r, false
}

// cellRule is minuteRule for limits that a cell knows if they are of UTC minutes.
func cellRule(p *provider.Profile) (r meterRule, plain bool) {
	r, _ = minuteRule(p)
	return r, !r.timed()
}

func dayRule(p *provider.Profile) (r meterRule, plain bool) {
	if r.daily = true; p.Day == provider.DayPacific {
		r.zone = window.Pacific
	}
	return r, false
}

// partRule is the rule for requests in parts of a minute.
func partRule(p *provider.Profile) (r meterRule, plain bool) {
	return meterRule{length: int64(p.RequestWindow), phase: int64(p.Phase)}, p.RequestWindow == 0 || int64(p.RequestWindow) == window.Minute
}

// shareOf returns the part of a limit per minute that a shorter window gets,
// rounded down, but at least one.
func shareOf(limit int64, length time.Duration) int64 {
	if limit <= 0 {
		return limit
	}
	return max(limit/window.Minute*int64(length)+limit%window.Minute*int64(length)/window.Minute, 1)
}

// metered is what a lease remembers of the meters that admitted it:
// [rated:1][meters:7][tick:13][input charged:43], a bit for each of meterKinds.
// The tick is how far into its minute it was admitted, rounded down. 0 = none.
type metered uint64

const (
	meteredTick  = 43
	meteredKinds = meteredTick + 13
	isRated      = metered(1) << 63
	leaseTick    = int64(8 * time.Millisecond)
)

func (m metered) input() int64 { return int64(m & (1<<meteredTick - 1)) }

// at returns when the lease was admitted, rounded down to leaseTick.
func (m metered) at(epoch int64) int64 {
	return window.Start(epoch) + int64(m>>meteredTick&(1<<13-1))*leaseTick
}

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

// remember returns what a lease admitted at an instant remembers.
func (ms *meters) remember(epoch, at, input int64) metered {
	if ms == nil {
		return 0
	}
	m := ms.kinds | metered(input)
	if ms.clock != nil {
		tick := min(max(at-window.Start(epoch), 0), window.Minute-1) / leaseTick
		m |= metered(tick) << meteredTick
	}
	return m
}

// measure returns the meters of a deployment, with the counters of those there
// were, or of its pool; new ones begin in the window of an epoch and an instant.
// Nil: none.
func (ms *meters) measure(d *Deployment, clock *window.Clock, pool *pool, epoch, now int64) *meters {
	n := &meters{rates: d.Profile.Rates(), pool: pool}
	if n.rated = d.Profile.Admit != provider.AdmitExpected || !n.rates.Plain() || n.rates.Stands(); n.rated {
		n.kinds = isRated
	}
	for i, k := range meterKinds {
		rule, plain := k.rule(&d.Profile)
		if plain && (pool == nil || k.parts) {
			continue
		}
		limit := k.limit(d)
		m := meter{
			meterRule: rule, dim: k.dim, why: k.why, limit: limit, most: capOf(limit), inverse: invert(capOf(limit)),
			bit: 1 << (meteredKinds + i),
		}
		var o *meter
		carried := false
		if pool != nil {
			m.meterRule = rule.pooled()
			o = pool.counter(m.bit, m.meterRule)
		} else if ms.pooled() == nil || !rule.timed() { // else its counter is the pool's
			o = ms.find(m.bit, rule)
		}
		if o == nil && limit != 0 {
			o = &meter{}
			if m.bucket {
				o.b = window.NewBucket(now, m.most, time.Minute)
			} else {
				o.c = window.NewMeter(m.window(epoch, now), m.most)
			}
			if old := ms.shifted(m.bit, rule); old != nil && pool == nil {
				o.c.AddNow(old.used(now)) // it began at another instant: in doubt all of it is in this window
				carried = true
			}
			if m.c, m.b = o.c, o.b; pool != nil {
				pool.add(m)
			}
		}
		if o != nil && (limit != 0 || !m.bucket) {
			m.c, m.b = o.c, o.b
			if !carried {
				m.since = ms.since(&m, now)
			}
			n.add(m, clock)
		}
		switch {
		case m.timed() && m.dim < splits:
			n.keep(ms.find(m.bit, meterRule{}), m, meterRule{}, epoch)
		case m.byDay:
			n.keep(ms.find(m.bit, rule), m, rule, epoch)
		}
	}
	if n.kinds == 0 {
		return nil
	}
	n.minute = n.minuteOf()
	return n
}

// since returns when a deployment began to count a kind in a meter's counter, if
// leases may have counted it in another one before; else 0.
func (ms *meters) since(m *meter, now int64) (begun int64) {
	for i := range ms.len() {
		if o := &ms.list[i]; o.bit == m.bit {
			if o.c == m.c && o.b == m.b {
				return o.since
			}
			begun = now
		}
	}
	return begun
}

func (ms *meters) add(m meter, clock *window.Clock) {
	if m.bucket {
		m.inverse = invert(m.b.Whole())
	}
	if m.timed() {
		ms.clock = clock
	}
	ms.kinds |= m.bit
	ms.list = append(ms.list, m)
}

// keep adds the count by UTC minutes or days that nodes exchange of a limit that
// another meter has: a meter without a limit, which only a ceiling bounds.
func (ms *meters) keep(old *meter, m meter, rule meterRule, epoch int64) {
	own := meter{dim: m.dim, why: m.why, bit: m.bit, most: window.Max, meterRule: rule}
	switch {
	case old != nil:
		own.c = old.c
	case m.limit == 0:
		return
	default:
		own.c = window.NewMeter(own.window(epoch, 0), window.Max)
	}
	ms.add(own, nil)
}

// find returns the meter of a kind, if it has that rule.
func (ms *meters) find(bit metered, r meterRule) *meter {
	if ms == nil {
		return nil
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.bit == bit && m.meterRule == r {
			return m
		}
	}
	return nil
}

// shifted returns the meter of a kind, if its rule is that but for the phase.
func (ms *meters) shifted(bit metered, r meterRule) *meter {
	if ms == nil || r.length == 0 || ms.pool != nil {
		return nil
	}
	for i := range ms.list {
		if m := &ms.list[i]; m.bit == bit && m.length == r.length {
			return m
		}
	}
	return nil
}

// of returns the meter by the reason it gives, nil if there is none.
func (ms *meters) of(why reason) *meter {
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

// volatile reports whether usage goes away within a frame, or charges differ
// from the tokens a demand names: what was found out about room then does not
// last.
func (ms *meters) volatile() bool { return ms.clock != nil || ms.rated }

// recap sets how far admissions may go in the present minute and day. Under the
// group's mutex.
func (ms *meters) recap(now int64, s *share, d *dayShare) {
	if ms == nil {
		return
	}
	for i := range ms.list {
		switch m := &ms.list[i]; {
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
// remembers. It reports whether any was negative. What was charged to other
// counters before an Apply is not given back by these.
func (ms *meters) adjust(of metered, epoch int64, a *amounts) (less bool) {
	now, at := ms.now(), of.at(epoch)
	for i := range ms.list {
		m := &ms.list[i]
		if n := a[m.dim]; n != 0 && of&m.bit != 0 && !(n < 0 && at < m.since && m.timed()) {
			m.adjust(epoch, at, now, n)
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

// short returns what keeps a request from fitting; whyNothing: it fits. Limits
// on tokens count only if tokens says so. Sure means that attempts half way have
// no meter ahead of them that could make them give back what they took of this.
func (ms *meters) short(p window.Part, a *amounts, tokens bool) (why reason, sure bool) {
	now := ms.now()
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

// metersOf returns a cell's meters, nil if it has none.
func (l *layout) metersOf(i int) *meters {
	if l.meters == nil {
		return nil
	}
	return l.meters[i]
}
