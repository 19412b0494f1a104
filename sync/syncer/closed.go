package syncer

import "github.com/plimsoll-dev/plimsoll/window"

// close makes the source admit nothing under its limits until the totals of a window have
// been read, because the other nodes' usage is not known before. Under the mutex.
func (s *Syncer) close() {
	l, ok := s.src.(Lister)
	if !ok {
		s.closed = true
		s.say(forever, 0)
		return
	}
	now := s.clock.Read()
	epoch := window.EpochAt(now)
	s.shares = s.shares[:0]
	s.reports = l.List(s.reports[:0])
	for i := range s.reports {
		r := &s.reports[i]
		if r.Kind >= window.Kinds {
			continue
		}
		d := s.deployment(r.ID)
		d.seen = epoch
		if granted(r.ID, r.Kind) && !s.exactly(d, r) {
			s.usageOfGrants(d, r)
			continue
		}
		d.begins(r)
		u := d.open(r.Kind, r.Start)
		d.loose[r.Kind], d.covered[r.Kind] = r.Loose, r.Covered
		s.warnLoose(d, r)
		d.exact[r.Kind] = s.exactly(d, r)
		if r.Kind.Long() {
			d.list(r)
		} else {
			d.limits = Count{r.RequestLimit, r.TokenLimit, r.InputLimit, r.OutputLimit}
			s.shut(d.open(r.Kind, u.end), parts{})
		}
		u.asked = true
		s.shut(u, parts{})
	}
	s.absorb()
	s.openGrants()
}

// shut limits a window whose total has not been read to a part of its limits, and appends
// its share to s.shares.
func (s *Syncer) shut(u *usage, part parts) {
	limits := u.limits().list()
	for i, limit := range limits {
		limits[i] = Share.ceiling(limit, 0, limit, part[i])
	}
	if c := countFrom(limits); c != (Count{}) {
		u.shut, u.ceiling = true, c
		s.shares = append(s.shares, u.share())
	}
}

// even returns an equal share per node for each limit.
func (s *Syncer) even() parts {
	part := 1 / float64(s.nodeCount())
	return parts{part, part, part, part}
}

// reopen raises the ceiling of the next minute, which was closed, to this node's share.
func (s *Syncer) reopen(next *usage) {
	if next != nil && next.shut && !next.granted {
		s.shut(next, s.even())
	}
}

// lift removes the ceiling that shut has set: the window's total has been read, or the
// window is about to begin on a node whose exchanges are running. It reports whether there
// was one.
func (u *usage) lift() (was bool) {
	was = u.shut
	if u.shut {
		u.shut, u.ceiling = false, Count{}
	}
	return was
}
