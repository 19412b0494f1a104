package syncer

import "time"

// An Expirer is a source of which what it was told ceases to be valid: an engine.
type Expirer interface {
	// ValidFor says that what Absorb has brought is valid for d from now, of so many
	// nodes. When that time passes without another call, the source admits no more than
	// its share of what is left until it is told again. 0 or less ends that. It reports
	// whether the time given before had passed.
	ValidFor(d time.Duration, nodes int) (passed bool)
}

// vouch says that this node is awake: it will tell the source what exchanges bring. A
// process that stood still does not, and what it knows of the others is old.
func (s *Syncer) vouch() {
	e, ok := s.src.(Expirer)
	if !ok || !s.running {
		return
	}
	if !e.ValidFor(s.validity(), s.nodeCount()) {
		return
	}
	for _, d := range s.deployments {
		for _, u := range d.windows {
			u.told, u.granted = false, false
		}
	}
}

// validity is for how long what was told is valid: until a round is surely late.
func (s *Syncer) validity() time.Duration {
	interval := s.cfg.Interval
	for _, b := range s.buckets {
		interval = max(interval, b.interval())
	}
	return refresh + 2*interval
}

// release ends validity: from now on the source is on its own.
func (s *Syncer) release() {
	if e, ok := s.src.(Expirer); ok {
		e.ValidFor(0, s.nodeCount())
	}
}
