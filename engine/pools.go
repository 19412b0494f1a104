package engine

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
)

// pool returns the pool with a name for an Apply, a new one if there is none; nil for "". Under
// Engine.mu.
func (e *Engine) pool(name string, round int64) *pool {
	if name == "" {
		return nil
	}
	p := e.pools[name]
	if p == nil {
		p = &pool{}
		p.bells.Store(new([]*queue.Bell))
		e.pools[name] = p
	}
	p.round = round
	return p
}

// gatherPools stores in each pool the bells of its groups, and removes counters and
// pools that no deployment uses any more. A pool is removed only once its usage is 0, so
// that configuring it again does not double its limits. Under Engine.mu.
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
