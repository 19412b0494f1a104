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
	st.Utilization = share01(st.InFlight, st.InFlightLimit)
	if _, plain := cellRule(&h.cfg.Profile); plain && h.cfg.Profile.Pool == "" {
		st.Utilization = max(st.Utilization, share01(st.Requests, st.RequestLimit), share01(st.Tokens, st.TokenLimit))
	}
	h.utilization(&st, now)
	ms := h.meters.Load()
	if m := ms.at(kindTokens); m != nil && (m.limit != 0 || ms.pool != nil) {
		st.Tokens = m.used(now)
	}
	if m := ms.at(kindRequests); m != nil && (m.limit != 0 || ms.pool != nil) {
		st.Requests = m.used(now)
	}
	st.InputTokens, st.InputTokenLimit = ms.usage(kindInput, now)
	st.OutputTokens, st.OutputTokenLimit = ms.usage(kindOutput, now)
	st.DayRequests, st.DayRequestLimit = ms.usage(kindDayRequests, now)
	st.DayTokens, st.DayTokenLimit = ms.usage(kindDayTokens, now)
	st.OthersInput, st.OthersOutput = s.split[dimInput].others, s.split[dimOutput].others
	st.OthersDayRequests, st.OthersDayTokens = h.days.cur.others[dimRequests], h.days.cur.others[dimTokens]
	if h.coolUntil > now {
		st.CoolingFor = time.Duration(h.coolUntil - now)
	}
	st.HalfOpen = h.probeUntil > now
	return st
}

// usage returns what the meter of a kind counted, and its limit.
func (ms *meters) usage(kind int, now int64) (used, limit int64) {
	m := ms.at(kind)
	if m == nil {
		return 0, 0
	}
	return m.used(now), m.limit
}

// utilization raises a state's to that of the meters.
func (h *handle) utilization(st *State, now int64) {
	ms := h.meters.Load()
	if ms == nil {
		return
	}
	for i := range ms.list {
		st.Utilization = max(st.Utilization, share01(ms.list[i].used(now), ms.list[i].limit))
	}
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
