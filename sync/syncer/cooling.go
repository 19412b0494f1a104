package syncer

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/window"
)

// cooling holds the end of a deployment's cooldown, or of a limit that its provider has
// reported ([window.LimitPrefix]), in Unix milliseconds; 0 = none. Of several reported ends
// the latest applies.
type cooling struct {
	own   int64 // as the source last reported it
	acked int64 // the end that the store has acknowledged
	known int64 // the latest end that the source has received or reported
}

// unsent returns the end that the store has not received yet; 0 = none.
func (c *cooling) unsent(now int64) int64 {
	if c.own > c.acked && c.own > now/1e6 {
		return c.own
	}
	return 0
}

// commit records that the store has acknowledged a cooldown.
func (c *cooling) commit(until int64) {
	c.acked, c.known = max(c.acked, until), max(c.known, until)
}

// reportCooling applies the source's cooldowns. The source reports all of them each time,
// so a deployment that is missing has none.
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

// applyCooling appends a share for each cooldown that the source has not received yet. Each
// is passed on once: a cooldown that an operator has ended early does not return.
func (s *Syncer) applyCooling(cooling []window.Tally, now int64) {
	for _, t := range cooling {
		if t.CoolUntil <= now/1e6 {
			continue
		}
		d := s.deployment(t.ID) // perhaps no request has used it: then the sweep removes it with the minute
		if t.CoolUntil <= d.cool.known {
			continue
		}
		d.cool.known = t.CoolUntil
		if strings.HasPrefix(t.ID, window.LimitPrefix) {
			d.cool.commit(t.CoolUntil) // the source need not report the same again
		}
		share := d.open(window.KindMinute, window.StartSeconds(window.EpochAt(now))).share()
		share.CoolUntil = t.CoolUntil
		s.shares = append(s.shares, share)
	}
}
