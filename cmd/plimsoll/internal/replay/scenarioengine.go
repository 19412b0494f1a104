package replay

import (
	"context"
	"errors"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// errDown is what an exchange fails with while a scenario keeps nodes from the store.
var errDown = errors.New("the scenario keeps the nodes from the store")

// newScenarioEngine returns a node's engine, which takes requests from any goroutine.
func newScenarioEngine(pool []provider.Deployment) (*enginePolicy, error) {
	cfg := engine.Config{Clock: window.NewClock()}
	for _, d := range pool {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: d.ID, Group: group, Limits: engine.Limits{RPM: d.RPM, TPM: d.TPM}})
	}
	p := &enginePolicy{clock: cfg.Clock}
	var err error
	if p.engine, err = engine.New(cfg); err != nil {
		return nil, err
	}
	p.group, err = p.engine.Group(group)
	return p, err
}

// take offers a request as the daemon does: it waits for a grant where escrow needs one.
func (p *enginePolicy) take(ctx context.Context, cost int64) bool {
	lease, err := p.group.AcquireGranted(ctx, engine.Demand{InputTokens: cost, OutputTokens: engine.NoOutput})
	if err != nil {
		return false
	}
	lease.SettleReserved()
	return true
}
