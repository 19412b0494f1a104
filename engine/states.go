package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// AppendStates appends the state of every configured deployment to dst, group by
// group, in the order of the search. It allocates only to grow dst.
func (e *Engine) AppendStates(dst []State) []State {
	now := e.clock.Read()
	for _, g := range *e.all.Load() {
		dst = g.states(dst, now)
	}
	return dst
}

// AppendCallerStates appends the state of every configured caller to dst, in the order of
// the configuration. It allocates only to grow dst. Of a caller, Group and Model are
// empty, and it never cools down.
func (e *Engine) AppendCallerStates(dst []State) []State {
	return e.callers.group.states(dst, e.clock.Read())
}

func (g *Group) states(dst []State, now int64) []State {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	for _, h := range g.view.Load().handles {
		dst = append(dst, h.state(g, now))
	}
	return dst
}

// state describes a deployment. Under the group's mutex.
func (h *handle) state(g *Group, now int64) State {
	at := counter.At{Epoch: h.turned, Now: now}
	c, s, l := &h.hot[at.Epoch&1], &h.plain[at.Epoch&1], &h.cfg.Limits
	st := State{
		ID: h.id, Group: g.name, Model: h.cfg.Model,
		Requests: c.Requests(), RequestLimit: l.RPM, OthersRequests: s.requests.Remote,
		Tokens: c.Tokens(), TokenLimit: l.TPM, OthersTokens: s.tokens.Remote,
		RequestShare: s.requests.Share(), TokenShare: s.tokens.Share(),
		HeldTokens: Untracked, InFlight: h.inFlight(), InFlightLimit: l.MaxInFlight,
		ExpectedOutput: h.expected(g.expected()), Enabled: h.enabled && !h.gone, HalfOpen: h.probeUntil > now,
	}
	if h.tracked != nil {
		st.HeldTokens = Held(h.tracked.Sum(h.e.slot(h.turned), h.e.slotTTL))
	}
	st.Utilization = share01(st.InFlight, st.InFlightLimit)
	if plain(&h.cfg.Profile) {
		st.Utilization = max(st.Utilization, share01(st.Requests, st.RequestLimit), share01(st.Tokens, st.TokenLimit))
	}
	for i := range h.limits.Load().of() {
		h.limits.Load().list[i].describe(&st, at)
	}
	if h.coolUntil > now {
		st.CoolingFor = time.Duration(h.coolUntil - now)
	}
	return st
}

// describe adds a limit beside the pair to a state.
func (m *limit) describe(st *State, at counter.At) {
	used, remote := m.Used(at), int64(0)
	if m.Owned() {
		s := m.Ledger(m.Window(at))
		remote = s.Remote
		m.describeShare(st, s.Share())
	}
	if m.Shape != counter.Gauge {
		st.Utilization = max(st.Utilization, share01(used, m.set))
	}
	switch m.kind {
	case LimitTPM:
		if m.set != 0 || !m.Owned() {
			st.Tokens = used
		}
	case LimitRPM:
		if !m.part && (m.set != 0 || !m.Owned()) {
			st.Requests = used
		}
	case LimitInputTPM:
		describe(&st.InputTokens, &st.InputTokenLimit, &st.OthersInput, m, used, remote)
	case LimitOutputTPM:
		describe(&st.OutputTokens, &st.OutputTokenLimit, &st.OthersOutput, m, used, remote)
	case LimitRPD:
		describe(&st.DayRequests, &st.DayRequestLimit, &st.OthersDayRequests, m, used, remote)
	case LimitTPD:
		describe(&st.DayTokens, &st.DayTokenLimit, &st.OthersDayTokens, m, used, remote)
	default: // calls in flight are shown by their count
	}
}

// describeShare adds how much of a limit beside the pair this node may use.
func (m *limit) describeShare(st *State, share int64) {
	switch m.kind {
	case LimitInputTPM:
		st.InputTokenShare = share
	case LimitOutputTPM:
		st.OutputTokenShare = share
	case LimitRPD:
		st.DayRequestShare = share
	case LimitTPD:
		st.DayTokenShare = share
	default: // the pair's, or no node's share
	}
}

// describe sets a state's figures of a limit. Of what nodes exchange beside a limit
// that is counted otherwise only the others' part is shown.
func describe(used, limit, others *int64, m *limit, n, remote int64) {
	if !m.kept {
		*used, *limit = n, m.set
	}
	if m.Owned() {
		*others = remote
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
