package fuzz

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// state is what a look at a deployment must show.
func (m *model) state(d *mdep, now int64) engine.State {
	u := d.now()
	s := engine.State{
		ID: d.cfg.ID, Group: d.cfg.Group, Model: d.cfg.Model,
		Requests: u.allRequests(), RequestLimit: d.cfg.Limits.RPM,
		Tokens: u.allTokens(), TokenLimit: d.cfg.Limits.TPM,
		OthersRequests: u.othersRequests, OthersTokens: u.othersTokens,
		HeldTokens: engine.Held(d.held()),
		InFlight:   d.inFlight(), InFlightLimit: d.cfg.Limits.MaxInFlight,
		RequestShare: u.ceilRequests, TokenShare: u.ceilTokens,
		Utilization: d.utilization(), Enabled: d.enabled, ExpectedOutput: m.expect(d),
	}
	s.InputTokens, s.InputTokenLimit = d.metered(engine.LimitInputTPM)
	s.OutputTokens, s.OutputTokenLimit = d.metered(engine.LimitOutputTPM)
	s.DayRequests, s.DayRequestLimit = d.metered(engine.LimitRPD)
	s.DayTokens, s.DayTokenLimit = d.metered(engine.LimitTPD)
	if d.cool > now {
		s.CoolingFor = timeUntil(now, d.cool)
	}
	return s
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

// describe says what a deployment's present usage is.
func (m *model) describe(d *mdep) string {
	if d == nil {
		return "forgotten"
	}
	return fmt.Sprintf("%+v; %+v; present %v, enabled %v, cooling until %d, %d leases",
		d.cfg, *d.now(), d.present, d.enabled, d.cool, len(d.leases))
}
