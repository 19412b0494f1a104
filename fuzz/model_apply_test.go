package fuzz

import (
	"cmp"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// apply swaps the configuration: what is known by ID stays.
func (m *model) apply(cfg engine.Config, now int64) {
	m.strategy = cfg.Strategy
	m.expected = cmp.Or(cfg.ExpectedOutput, 256)
	m.quantile = cfg.OutputQuantile
	m.shares = cfg.PriorityShare
	m.lookAll(now)
	was := map[*mdep]bool{}
	for _, d := range m.deps {
		was[d] = d.present
		if d.present {
			d.present, d.gone = false, d.group.epoch
		}
	}
	for _, c := range cfg.Deployments {
		g := m.groups[c.Group]
		if g == nil {
			g = &mgroup{name: c.Group, epoch: now / minute, lived: map[int64]bool{now / minute: true}}
			m.groups[c.Group] = g
		}
		d := m.deps[c.ID]
		if d == nil {
			if m.usage[c.ID] == nil {
				m.usage[c.ID] = map[int64]*musage{}
			}
			// A share for a later window of a deployment that was removed since is dropped too.
			for epoch, u := range m.usage[c.ID] {
				if epoch >= now/minute {
					*u = musage{requests: u.requests, tokens: u.tokens}
				}
			}
			d = &mdep{usage: m.usage[c.ID], enabled: !c.Disabled, cfg: c}
			m.deps[c.ID] = d
			if lost := m.lost[c.ID]; lost != nil {
				lost.again = d
				delete(m.lost, c.ID)
			}
		}
		if c.Disabled != d.cfg.Disabled || !was[d] {
			d.enabled = !c.Disabled
		}
		d.cfg, d.group, d.present = c, g, true
		d.measure()
	}
}
