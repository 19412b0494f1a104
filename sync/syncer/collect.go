package syncer

import (
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// sweepEvery is the time between two sweeps of dead windows, and between two calls of
// Config.Deployments.
const sweepEvery = time.Second

// collect reads the source's usage and updates every window by it. It returns the time of
// the readings. Under the mutex.
func (s *Syncer) collect() (now int64) {
	s.vouch()
	s.reports = s.src.Collect(s.reports[:0])
	now = s.clock.Read()
	epoch := window.EpochAt(now)
	for i := range s.reports {
		s.report(&s.reports[i], epoch, now)
	}
	s.openGrants()
	s.reportCooling(s.reports)
	if time.Duration(now-s.swept).Abs() >= sweepEvery {
		s.swept = now
		if s.cfg.Deployments != nil {
			s.ids = s.cfg.Deployments(s.ids[:0])
			for _, id := range s.ids {
				s.deployment(id).seen = epoch
			}
		}
		s.sweep(epoch, now)
	}
	s.reserve(now)
	for _, b := range s.buckets {
		s.watch(b, now)
		s.anticipate(b, now)
	}
	return now
}

func (s *Syncer) report(r *window.Report, epoch, now int64) {
	if r.Kind >= window.Kinds || deadTally(r.Tally, now) || r.Start > window.StartSeconds(epoch+1) {
		if c := s.unreceived(r); !granted(r.ID, r.Kind) {
			s.stats.drop(r.Kind, c)
		}
		return
	}
	d := s.deployment(r.ID)
	if strings.HasPrefix(r.ID, window.LimitPrefix) {
		d.open(r.Kind, r.Start) // keeps the reported limit alive; no total of it is read
		return
	}
	if granted(r.ID, r.Kind) && !s.exactly(d, r) {
		s.usageOfGrants(d, r)
		return
	}
	d.begins(r)
	u := d.open(r.Kind, r.Start)
	if r.Kind.Long() {
		s.reportDay(d, u, r, epoch, now)
		return
	}
	u.report(countOf(r.Tally), now)
	d.limits = Count{r.RequestLimit, r.TokenLimit, r.InputLimit, r.OutputLimit}
	s.setExact(d, r)
	d.seen = max(d.seen, window.EpochOf(r.Start))
	if window.EpochOf(r.Start) == epoch {
		for _, u := range s.current(d, now) {
			u.asked = u.asked || u.matters(now)
		}
	}
}

// unreceived returns the usage of a window that is over which the store never received.
func (s *Syncer) unreceived(r *window.Report) Count {
	own := countOf(r.Tally)
	d := s.deployments[r.ID]
	if d == nil {
		return own
	}
	if u := d.window(r.Kind, r.Start); u != nil {
		u.own = own // the sweep drops the unsent part, which counts it
		return Count{}
	}
	for i := range d.over {
		if o := &d.over[i]; o.kind == r.Kind && o.start == r.Start {
			more := own.minus(o.own)
			o.own = own
			return more
		}
	}
	return own
}

const (
	// recent is how long after the last local usage each round reads a window's total.
	recent = 2 * time.Second
	// scarce is the used fraction of a limit from which each round reads the total too:
	// requests are refused already, or soon will be.
	scarce = 0.9
)

// matters reports whether this round must read the total of a window that the source asks
// for: the total was never read, the window was used here within recent, or a limit is
// scarce. Other totals are read once a second.
func (u *usage) matters(now int64) bool {
	if !u.known || time.Duration(now-u.used) < recent {
		return true
	}
	remote, own := u.remote.list(), u.own.list()
	for i, limit := range u.limits().list() {
		if limit > 0 && float64(remote[i]+own[i]) >= scarce*float64(limit) {
			return true
		}
	}
	return false
}

// report sets this node's usage of a window.
func (u *usage) report(own Count, now int64) {
	if u.own != own {
		u.own, u.used = own, now
	}
}

// reportDay applies a report of a window longer than a minute. The report carries usage, or
// only limits, for which the window's total has to be read.
func (s *Syncer) reportDay(d *deployment, u *usage, r *window.Report, epoch, now int64) {
	if own := countOf(r.Tally); u.own != own {
		u.report(own, now)
		d.seen = max(d.seen, epoch)
	}
	if u.runs(now) {
		d.list(r)
		s.setExact(d, r)
		u.asked = u.asked || u.matters(now)
	}
}

func (s *Syncer) deployment(id string) *deployment {
	d := s.deployments[id]
	if d == nil {
		d = &deployment{id: id}
		s.refreshModes(d)
		s.deployments[id] = d
		b := s.bucket(s.store.Bucket(id))
		b.deployments = append(b.deployments, d)
	}
	return d
}

// bucket returns a bucket and creates it if need be. Buckets are in order of creation.
func (s *Syncer) bucket(index int) *bucket {
	for _, b := range s.buckets {
		if b.index == index {
			return b
		}
	}
	b := newBucket(index)
	b.base, b.limit = s.cfg.Interval, s.cfg.Timeout
	s.buckets = append(s.buckets, b)
	return b
}

// sweep removes dead windows, and deployments without windows that the source no longer
// names. It keeps those that cool down, so that applyCooling passes a cooldown on once.
func (s *Syncer) sweep(epoch, now int64) {
	s.bind(now)
	s.findDeviant()
	for _, b := range s.buckets {
		before := len(b.deployments)
		b.deployments = slices.DeleteFunc(b.deployments, func(d *deployment) bool {
			d.windows = slices.DeleteFunc(d.windows, func(u *usage) bool {
				if !u.dead(now) {
					return false
				}
				d.forget(u)
				s.drop(u, u.unshared(), now)
				return true
			})
			if s.cfg.Modes != nil {
				s.refreshModes(d)
			}
			if len(d.windows) > 0 || d.live(epoch) || d.cool.known > now/1e6 {
				return false
			}
			delete(s.deployments, d.id)
			return true
		})
		if len(b.deployments) != before {
			b.next = 0
		}
	}
	for kind, last := range s.alarms {
		if time.Duration(now-last) >= quiet {
			delete(s.alarms, kind)
		}
	}
}
