package litellm

import (
	"maps"
	"time"
)

// Shared is the store in which processes share their request counts. Tokens
// are not shared: each process goes by those of the calls that it made itself.
type Shared struct {
	totals map[sharedKey]int64
	latest time.Time // minute pushed
}

type sharedKey struct {
	minute time.Time
	place  int
}

// Push is what a process tells the store of one counter, and what it hears.
type Push struct {
	Place  int       // of the deployment
	Minute time.Time // its beginning
	Added  int64     // since the process last told
	Total  int64     // of all processes; the store's answer
	before int64     // what its memory held when it told
}

// NewShared returns an empty store.
func NewShared() *Shared { return &Shared{totals: map[sharedKey]int64{}} }

// Add adds what was pushed and writes the totals into the pushes.
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

// AppendPushes appends the counters of the minute of now to which something was
// added since the last call. A counter of an earlier minute is nobody's concern
// any more.
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

// Merge takes totals over into memory, of the counters that were pushed and no
// others: where memory is not ahead of the total it becomes the total and what
// was added meanwhile.
func (s *Strategy) Merge(now time.Time, pushes []Push) {
	for _, p := range pushes {
		after, ok := s.requests[p.Place].read(now)
		if ok && p.Minute.Equal(now.Truncate(time.Minute)) && after <= p.Total {
			s.requests[p.Place].add(now, p.Total-p.before)
		}
	}
}
