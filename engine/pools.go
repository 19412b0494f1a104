package engine

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
)

// pool returns the pool of that name for an Apply, nil for "". Under mu.
func (e *Engine) pool(name string, round int64) *pool {
	if name == "" {
		return nil
	}
	p := e.pools[name]
	if p == nil {
		p = &pool{}
		e.pools[name] = p
	}
	p.round = round
	return p
}

// gatherPools stores in the pools which groups draw on them, and forgets counters and
// pools that no deployment has any more; a pool's only once nothing is used, so
// that configuring it again does not double its limits. Under mu.
func (e *Engine) gatherPools(cfg *Config, byName map[string]*planned, now int64) {
	bells := map[string][]*queue.Bell{}
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		if d.Profile.Pool == "" {
			continue
		}
		if b := &byName[d.Group].line.Bell; !slices.Contains(bells[d.Profile.Pool], b) {
			bells[d.Profile.Pool] = append(bells[d.Profile.Pool], b)
		}
	}
	for name, o := range e.pools {
		b := bells[name]
		o.bells.Store(&b)
		if o.round == e.round {
			o.counters = slices.DeleteFunc(o.counters, func(c poolCounter) bool { return c.round != o.round })
		} else if o.idle(now) {
			delete(e.pools, name)
		}
	}
}
