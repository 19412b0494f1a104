package syncer

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// What a source has received is valid while its syncer confirms it. It does so with a share that
// names no deployment, which reaches the engine through any wrapper.

// forever is for how long a source without a syncer that runs has this: until the first
// exchange.
const forever = time.Duration(1) << 60

// vouch says that this node is awake: it will pass on what exchanges bring. A
// process that stood still does not, and what it knows of the others is old.
func (s *Syncer) vouch() {
	if !s.running {
		return
	}
	now := s.clock.Read()
	passed := s.vouched != 0 && now >= s.vouched
	nodes := s.nodeCount()
	if s.stats.Exchanges == 0 && s.cfg.Nodes <= 1 {
		nodes = 0 // how many there are is not known yet
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

// validity is for how long what was passed on is valid: until a round is surely late.
func (s *Syncer) validity() time.Duration {
	interval := s.cfg.Interval
	for _, b := range s.buckets {
		interval = max(interval, b.interval())
	}
	return refresh + 2*interval
}

// release ends validity: from now on limits and ceilings alone bound the source.
func (s *Syncer) release() {
	s.vouched, s.closed = 0, false
	s.say(0, 0)
}

func (s *Syncer) say(d time.Duration, nodes int) {
	s.src.Absorb([]window.Share{{ValidFor: d, Nodes: nodes}})
}
