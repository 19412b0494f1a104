package fuzz

import (
	"fmt"
	"reflect"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// state is what a look at a deployment must show.
func (m *model) state(d *mdep, now int64) engine.State {
	u := d.now()
	s := engine.State{
		ID: d.cfg.ID, Group: d.cfg.Group, Model: d.cfg.Model,
		Utilization: d.utilization(), Enabled: d.enabled, ExpectedOutput: m.expect(d),
	}
	for l := range provider.AllLimits() {
		st := engine.LimitState{Limit: l, Max: *d.cfg.Limits.Of(l), Held: engine.Untracked}
		switch l {
		case engine.LimitRPM:
			st.Used, st.Remote, st.Share = u.allRequests(), u.othersRequests, u.ceilRequests
		case engine.LimitTPM:
			st.Used, st.Remote, st.Held, st.Share = u.allTokens(), u.othersTokens, engine.Held(d.held()), u.ceilTokens
		case engine.LimitInFlight:
			st.Used = d.inFlight()
		default:
			st.Used, st.Max = d.metered(l)
		}
		s.Limits = append(s.Limits, st)
	}
	if d.cool > now {
		s.CoolingFor = timeUntil(now, d.cool)
	}
	return s
}

// equalStates compares every kind of limit, whether it is listed or not.
func equalStates(a, b engine.State) bool {
	for l := range provider.AllLimits() {
		if a.Limit(l) != b.Limit(l) {
			return false
		}
	}
	a.Limits, b.Limits = nil, nil
	return reflect.DeepEqual(a, b)
}

// absorb replaces the others' usage and the ceilings of the windows that a
// deployment has now or will have next; the rest is ignored.
func (m *model) absorb(shares []window.Share, now int64) {
	for _, s := range shares {
		d := m.deps[s.ID]
		if d == nil {
			continue
		}
		if m.look(d.group, now); s.Start/60 < d.group.epoch || s.Start/60 > d.group.epoch+1 {
			continue
		}
		u := d.in(s.Start / 60)
		u.othersRequests, u.othersTokens = s.Requests, s.Tokens
		u.ceilRequests, u.ceilTokens, u.retry = s.CeilingRequests, s.CeilingTokens, int64(s.Retry)
	}
}

// describe says what a deployment's current usage is.
func (m *model) describe(d *mdep) string {
	if d == nil {
		return "forgotten"
	}
	return fmt.Sprintf("%+v; %+v; present %v, enabled %v, cooling until %d, %d leases",
		d.cfg, *d.now(), d.present, d.enabled, d.cool, len(d.leases))
}
