package syncer

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/window"
)

// cooling is what is known of a deployment's cooldown, or of a limit that its provider has
// reported ([window.LimitPrefix]): instants until when, in Unix milliseconds, of which the
// latest holds; 0 = none.
type cooling struct {
	own       int64 // as the source last reported it
	committed int64 // what was reported of it, and acknowledged
	known     int64 // what the source has received, or has reported
}

// unsent returns the cooldown that has yet to be reported to the store.
func (c *cooling) unsent(now int64) int64 {
	if c.own > c.committed && c.own > now/1e6 {
		return c.own
	}
	return 0
}

// commit takes in that the store has acknowledged a cooldown.
func (c *cooling) commit(until int64) {
	c.committed, c.known = max(c.committed, until), max(c.known, until)
}

// reportCooling takes in what the source says of its own cooldowns: all of them,
// each time.
func (s *Syncer) reportCooling(reports []window.Report) {
	for _, d := range s.cooling {
		d.cool.own = 0
	}
	s.cooling = s.cooling[:0]
	for i := range reports {
		r := &reports[i]
		if d := s.deployments[r.ID]; d != nil && r.CoolUntil > 0 {
			if d.cool.own == 0 {
				s.cooling = append(s.cooling, d)
			}
			d.cool.own = max(d.cool.own, r.CoolUntil)
		}
	}
}

// applyCooling gathers the cooldowns that the source does not know of yet: each is passed on
// once, so that whoever ends one early does not find it back.
func (s *Syncer) applyCooling(cooling []window.Tally, now int64) {
	for _, t := range cooling {
		if t.CoolUntil <= now/1e6 {
			continue
		}
		d := s.deployment(t.ID) // perhaps no request has asked for it: forgotten with the minute
		if t.CoolUntil <= d.cool.known {
			continue
		}
		d.cool.known = t.CoolUntil
		if strings.HasPrefix(t.ID, window.LimitPrefix) {
			d.cool.commit(t.CoolUntil) // the source need not report the same once more
		}
		share := d.open(window.KindMinute, window.StartSeconds(window.EpochAt(now))).share()
		share.CoolUntil = t.CoolUntil
		s.shares = append(s.shares, share)
	}
}
