package replay

import (
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// pool is the deployments of a replay, and the engine that is set up for them.
type pool struct {
	name        string // as the output calls it
	deployments []provider.Deployment
	strategy    engine.Strategy
	engine      replay.NewPolicy

	// Of a configuration:
	group                 string // as it may be shown
	several               bool   // it may have more groups
	silent                bool   // answers have no output tokens
	byRequests, unlimited int    // deployments whose load is by RPM, and by assumption
}

// readPools returns the pools that the flags ask for, at least one.
func (f flags) readPools(env cmdline.Environment) ([]pool, error) {
	if f.config != "" {
		return f.readConfig(env)
	}
	p := pool{name: "pool " + f.pool}
	if f.strategy != nil {
		p.strategy = *f.strategy
	}
	var err error
	p.deployments, err = provider.Pool(f.pool)
	p.engine = replay.Engine(p.strategy)
	return []pool{p}, err
}
