package engine

import "weak"

// New returns an engine for a configuration. The error is that of [Config.Validate], which
// names every problem.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{names: names{groups: newNames[*Group]()}, pools: map[string]*pool{}}
	e.common.init(&cfg)
	e.ids.handles = newNames[*handle]()
	e.callers.handles = newNames[*handle]()
	e.callers.slots.Store(new([]*handle))
	e.callerGroup = e.newGroup("", &e.callers.ids)
	e.callers.owner = &e.callerGroup.owner
	e.all.Store(new([]*Group))
	e.apply(cfg)
	p := weak.Make(e)
	e.clock.Notify(func(now int64) bool {
		e := p.Value()
		if e == nil {
			return false
		}
		e.turn(now)
		return true
	})
	return e, nil
}
