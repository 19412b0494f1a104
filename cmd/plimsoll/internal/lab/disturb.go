package lab

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// disturb schedules what other clients of the accounts do until an instant.
func (s *simulation) disturb(end int64) {
	if s.world.Tenant == 0 {
		return
	}
	for i, d := range s.deployments {
		if i%4 == 2 || len(s.deployments) == 1 {
			s.tenant(d, uint64(i), 0, end)
		}
	}
}

// tenant lets another client use its share of a deployment, about twice in a second. It
// stops where the limit is used up, as its provider refuses its calls as well.
func (s *simulation) tenant(d *deployment, place, n uint64, end int64) {
	if s.now >= end {
		return
	}
	spent := int64(s.world.Tenant * float64(tokens(d.real)) / 120 * d.draws.exponential(forTenant, place, n))
	if len(s.deployments) == 1 {
		spent = spent * s.tenantPart() / 100
	}
	input := spent * 4 / 5
	d.adjust(s.now)
	if d.account.Fits(s.now, rule.Call{Input: input, Output: spent - input, MaxOutput: spent - input}) {
		d.account.Use(s.now, rule.Charge{Input: input, Output: spent - input})
	}
	s.after(500*time.Millisecond, func() { s.tenant(d, place, n+1, end) })
}

// tenantPart is which share of the pool's tokens is that of deployments with a tenant, in
// per cent.
func (s *simulation) tenantPart() int64 {
	all, theirs := int64(0), int64(0)
	for i, d := range s.world.pool() {
		all += d.TPM
		if i%4 == 2 {
			theirs += d.TPM
		}
	}
	return 100 * theirs / all
}

// pool makes the only deployment one with the real limits of all.
func (s *simulation) pool(configured []provider.Deployment, end int64) {
	sum, counted := rule.Limits{}, 0.0
	for i, d := range configured {
		f := newDeployment(s.world, d, i, s.draws, s.now, end)
		sum.RPM += f.real.RPM
		sum.TPM += f.real.TPM
		sum.InputTPM += f.real.InputTPM
		sum.OutputTPM += f.real.OutputTPM
		counted += f.skew * float64(tokens(f.real))
	}
	d := s.deployments[0]
	d.real, d.skew, d.place = sum, counted/float64(tokens(sum)), 2
	d.account = s.world.rule().Open(d.real, d.phase)
}
