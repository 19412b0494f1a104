package litellm

import "time"

// Seed sets the counters of the minute of now; nil leaves one absent.
func (s *Strategy) Seed(now time.Time, place int, requests, tokens *int64) {
	if requests != nil {
		s.requests[place].add(now, *requests)
	}
	if tokens != nil {
		s.tokens[place].add(now, *tokens)
	}
}

// Requests returns the requests counted in the minute of now.
func (s *Strategy) Requests(now time.Time, place int) int64 {
	n, _ := s.requests[place].read(now)
	return n
}
