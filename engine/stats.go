package engine

import "sync/atomic"

// goneTotals are the lifetime counts of deployments that have been dropped.
type goneTotals struct{ settled, expired atomic.Int64 }

// Stats returns the engine's lifetime counts. At rest they are exact; while
// requests run, each is as of a slightly different instant.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.Read()
	sum := e.past
	s := Stats{
		Refused: map[Limit]int64{}, Settled: e.gone.settled.Load(), Expired: e.gone.expired.Load(),
		Released: e.released.Load(), Late: e.late.Load(), Dropped: e.dropped.Load(),
		Invalid: e.invalid.Load(), Contended: e.contended.Load(),
		Waited: e.waited.Load(), GaveUp: e.gaveUp.Load(), TurnedAway: e.turnedAway.Load(),
	}
	for l, n := range e.refused {
		if n != 0 {
			s.Refused[Limit(l)] += n
		}
	}
	for _, g := range *e.all.Load() {
		g.count(&s, &sum, now)
	}
	s.Admitted = sum.requests + e.returned.Load() + e.strayRequests.Load()
	s.Tokens = sum.tokens + e.strayTokens.Load()
	s.Overrun = sum.overrun
	return s
}

func (g *Group) count(s *Stats, sum *totals, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(now)
	for l := range g.refusals {
		if n := g.refusals[l].Load(); n != 0 {
			s.Refused[Limit(l)] += n
		}
	}
	s.Waiting += g.line.n.Load()
	sum.add(g.past)
	sum.add(f.totals())
	if p := f.prev.Load(); p != nil {
		sum.add(p.totals())
	}
	for _, h := range f.handles {
		leases, _ := h.flight.count()
		s.Held += leases
		s.Settled += h.mean.counted()
		s.Expired += h.flight.expired.Load()
	}
}

func (t *totals) add(o totals) {
	t.tokens += o.tokens
	t.requests += o.requests
	t.overrun += o.overrun
}

// totals sums a frame that has not been folded. Under the group's mutex.
func (f *frame) totals() (sum totals) {
	for i, h := range f.handles {
		t, r := f.own(i)
		sum.add(totals{t, r, max(f.cells[i].Tokens()-h.tokenCap, 0)})
	}
	return sum
}
