package syncer

import "time"

// Where minutes open with bursts, the age of the totals decides how far the nodes exceed a
// limit or stay below it. In such a minute, rounds are 1/quickest of an interval apart for
// the first two intervals, and slower intervals apart for the rest of the first second. That
// is three more exchanges for each bucket. With intervals above 100 ms, rounds are 1/quicker
// of an interval apart for the first interval only.
const (
	quickest = 3.5
	quicker  = 2.5
	slower   = 4.0 / 3
)

// quick returns how long rounds are quicker after such a minute began.
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

// quickness returns by which factor quick rounds are more frequent than usual ones.
func quickness(interval time.Duration) float64 {
	if interval <= 100*time.Millisecond {
		return quickest
	}
	return quicker
}

// watches reports whether the window is a minute in its first moments of a deployment that
// expects bursts. Each round then reads its total, even if it is not used here, because the
// next request may come to any node.
func (b *bucket) watches(u *usage, now int64) bool {
	return u.d.pacing.bursts > 0 && !u.kind.Long() && time.Duration(now-u.start*1e9) < b.quick()+b.base
}

// horizon returns how far ahead a forecast looks: to the reply of the next round.
func (b *bucket) horizon(now int64) time.Duration { return b.spacing(now) + b.roundTrip }

// pause returns the time from a round that begins now to the next one. Draw, a random number
// from 0 to 1, adds jitter, so that nodes do not exchange at the same instant.
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
