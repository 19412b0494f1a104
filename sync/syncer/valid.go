package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// The shares that a source has received are valid while its syncer confirms them. It does so
// by a share that names no deployment, which passes through any wrapper of the engine.

// forever is the validity for a source whose syncer does not run: it ends with the first
// exchange.
const forever = time.Duration(1) << 60

// vouch renews the validity of the source's shares. A process that stood still does not
// renew it, so its source stops using the old shares; vouch then passes all shares again.
func (s *Syncer) vouch() {
	if !s.running {
		return
	}
	now := s.clock.Read()
	passed := s.vouched != 0 && now >= s.vouched
	nodes := s.nodeCount()
	if s.stats.Exchanges == 0 && s.cfg.Nodes <= 1 {
		nodes = 0 // the number of nodes is not known yet
	}
	validity := s.validity()
	s.vouched = now + int64(validity)
	s.say(validity, nodes)
	if !passed {
		return
	}
	for _, d := range s.deployments {
		for _, u := range d.windows {
			u.reported, u.granted = false, false
		}
	}
}

// validity returns how long shares are valid: until the next round is certainly late.
func (s *Syncer) validity() time.Duration {
	interval := s.cfg.Interval
	for _, b := range s.buckets {
		interval = max(interval, b.interval())
	}
	return refresh + 2*interval
}

// release ends the validity: from then on only limits and ceilings restrict the source.
func (s *Syncer) release() {
	s.vouched, s.closed = 0, false
	s.say(0, 0)
}

func (s *Syncer) say(d time.Duration, nodes int) {
	s.src.Absorb([]window.Share{{ValidFor: d, Nodes: nodes}})
}
