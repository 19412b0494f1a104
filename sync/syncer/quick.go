package syncer

import "time"

// Where minutes open with bursts, what the nodes know of each other decides how far they
// go beyond a limit, or stay below it. The first rounds of such a minute follow each
// other in two sevenths of an interval, for two intervals, and those of the rest of its first
// second in four thirds of one: three more exchanges for each bucket in all. Where an
// interval is longer than a tenth of a second, the rounds of the first interval follow each
// other in two fifths of it.
const (
	quickest = 3.5
	quicker  = 2.5
	slower   = 4.0 / 3
)

// quick returns for how long after such a minute began its rounds are quicker.
func (p *pace) quick() time.Duration {
	if p.base <= 100*time.Millisecond {
		return 2 * p.base
	}
	return p.base
}

// spacing returns the time between a round that begins now and the next.
func (b *bucket) spacing(now int64) time.Duration {
	interval := b.interval()
	age := time.Duration(now - b.bursts)
	switch {
	case b.bursts == 0 || age < 0 || age >= time.Second || interval > b.base:
		return interval
	case age < b.quick():
		return min(max(time.Duration(float64(interval)/quickness(b.base)), 2*b.took), interval)
	case quickness(b.base) == quickest:
		return time.Duration(float64(interval) * slower)
	}
	return interval
}

// quickness returns how many times as fast as usual rounds follow each other.
func quickness(interval time.Duration) float64 {
	if interval <= 100*time.Millisecond {
		return quickest
	}
	return quicker
}

// watches reports whether a window began with a burst so lately that each round reads it,
// used here or not: the next request may come to any node.
func (b *bucket) watches(u *usage, now int64) bool {
	return u.d.pacing.bursts > 0 && !u.kind.Long() && time.Duration(now-u.start*1e9) < b.quick()+b.base
}

// horizon is how far ahead a forecast looks.
func (b *bucket) horizon(now int64) time.Duration { return b.spacing(now) + b.roundTrip }

// pause returns how long after a round that begins now the next one is due; a draw from 0
// to 1 keeps nodes apart.
func (s *Syncer) pause(now int64, draw float64) time.Duration {
	longest, spacing, shortest, began := s.cfg.Interval, s.cfg.Interval, s.cfg.Interval, int64(0)
	for _, b := range s.buckets {
		longest = max(longest, b.interval())
		spacing, shortest = max(spacing, b.spacing(now)), min(shortest, b.spacing(now))
		began = max(began, b.bursts)
	}
	if longest == s.cfg.Interval && shortest < longest { // no store is slow
		spacing = shortest
	}
	next := time.Duration(float64(spacing) * (0.9 + 0.2*draw))
	if until := time.Duration(began - now); until > 0 && until < next {
		return until + time.Duration(draw*float64(s.cfg.Interval)/quickness(s.cfg.Interval))
	}
	return next
}
