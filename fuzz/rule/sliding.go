package rule

import "time"

// Sliding admits up to Limit in the Period that ends at each instant. It keeps
// every charge until it expires.
type Sliding struct {
	Limit  int64
	Period int64 // nanoseconds; 0 = a minute

	charges []charged // in order of time
	first   int       // the charges before it have expired
	sum     int64
}

type charged struct{ at, n int64 }

func (s *Sliding) expire(now int64) {
	if s.Period == 0 {
		s.Period = minute
	}
	for s.first < len(s.charges) && now-s.charges[s.first].at >= s.Period {
		s.sum -= s.charges[s.first].n
		s.first++
	}
	if s.first > len(s.charges)/2 {
		s.charges = append(s.charges[:0], s.charges[s.first:]...)
		s.first = 0
	}
}

// Take implements [Limit].
func (s *Sliding) Take(now, n int64) bool {
	s.expire(now)
	if s.sum+n > max(s.Limit, 0) {
		return false
	}
	s.Add(now, n)
	return true
}

// Add implements [Limit].
func (s *Sliding) Add(now, n int64) {
	s.expire(now)
	if n != 0 {
		s.charges = append(s.charges, charged{now, n})
		s.sum += n
	}
}

// Refund implements [Limit].
func (s *Sliding) Refund(now, at, n int64) {
	s.expire(now)
	for i := s.first; i < len(s.charges); i++ {
		if s.charges[i].at == at {
			s.charges[i].n -= n
			s.sum -= n
			return
		}
	}
}

// Wait implements [Limit]. For an amount that never fits it is the Period.
func (s *Sliding) Wait(now, n int64) (wait int64, never bool) {
	s.expire(now)
	left := s.sum + n
	if left <= max(s.Limit, 0) {
		return 0, false
	}
	for _, c := range s.charges[s.first:] {
		if left -= c.n; left <= max(s.Limit, 0) {
			return c.at + s.Period - now, false
		}
	}
	return s.Period, true
}

// SetLimit implements [Limit].
func (s *Sliding) SetLimit(_, limit int64) { s.Limit = limit }

// State implements [Limit].
func (s *Sliding) State(now int64) State {
	s.expire(now)
	state := State{Limit: max(s.Limit, 0), Left: max(s.Limit, 0) - s.sum}
	if last := len(s.charges) - 1; last >= s.first {
		state.Reset = time.Duration(s.charges[last].at + s.Period - now)
	}
	return state
}
