package syncer

import (
	"log/slog"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/internal/escrow"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// alone is for how long after the store went away a node goes on with what it is
	// granted; after that [Config.Away] decides.
	alone = 2 * time.Second
	// longestHold is how long after a new epoch began nothing is granted, beside two
	// intervals: so long may a node take to notice and to add what it is granted.
	longestHold = time.Second
	// comingBack is how long after a minute began others may still return what they had
	// reserved for it, and readAgain is how old a total is then when it is read once more.
	comingBack = 500 * time.Millisecond
	readAgain  = 15 * time.Millisecond
	// scarceFor is how many of its largest requests for each node a limit must hold for
	// budget of the next minute to be reserved before that begins.
	scarceFor = 3
)

// account is one of a window's limits that are held by escrow.
type account struct {
	escrow.Account
	offered int64 // demand in a minute's first two intervals
}

// accounts are a window's, in the order of Count's fields; nil where there is no limit.
type accounts [4]*account

// none reports whether no limit of the window is held by escrow.
func (a *accounts) none() bool { return *a == accounts{} }

// exactly reports whether limits of a report may be held by escrow.
func (s *Syncer) exactly(d *deployment, r *window.Report) bool {
	return !r.Loose && s.reserver != nil && (d.modes[r.Kind].escrows() || d.follows[r.Kind])
}

// setExact takes in whether escrow holds the limits of a report.
func (s *Syncer) setExact(d *deployment, r *window.Report) {
	d.loose[r.Kind], d.elsewhere[r.Kind] = r.Loose, r.Elsewhere
	s.warnLoose(d, r)
	exact := s.exactly(d, r)
	if exact == d.exact[r.Kind] {
		return
	}
	if d.exact[r.Kind] = exact; exact {
		d.grantless = d.grantless && !r.Kind.Own()
		return
	}
	for _, u := range d.windows { // the deployment's rule has changed
		if u.kind == r.Kind {
			s.brokenAccounts(u)
		}
	}
}

// warnLoose logs once that escrow cannot hold the limits of a deployment's windows of a kind.
func (s *Syncer) warnLoose(d *deployment, r *window.Report) {
	limited := r.RequestLimit|r.TokenLimit|r.InputLimit|r.OutputLimit != 0
	loose := r.Loose && !r.Elsewhere && limited && s.reserver != nil && d.modes[r.Kind].escrows()
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
		if limits[i] != 0 && by&(1<<i) != 0 && u.accounts[i] == nil {
			u.accounts[i] = new(account)
			u.accounts[i].Adopt(u.committed.list()[i])
		}
	}
}

// reserves begins to hold limits by escrow, if the source can. From now on its windows are
// closed until something is granted.
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

// bound is limit, and of a bucket's slice what the slice may come to; sure says that no total
// may be missing for that.
func (u *usage) bound(i int, sure bool) int64 {
	limit := max(u.limits().list()[i], 0)
	if u.kind == window.KindSlice {
		return u.d.slices.most(u.start, i, limit, sure)
	}
	return limit
}

// reserve looks at the demand of every deployment in escrow mode: it gives back what is
// more than needed, lowering the ceiling first, and sees to it that the next minute is
// closed except for what is granted. Under the mutex, after reports have come in.
func (s *Syncer) reserve(now int64) {
	if s.reserver == nil {
		return
	}
	for _, d := range s.waiting {
		d.demand.rest()
	}
	s.waiting = s.waiting[:0]
	s.wants = s.reserver.Want(s.wants[:0])
	for i := range s.wants {
		w := &s.wants[i]
		if !ofPool(w.ID) { // its deployments' are counted
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
		s.reports = s.src.Collect(s.reports[:0]) // what was admitted before the ceilings fell
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

// grantWithin returns how long a request may wait for a grant: three round trips, 10 ms
// at least; 0 while no store grants anything.
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

// exactLong opens the accounts of the window of a kind that runs, not a UTC minute, and,
// shortly before it ends, of the next.
func (s *Syncer) exactLong(b *bucket, d *deployment, kind window.Kind, now int64) {
	u := d.open(kind, s.beganAt(d, kind, now))
	s.exact(d, u)
	if time.Duration(u.end*1e9-now) <= aheadOf(b) {
		next := d.open(kind, u.end)
		s.exact(d, next)
		if kind.Own() && next.accounts.none() && !next.reported { // kept by usage
			next.reported = true
			s.shares = append(s.shares, next.share())
		}
	}
}

// worth reports whether spare budget is worth a return: more than half a mean request
// and a quarter of the demand, or any where others wait for it or the window has ended.
func (s *Syncer) worth(u *usage, i int, spare, now int64) bool {
	m := &u.d.demand.of[i]
	return s.leaving || !u.runs(now) || u.full(i) || float64(spare) > max(m.mean/2, m.budget/4)
}

// full reports whether so little of a limit is left that hardly a request fits.
func (u *usage) full(i int) bool {
	a := u.accounts[i]
	return a.Known() && float64(a.Left(u.limit(i))) < u.d.demand.of[i].mean/2+0.5
}

// target returns how much of a limit the node wants to have free for requests to come.
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
			return 0 // a fragment, which fits no request here and may fit one elsewhere
		}
		return m.target(a.Left(u.limit(i)), s.nodeCount())
	case time.Duration(u.start*1e9-now) > aheadOf(b): // too early
		return a.Granted()
	}
	before := u.d.window(window.KindMinute, u.start-60)
	open := int64(0)
	if !u.kind.Long() && before != nil && before.accounts[i] != nil {
		open = before.accounts[i].offered / 2
	}
	if float64(open) < m.mean || float64(u.limit(i)) < scarceFor*float64(s.nodeCount())*m.large {
		open = 0 // a fragment fits no request, and what one node reserves of a small limit others lack
	}
	return min(max(m.target(a.Left(u.limit(i)), s.nodeCount()), open), u.limit(i))
}

// aheadOf is how long before a minute begins budget for it is asked for.
func aheadOf(b *bucket) time.Duration { return 3 * b.interval() }

// asks returns what the node asks for in a window now.
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

// grant makes what a window's accounts are granted its ceilings, and gathers its share
// if that is news.
func (s *Syncer) grant(b *bucket, u *usage, now int64) {
	if b.away && time.Duration(now-b.since) >= alone {
		return // the policy decides
	}
	c, others := u.ceiling.list(), u.others.list()
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		if c[i] = a.Granted(); c[i] <= 0 {
			c[i] = blocked
		}
		others[i] = u.shown(i, now)
	}
	ceiling, remote := countFrom(c), countFrom(others)
	if !u.granted || ceiling != u.ceiling || remote != u.others {
		u.ceiling, u.others, u.granted, u.shut = ceiling, remote, true, false
		u.forecast, u.expected = u.forecast.unless(&u.accounts), u.expected.unless(&u.accounts)
		s.shares = append(s.shares, u.share())
	}
}

// shown returns what is reported to the source as others' usage. In a minute that has just
// begun, others may return what they had reserved for it: the minute is not reported as full
// while no more than one large request waits here, so that a request is there to use it.
func (u *usage) shown(i int, now int64) int64 {
	a, m := u.accounts[i], &u.d.demand.of[i]
	others := a.Others()
	if age := time.Duration(now - u.start*1e9); age < comingBack && float64(m.waiting) <= m.large {
		others = min(others, u.limit(i)-a.Granted()-int64(m.large))
	}
	return max(others, 0)
}

// unless returns a without the counts that are held by escrow, which have no forecast.
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

// overrun commits what was used beyond what is granted: requests that turned out larger
// than their reservation, or that a policy admitted while the store was away.
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

// holds reports whether a total has to be read for what the window's accounts hold.
func (u *usage) holds() bool {
	for _, a := range u.accounts {
		if a != nil && a.Holds() {
			return true
		}
	}
	return false
}

// one returns a count of n of dimension i.
func one(i int, n int64) Count {
	var l [4]int64
	l[i] = n
	return countFrom(l)
}

// due returns what a batch would add to a window's counters, and how much of it asks.
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

// send puts what is asked for and due into a delta, in place of usage.
func (u *usage) send(c Count, asks [4]int64) Count {
	l := c.list()
	for i, a := range u.accounts {
		if a != nil {
			l[i] = a.Send(asks[i])
		}
	}
	return countFrom(l)
}

// opensAt returns when the first grant may be made in the epoch that a reply names. All
// nodes count from when it began, by the store's clock.
func (b *bucket) opensAt(r *Reply, now int64) int64 {
	hold := 2*b.interval() + longestHold
	age := time.Duration(0)
	if !r.EpochBegan.IsZero() && !r.StoreTime.IsZero() {
		age = min(max(r.StoreTime.Sub(r.EpochBegan), 0), hold)
	}
	return now + int64(hold-age)
}

// learnExact takes in a total of a window with accounts.
func (s *Syncer) learnExact(b *bucket, u *usage, total Count, now int64) {
	t := total.list()
	for i, a := range u.accounts {
		if a == nil {
			continue
		}
		held := a.Holds()
		if a.Total(u.bound(i, true), t[i], now >= b.opens && !s.leaving); held && a.Due() && now >= b.opens {
			select {
			case s.partial <- struct{}{}:
			default:
			}
		}
	}
	s.grant(b, u, now)
}

// unlessNot returns a with the counts alone that are held by escrow.
func (a Count) unlessNot(of *accounts) Count { return a.minus(a.unless(of)) }

// brokenAccounts gives up escrow for a window whose counter the store refuses to change:
// it is kept together by usage, as far as it can be.
func (s *Syncer) brokenAccounts(u *usage) {
	if u.accounts.none() {
		return
	}
	u.accounts, u.broken, u.granted, u.ceiling = accounts{}, true, false, Count{}
}

// usageOnly gives up escrow: the store cannot name its counters after an epoch.
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
