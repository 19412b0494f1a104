package syncer

import (
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/internal/escrow"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// alone is how long a node uses up its grants after the store went away. After that
	// [Config.Away] decides.
	alone = 2 * time.Second
	// longestHold and two intervals must pass after a new epoch began before anything is
	// granted: a node needs as long at most to notice the epoch and add its grants to it.
	longestHold = time.Second
	// Within comingBack after a minute began, other nodes may still return reservations for it.
	// A total that is older than readAgain is then read again.
	comingBack = 500 * time.Millisecond
	readAgain  = 15 * time.Millisecond
	// scarceFor is the number of largest requests per node that a limit must hold for this node
	// to reserve the demand of a minute's opening before the minute begins.
	scarceFor = 3
)

// account is one limit of a window that is held by escrow.
type account struct {
	escrow.Account
	offered int64 // demand in the first two intervals of the minute
}

// accounts are those of a window, in the order of Count's fields; nil = no limit, or one
// that is kept by usage.
type accounts [4]*account

// none reports whether no limit of the window is held by escrow.
func (a *accounts) none() bool { return *a == accounts{} }

// exactly reports whether escrow may hold the limits of a report.
func (s *Syncer) exactly(d *deployment, r *window.Report) bool {
	return !r.Loose && s.reserver != nil && (d.modes[r.Kind].escrows() || d.follows[r.Kind])
}

// setExact updates whether escrow may hold the limits of a report, and gives up open
// accounts if it no longer may.
func (s *Syncer) setExact(d *deployment, r *window.Report) {
	d.loose[r.Kind], d.covered[r.Kind] = r.Loose, r.Covered
	s.warnLoose(d, r)
	exact := s.exactly(d, r)
	if !exact && d.exact[r.Kind] && !r.Loose && !granted(r.ID, r.Kind) {
		exact = true // the modes have changed: those of the windows that run do not
	}
	if exact == d.exact[r.Kind] {
		return
	}
	if d.exact[r.Kind] = exact; exact {
		d.grantless = d.grantless && !r.Kind.Own()
		return
	}
	for _, u := range d.windows { // the configuration of the deployment has changed
		if u.kind == r.Kind {
			s.brokenAccounts(u)
		}
	}
}

// warnLoose logs once that escrow cannot hold the limits of a deployment's windows of a kind.
func (s *Syncer) warnLoose(d *deployment, r *window.Report) {
	limited := r.RequestLimit|r.TokenLimit|r.InputLimit|r.OutputLimit != 0
	loose := r.Loose && !r.Covered && limited && s.reserver != nil && d.modes[r.Kind].escrows()
	if loose && !d.warned[r.Kind] {
		s.cfg.Logger.Warn("escrow cannot hold these limits, whose phase or shape is to be learned, or which are of parts of a minute that are no whole seconds: sharing usage",
			slog.String("deployment", d.id), slog.String("window", r.Kind.String()))
	}
	d.warned[r.Kind] = loose
}

// exact opens the accounts of a window whose limits are held by escrow.
func (s *Syncer) exact(d *deployment, u *usage) {
	if !d.exact[u.kind] || u.broken {
		return
	}
	if u.wants == 0 {
		u.wants = s.wanted(u)
	}
	limits, by := u.limits().list(), u.escrow()
	for i := range u.accounts {
		switch {
		case limits[i] == 0 && u.accounts[i] != nil: // it was removed
			u.release(i)
			s.shares = append(s.shares, u.share())
		case limits[i] != 0 && by&(1<<i) != 0 && u.accounts[i] == nil:
			u.accounts[i] = new(account)
			u.accounts[i].Adopt(u.own.list()[i], u.acked.list()[i], u.inFlight.list()[i])
		}
	}
}

// reserves begins to hold limits by escrow and reports whether the source supports it. From
// then on the source admits nothing in a window without a grant.
func (s *Syncer) reserves() bool {
	if s.reserver == nil && !s.nothingHeld {
		r, ok := s.src.(Reserver)
		if !ok {
			return false
		}
		r.Short()
		s.reserver = r
	}
	return s.reserver != nil
}

// limit returns a limit as an amount: a limit of zero is -1 in reports.
func (u *usage) limit(i int) int64 { return u.bound(i, false) }

// bound is limit, except for a bucket's slice, where it is the amount that the slice may
// reach. With sure, that is 0 unless all totals it depends on are known.
func (u *usage) bound(i int, sure bool) int64 {
	limit := max(u.limits().list()[i], 0)
	if u.kind == window.KindSlice {
		return u.d.slices.most(u.start, i, limit, sure)
	}
	return limit
}

// reserve updates the accounts of every deployment in escrow mode by its demand. It lowers
// the ceiling by spare budget before a batch returns it, and opens the accounts of the next
// minute, which closes it except for grants. Under the mutex, after reports were applied.
func (s *Syncer) reserve(now int64) {
	if s.reserver == nil {
		return
	}
	for _, d := range s.waiting {
		d.demand.clearWaiting()
	}
	s.waiting = s.waiting[:0]
	s.wants = s.reserver.Want(s.wants[:0])
	for i := range s.wants {
		w := &s.wants[i]
		if !ofPool(w.ID) { // the pool's deployments have counted them
			s.stats.Missed += w.Missed
			s.stats.Vain += w.Vain
		}
		if d := s.deployments[w.ID]; d != nil {
			d.missed, d.vain = d.missed+w.Missed, d.vain+w.Vain
			d.seen = max(d.seen, window.EpochAt(now))
			d.demand.want(w, now)
			s.waiting = append(s.waiting, d)
		}
	}
	s.reserver.GrantWithin(s.grantWithin())
	epoch := window.EpochAt(now)
	s.shares = s.shares[:0]
	for _, b := range s.buckets {
		for _, d := range b.deployments {
			if d.exact != [window.Kinds]bool{} && d.live(epoch) {
				s.reserveOf(b, d, epoch, now)
			}
		}
	}
	if s.lowered {
		s.lowered = false
		s.absorb()
		s.reports = s.src.Collect(s.reports[:0]) // the source may have admitted requests until it absorbed the lower ceilings
		for i := range s.reports {
			s.report(&s.reports[i], epoch, now)
		}
	} else {
		s.absorb()
	}
	for _, b := range s.buckets {
		for _, d := range b.deployments {
			for _, u := range d.windows {
				u.overrun(s)
			}
		}
	}
}

// grantWithin returns how long a request may wait for a grant: three round trips of the
// slowest bucket, and at least 10 ms; 0 while no store answers or this node is leaving.
func (s *Syncer) grantWithin() time.Duration {
	slowest, answers := time.Duration(0), false
	for _, b := range s.buckets {
		slowest = max(slowest, b.roundTrip)
		answers = answers || !b.away && b.roundTrip != 0
	}
	if !answers || s.leaving {
		return 0
	}
	return max(3*slowest, 10*time.Millisecond)
}

// reserveOf is reserve of one deployment.
func (s *Syncer) reserveOf(b *bucket, d *deployment, epoch, now int64) {
	start := window.StartSeconds(epoch)
	current := d.open(window.KindMinute, start)
	if d.exact[window.KindMinute] {
		s.exact(d, current)
		s.exact(d, d.open(window.KindMinute, start+60))
	}
	for kind := range d.long {
		if k := window.Kind(kind); d.long[k].listed && d.exact[k] {
			s.exactLong(b, d, k, now)
		}
	}
	d.demand.measure(s.measured(d, current, now), now, b.interval()+b.roundTrip)
	for _, u := range d.windows {
		if u.accounts.none() {
			continue
		}
		u.overrun(s)
		for i, a := range u.accounts {
			if a == nil {
				continue
			}
			if spare := a.Granted() - u.own.list()[i] - s.target(b, u, i, now); spare > 0 && s.worth(u, i, spare, now) {
				a.Lower(spare)
				s.lowered = true
			}
		}
		if u.runs(now) {
			s.grant(b, u, now)
		}
	}
}

// exactLong opens the accounts of the current window of a kind other than the UTC minute
// and, from aheadOf before its end, those of the next window.
func (s *Syncer) exactLong(b *bucket, d *deployment, kind window.Kind, now int64) {
	u := d.open(kind, s.beganAt(d, kind, now))
	s.exact(d, u)
	if time.Duration(u.end*1e9-now) <= aheadOf(b) {
		next := d.open(kind, u.end)
		s.exact(d, next)
		if kind.Own() && next.accounts.none() && !next.reported { // the nodes keep it by usage
			next.reported = true
			s.shares = append(s.shares, next.share())
		}
	}
}

// worth reports whether returning spare budget is worth a delta: spare is more than half a
// mean request and more than a quarter of the demand, or the limit is full, the window has
// ended or this node is leaving.
func (s *Syncer) worth(u *usage, i int, spare, now int64) bool {
	m := &u.d.demand.of[i]
	return s.leaving || !u.runs(now) || u.full(i) || float64(spare) > max(m.mean/2, m.budget/4)
}

// full reports whether less of the limit is left than half a mean request.
func (u *usage) full(i int) bool {
	a := u.accounts[i]
	return a.Known() && float64(a.Left(u.limit(i))) < u.d.demand.of[i].mean/2+0.5
}

// target returns how much of a limit this node wants to hold free for coming requests.
func (s *Syncer) target(b *bucket, u *usage, i int, now int64) int64 {
	a, m := u.accounts[i], &u.d.demand.of[i]
	switch {
	case s.leaving || !u.runs(now):
		return 0
	case now/1e9 >= u.start: // it has begun
		if free := a.Granted() - u.own.list()[i]; u.full(i) && float64(free) < max(m.mean/2, float64(m.waiting)) {
			if m.waiting <= free+a.Left(u.limit(i)) {
				return m.waiting
			}
			return 0 // the fragment fits no request here, and may fit one of another node
		}
		return m.target(a.Left(u.limit(i)), s.nodeCount())
	case time.Duration(u.start*1e9-now) > aheadOf(b): // too early to change anything
		return a.Granted()
	}
	before := u.d.window(window.KindMinute, u.start-60)
	open := int64(0)
	if !u.kind.Long() && before != nil && before.accounts[i] != nil {
		open = before.accounts[i].offered / 2
	}
	if float64(open) < m.mean || float64(u.limit(i)) < scarceFor*float64(s.nodeCount())*m.large {
		open = 0 // less than a request is of no use, and other nodes would lack the reserved part of a small limit
	}
	return min(max(m.target(a.Left(u.limit(i)), s.nodeCount()), open), u.limit(i))
}

// aheadOf returns how long before a window begins this node asks for budget in it.
func aheadOf(b *bucket) time.Duration { return 3 * b.interval() }

// asks returns how much budget the node asks for in a window now, by limit.
func (s *Syncer) asks(b *bucket, u *usage, now int64) (asks [4]int64) {
	if !u.runs(now) || b.away || now < b.opens {
		return asks
	}
	for i, a := range u.accounts {
		if a == nil || a.Known() && a.Left(u.limit(i)) == 0 {
			if a != nil && u.d.demand.of[i].waiting > 0 && time.Duration(now-u.start*1e9) < comingBack && time.Duration(now-u.at) >= readAgain {
				u.asked = true
			}
			continue
		}
		asks[i] = max(s.target(b, u, i, now)-(a.Granted()-u.own.list()[i]), 0)
	}
	return asks
}

// grant sets the ceilings of a window to the grants of its accounts, and appends its share
// if it has changed.
func (s *Syncer) grant(b *bucket, u *usage, now int64) {
	if b.away && time.Duration(now-b.since) >= alone {
		return // Config.Away decides
	}
	c, remotes := u.ceiling.list(), u.remote.list()
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		if c[i] = a.Granted(); c[i] <= 0 {
			c[i] = blocked
		}
		remotes[i] = u.shown(i, now)
	}
	ceiling, remote := countFrom(c), countFrom(remotes)
	if !u.granted || ceiling != u.ceiling || remote != u.remote {
		u.ceiling, u.remote, u.granted, u.shut = ceiling, remote, true, false
		u.forecast, u.expected = u.forecast.unless(&u.accounts), u.expected.unless(&u.accounts)
		s.shares = append(s.shares, u.share())
	}
}

// shown returns the other nodes' usage as the source receives it. In a minute that has just
// begun, other nodes may still return reservations. So within comingBack the minute is not
// reported as full while at most one large request waits here: the source then lets a
// request wait, which can use what is returned.
func (u *usage) shown(i int, now int64) int64 {
	a, m := u.accounts[i], &u.d.demand.of[i]
	remote := a.Remote()
	if age := time.Duration(now - u.start*1e9); age < comingBack && float64(m.waiting) <= m.large {
		remote = min(remote, u.limit(i)-a.Granted()-int64(m.large))
	}
	return max(remote, 0)
}

// unless returns a with the counts that are held by escrow set to 0.
func (a Count) unless(of *accounts) Count {
	if of.none() {
		return a
	}
	l := a.list()
	for i := range of {
		if of[i] != nil {
			l[i] = 0
		}
	}
	return countFrom(l)
}

// overrun adds usage beyond the grants to the accounts: of requests that turned out larger
// than their reservation, or that Config.Away admitted while the store was away.
func (u *usage) overrun(s *Syncer) {
	own := u.own.list()
	for i, a := range u.accounts {
		if a != nil {
			if n := a.Overrun(own[i]); n > 0 {
				s.stats.Overrun = s.stats.Overrun.plus(one(i, n))
			}
		}
	}
}

// holds reports whether an account has asked for budget and needs a total to find out
// whether it is granted.
func (u *usage) holds() bool {
	for _, a := range u.accounts {
		if a != nil && a.Holds() {
			return true
		}
	}
	return false
}

// one returns a Count that is n in field i and 0 elsewhere.
func one(i int, n int64) Count {
	var l [4]int64
	l[i] = n
	return countFrom(l)
}

// due reports whether a batch would change a window's counters for escrow, and returns how
// much it would ask for. In windows that are over it releases all grants first.
func (s *Syncer) due(b *bucket, u *usage, now int64) (some bool, asks [4]int64) {
	asks = s.asks(b, u, now)
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		if s.leaving || !u.runs(now) {
			a.Release()
		}
		some = some || asks[i] > 0 || a.Due()
	}
	return some, asks
}

// send returns the delta c with the counts that are held by escrow replaced by what their
// accounts add, return and ask for.
func (u *usage) send(c Count, asks [4]int64) Count {
	l := c.list()
	for i, a := range u.accounts {
		if a != nil {
			l[i] = a.Send(asks[i])
		}
	}
	return countFrom(l)
}

// opensAt returns when the first grant may be made in the epoch of a reply, Unix
// nanoseconds. All nodes count from the beginning of the epoch by the store's clock.
func (b *bucket) opensAt(r *Reply, now int64) int64 {
	hold := 2*b.interval() + longestHold
	age := time.Duration(0)
	if !r.EpochBegan.IsZero() && !r.StoreTime.IsZero() {
		age = min(max(r.StoreTime.Sub(r.EpochBegan), 0), hold)
	}
	return now + int64(hold-age)
}

// learnExact applies a total of a window with accounts, which decides their grants.
func (s *Syncer) learnExact(b *bucket, u *usage, total Count, r *Reply, now int64) {
	t, before := total.list(), b.asksNothing(r)
	open := now >= b.opens && !b.lost && !s.leaving && !u.lacks(total) // a total that lacks something shows too much headroom
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		if before {
			a.AddedAgain(t[i])
		}
		held := a.Holds()
		if a.Total(u.bound(i, true), t[i], open); held && a.Due() && now >= b.opens && b.mayReturn(now) {
			select {
			case s.partial <- struct{}{}:
			default:
			}
		}
	}
	s.grant(b, u, now)
}

// unlessNot returns a with the counts that are not held by escrow set to 0.
func (a Count) unlessNot(of *accounts) Count { return a.minus(a.unless(of)) }

// brokenAccounts gives up escrow for a window, whose limits are then kept by usage as far
// as possible. The store refuses to change its counter, or escrow may no longer hold its
// limits.
func (s *Syncer) brokenAccounts(u *usage) {
	if u.accounts.none() {
		return
	}
	u.accounts, u.broken, u.granted, u.ceiling = accounts{}, true, false, Count{}
}

// usageOnly gives up escrow for all limits, because the store has no epochs.
func (s *Syncer) usageOnly() {
	s.reserver.GrantWithin(0)
	s.reserver, s.nothingHeld = nil, true
	s.cfg.Logger.Warn("escrow needs a store with epochs, which LiteLLM's keys do not have: sharing usage")
	for _, d := range s.deployments {
		d.exact = [window.Kinds]bool{}
		for _, u := range d.windows {
			s.brokenAccounts(u)
		}
	}
}
