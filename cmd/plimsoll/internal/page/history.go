package page

import "github.com/plimsoll-dev/plimsoll/engine"

// seconds is the length of the history of totals.
const seconds = 60

// ring holds the last values of a figure, one for each second.
type ring[T any] struct {
	values [seconds + 1]T
	next   int
	full   bool
}

func (r *ring[T]) add(v T) {
	r.values[r.next] = v
	r.next = (r.next + 1) % len(r.values)
	r.full = r.full || r.next == 0
}

// list returns the values, oldest first.
func (r *ring[T]) list() []T {
	if !r.full {
		return append([]T(nil), r.values[:r.next]...)
	}
	return append(append([]T(nil), r.values[r.next:]...), r.values[:r.next]...)
}

// counts are the engine's totals at one time.
type counts struct {
	admitted, refused, tokens int64
	by                        map[engine.Limit]int64
}

// step is the number of samples per point of a deployment's chart: 60 points are ten
// minutes.
const step = 10

// past is a deployment's utilization: the maximum of each step, and of the current one.
type past struct {
	ring ring[float32]
	peak float32
}

func (p *past) list() []float32 { return append(p.ring.list(), p.peak) }

// history holds the samples: of ten minutes for each configured deployment, and of the last
// minute for totals, groups and providers' answers.
type history struct {
	used    map[string]*past // utilization by ID
	samples int
	totals  ring[counts]
	traffic ring[traffic]
}

// traffic is the daemon's counts so far.
type traffic struct {
	admitted, refused map[string]int64 // by group
	limited, failed   map[string]int64 // by deployment: attempts that its provider refused, and that failed
	tokens            map[string]Token // by name, without State
}

func newHistory() history { return history{used: map[string]*past{}} }

func (h *history) add(states []engine.State, s *engine.Stats) {
	used := make(map[string]*past, len(states))
	for i := range states {
		r := h.used[states[i].ID]
		if r == nil {
			r = &past{}
		} else if h.samples%step == 0 {
			r.ring.add(r.peak)
			r.peak = 0
		}
		r.peak = max(r.peak, float32(states[i].Utilization))
		used[states[i].ID] = r
	}
	h.samples++
	h.used = used
	h.totals.add(countsOf(s))
}

// since returns the counts since the oldest sample.
func (h *history) since(now counts) counts {
	old := h.totals.list()
	if len(old) == 0 {
		return counts{by: map[engine.Limit]int64{}}
	}
	first := old[0]
	d := counts{now.admitted - first.admitted, now.refused - first.refused, max(now.tokens-first.tokens, 0), map[engine.Limit]int64{}}
	for l, n := range now.by {
		d.by[l] = n - first.by[l]
	}
	return d
}

func countsOf(s *engine.Stats) counts {
	c := counts{admitted: s.Admitted, tokens: s.Tokens, by: s.Refused}
	for _, n := range s.Refused {
		c.refused += n
	}
	return c
}
