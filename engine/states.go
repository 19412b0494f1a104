package engine

import "time"

// AppendStates appends the state of every configured deployment to dst, group by
// group, in the order of the search. It allocates only to grow dst.
func (e *Engine) AppendStates(dst []State) []State {
	now := e.clock.Read()
	for _, g := range *e.all.Load() {
		dst = g.states(dst, now)
	}
	return dst
}

func (g *Group) states(dst []State, now int64) []State {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.turnLocked(now)
	for i := range f.candidates() {
		dst = append(dst, f.state(g.name, i, now))
	}
	return dst
}

// state describes a deployment. Under the group's mutex.
func (f *frame) state(group string, i int, now int64) State {
	h, c, s := f.handles[i], &f.cells[i], &f.shares[i]
	held, tokens := h.flight.count()
	st := State{
		ID: h.id, Group: group, Model: h.cfg.Model,
		Requests: c.Requests(), RequestLimit: h.cfg.Limits.RPM,
		Tokens: c.Tokens(), TokenLimit: h.cfg.Limits.TPM,
		HeldTokens: tokens, OthersRequests: s.requests, OthersTokens: s.tokens,
		InFlight: held, InFlightLimit: h.cfg.Limits.MaxInFlight,
		Enabled: h.enabled && !h.gone,
	}
	if p := h.place.Load(); p != nil {
		st.ExpectedOutput = h.expected(p.g.expected())
	}
	st.Utilization = max(share01(st.Requests, st.RequestLimit), share01(st.Tokens, st.TokenLimit), share01(st.InFlight, st.InFlightLimit))
	st.InputTokens, st.InputTokenLimit = h.metered(whyInput, &st)
	st.OutputTokens, st.OutputTokenLimit = h.metered(whyOutput, &st)
	st.DayRequests, st.DayRequestLimit = h.metered(whyDayRequests, &st)
	st.DayTokens, st.DayTokenLimit = h.metered(whyDayTokens, &st)
	if h.coolUntil > now {
		st.CoolingFor = time.Duration(h.coolUntil - now)
	}
	return st
}

// metered returns what a meter counted and its limit, and raises a state's
// utilization to theirs.
func (h *handle) metered(why reason, st *State) (used, limit int64) {
	m := h.meters.Load().find(why)
	if m == nil {
		return 0, 0
	}
	used = m.c.Used()
	st.Utilization = max(st.Utilization, share01(used, m.limit))
	return used, m.limit
}

// share01 returns used/limit; 0 without a limit, 1 at least under a limit of zero.
func share01(used, limit int64) float64 {
	switch limit {
	case 0:
		return 0
	case Blocked:
		return max(1, float64(used))
	}
	return float64(used) / float64(limit)
}
