package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// state returns the state of a deployment. Its limits are appended to the slice to, unless
// that is nil. Under the group's mutex.
func (h *handle) state(g *owner, now int64, to []LimitState) State {
	st := State{
		ID: h.id, Group: g.name, Model: h.cfg.Model, ExpectedOutput: h.expected(g.expected()),
		Enabled: h.enabled && !h.removed, HalfOpen: h.breaker.HalfOpen() && h.breaker.Until() > now,
	}
	if h.breaker.Cooling() {
		st.CoolingFor = max(time.Duration(h.breaker.Until()-now), 0)
	}
	var all [provider.Limits]LimitState
	st.Utilization = h.describe(&all, now)
	if to == nil {
		to = make([]LimitState, 0, h.mostLimits())
	}
	for l := range all {
		if all[l].Limit != LimitNone {
			to = append(to, all[l])
		}
	}
	st.Limits = to
	return st
}

// mostLimits returns an upper bound of the limits in a state of the deployment.
func (h *handle) mostLimits() int { return min(provider.Limits, 3+len(h.limits.Load().of())) }

// limitRoom is memory for the limits of several states, so that they cost one allocation.
type limitRoom []LimitState

// take returns an empty slice with room for n limits. States is how many more states need
// memory, this one included.
func (r *limitRoom) take(n, states int) []LimitState {
	at := len(*r)
	if cap(*r)-at < n {
		*r, at = make([]LimitState, 0, n*states), 0
	}
	*r = (*r)[:at+n]
	return (*r)[at : at : at+n]
}

// describe fills in the limits that are counted and returns the largest utilization.
// Under the group's mutex.
func (h *handle) describe(all *[provider.Limits]LimitState, now int64) (utilization float64) {
	at := counter.At{Epoch: h.turned, Now: now}
	c, s, l := &h.hot[at.Epoch&1], &h.plain[at.Epoch&1], &h.cfg.Limits
	all[LimitRPM] = LimitState{LimitRPM, c.Requests(), l.RPM, s.requests.Remote, Untracked, s.requests.Share()}
	all[LimitTPM] = LimitState{LimitTPM, c.Tokens(), l.TPM, s.tokens.Remote, Untracked, s.tokens.Share()}
	all[LimitInFlight] = LimitState{LimitInFlight, h.placesUsed(at), l.MaxInFlight, 0, Untracked, 0}
	if h.tracked != nil {
		all[LimitTPM].Held = Held(h.tracked.Sum(h.e.slot(h.turned), h.e.slotTTL))
	}
	utilization = all[LimitInFlight].Utilization()
	if plain(&h.cfg.Profile) {
		utilization = max(utilization, all[LimitRPM].Utilization(), all[LimitTPM].Utilization())
	}
	for i := range h.limits.Load().of() {
		utilization = max(utilization, h.limits.Load().list[i].describe(all, at))
	}
	return utilization
}

// placesUsed returns how many leases are held. An attempt that is being undone gives its
// place in the gauge back before its lease ends (protocol 6), and counts no place here.
func (h *handle) placesUsed(at counter.At) int64 {
	held := h.inFlight()
	if ms := h.limits.Load(); ms != nil && ms.gauge != nil {
		return min(held, ms.gauge.Used(at))
	}
	return held
}

// describe fills in a limit beside the pair and returns its utilization. Of a counter kept for
// the other nodes (see limits.keep) only the remote part is shown.
func (m *limit) describe(all *[provider.Limits]LimitState, at counter.At) float64 {
	if m.Shape == counter.Gauge {
		return 0 // handle.describe shows it
	}
	if m.Granted {
		m.describeGrant(all, at)
		return 0
	}
	own := LimitState{m.kind, m.Used(at), m.set, 0, Untracked, 0}
	st := &all[m.kind]
	switch {
	case m.part:
	case m.kind == LimitRPM || m.kind == LimitTPM:
		if m.set != 0 || !m.Owned() {
			st.Used = own.Used
		}
	default:
		if !m.kept {
			st.Used, st.Max = own.Used, own.Max
		}
		if m.Owned() {
			s := m.Ledger(m.Window(at))
			st.Remote, st.Share = s.Remote, s.Share()
		}
		st.Limit, st.Held = m.kind, Untracked
	}
	return own.Utilization()
}
