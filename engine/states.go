package engine

// AppendStates appends the state of every configured deployment to dst, group by
// group, in the order of the search. It allocates only to grow dst and the Limits of
// its states. The states between the length and the capacity of dst are reused, with their
// Limits, so no two of them may share a Limits slice.
func (e *Engine) AppendStates(dst []State) []State {
	e.mu.Lock() // as in eachGroup
	defer e.mu.Unlock()
	now := e.clock.Read()
	for _, g := range *e.all.Load() {
		dst = g.states(dst, now)
	}
	return dst
}

// AppendCallerStates appends the state of every configured caller to dst, in the order of
// the configuration. It allocates as AppendStates does. The state of a caller has an empty
// Group and Model, and no cooldown.
func (e *Engine) AppendCallerStates(dst []State) []State {
	return e.callerGroup.states(dst, e.clock.Read())
}

func (g *Group) states(dst []State, now int64) []State {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	for _, h := range g.view.Load().handles {
		var spare []LimitState
		if len(dst) < cap(dst) {
			spare = dst[: len(dst)+1 : cap(dst)][len(dst)].Limits[:0]
		}
		dst = append(dst, h.state(&g.owner, now, spare))
	}
	return dst
}
