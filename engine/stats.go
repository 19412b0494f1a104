package engine

import "slices"

// Stats returns the engine's lifetime counts. At rest they are exact; while
// requests run, each is as of a slightly different instant.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.Read()
	sum := e.folded
	s := Stats{
		Refused: map[Limit]int64{}, Settled: e.droppedLeases.ended.Load() - e.released.Load(), Expired: e.droppedLeases.expired.Load(),
		Released: e.released.Load(), EndedLate: e.late.Load(), Dropped: e.dropped.Load(),
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
	s.Admitted = sum.requests + e.returned.Load() + e.unattributedRequests.Load()
	s.Tokens = sum.tokens + e.unattributedTokens.Load()
	s.Overrun = e.overrun.Load()
	return s
}

func (g *Group) count(s *Stats, sum *totals, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	for l := range g.refusals {
		if n := g.refusals[l].Load(); n != 0 {
			s.Refused[Limit(l)] += n
		}
	}
	s.Waiting += g.line.Waiting.Load()
	sum.add(g.folded)
	for _, h := range slices.Concat(g.view.Load().handles, g.removed) {
		for p := range int64(2) {
			tokens, requests := h.own(p)
			sum.add(totals{tokens, requests})
		}
		s.Held += h.inFlight()
		s.Settled += h.flight.Ended()
		s.Expired += h.expired.Load()
	}
}
