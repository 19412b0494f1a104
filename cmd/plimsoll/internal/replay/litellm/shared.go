package litellm

import (
	"maps"
	"time"
)

// Shared is the store in which processes share their request counts. They do not
// share tokens: each process counts only the tokens of its own calls.
type Shared struct {
	totals map[sharedKey]int64
	latest time.Time // minute pushed
}

type sharedKey struct {
	minute time.Time
	place  int
}

// Push is the report of one counter by a process, and the store's reply.
type Push struct {
	Place  int       // of the deployment
	Minute time.Time // its beginning
	Added  int64     // since the process last reported
	Total  int64     // of all processes; the store's answer
	before int64     // the process's own count at the report
}

// NewShared returns an empty store.
func NewShared() *Shared { return &Shared{totals: map[sharedKey]int64{}} }

// Add adds the pushed counts and writes the totals into the pushes.
func (s *Shared) Add(pushes []Push) {
	for i := range pushes {
		p := &pushes[i]
		if p.Minute.After(s.latest) { // what is two minutes old is never pushed again
			s.latest = p.Minute
			maps.DeleteFunc(s.totals, func(k sharedKey, _ int64) bool { return p.Minute.Sub(k.minute) > time.Minute })
		}
		k := sharedKey{p.Minute, p.Place}
		s.totals[k] += p.Added
		p.Total = s.totals[k]
	}
}

// AppendPushes appends the counters of the minute of now that have changed since the
// last call. Counters of earlier minutes are never pushed.
func (s *Strategy) AppendPushes(dst []Push, now time.Time) []Push {
	for i := range s.unshared {
		if n, ok := s.unshared[i].read(now); ok && n > 0 {
			before, _ := s.requests[i].read(now)
			dst = append(dst, Push{Place: i, Minute: now.Truncate(time.Minute), Added: n, before: before})
			s.unshared[i].add(now, -n)
		}
	}
	return dst
}

// Merge copies the totals of the pushed counters into memory, and of no others. A
// count that is not above the total becomes the total plus what was added meanwhile.
func (s *Strategy) Merge(now time.Time, pushes []Push) {
	for _, p := range pushes {
		after, ok := s.requests[p.Place].read(now)
		if ok && p.Minute.Equal(now.Truncate(time.Minute)) && after <= p.Total {
			s.requests[p.Place].add(now, p.Total-p.before)
		}
	}
}
