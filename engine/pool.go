package engine

import (
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// pool is the limits that deployments with the same [provider.Profile.Pool] draw
// on together. Its counters are meters of all of them, in whatever group: each
// counts what its own requests take, and what other nodes charged to it. All of
// them follow the clock, because groups roll over one after the other.
//
// Beside a pool's meter a deployment goes on counting its own usage where nodes
// tell each other of it.
type pool struct {
	// Attempts of any of its deployments: as a cell's two tags, for refusals.
	begun, ended atomic.Int64
	lines        atomic.Pointer[[]*line] // of its groups

	// Under Engine.mu.
	counters []poolCounter
	round    int64 // the Apply that last configured a deployment of it
}

type poolCounter struct {
	meter
	round int64 // the Apply that last asked for it
}

// pooled returns the rule by which a pool counts a limit.
func (r meterRule) pooled() meterRule {
	switch {
	case r.daily:
		return meterRule{byDay: true, zone: r.zone}
	case !r.timed():
		r.length = window.Minute
	}
	return r
}

// counter returns a pool's counter of a kind, nil if it has none by that rule.
func (p *pool) counter(bit metered, r meterRule) *meter {
	for i := range p.counters {
		if c := &p.counters[i]; c.bit == bit && c.meterRule == r {
			c.round = p.round
			return &c.meter
		}
	}
	return nil
}

// add makes a meter one of the pool's counters.
func (p *pool) add(m meter) { p.counters = append(p.counters, poolCounter{m, p.round}) }

// idle reports whether nothing is used at an instant.
func (p *pool) idle(now int64) bool {
	return !slices.ContainsFunc(p.counters, func(c poolCounter) bool { return c.used(now) != 0 })
}

// begin begins an attempt, which end must end once its request has been counted or
// all that it took has been given back. A nil pool has none.
func (p *pool) begin() {
	if p != nil {
		p.begun.Add(1)
	}
}

func (p *pool) end() {
	if p != nil {
		p.ended.Add(1)
	}
}

// pooled returns the pool that a deployment's limits are of, nil if there is none.
func (ms *meters) pooled() *pool {
	if ms == nil {
		return nil
	}
	return ms.pool
}

// attempts returns how many attempts have ended, for halfWay.
func (p *pool) attempts() int64 {
	if p == nil {
		return 0
	}
	return p.ended.Load()
}

// halfWay reports whether an attempt was half way at any instant since attempts
// was called.
func (p *pool) halfWay(ended int64) bool { return p != nil && p.begun.Load() != ended }

// ring says to everyone who waits for one of the pool's deployments that there
// may be room.
func (p *pool) ring() {
	if lines := p.lines.Load(); lines != nil {
		for _, l := range *lines {
			l.ring()
		}
	}
}

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

// gather tells the pools which groups draw on them, and forgets counters and
// pools that no deployment has any more; a pool's only once nothing is used, so
// that configuring it again does not double its limits.
func (p *plan) gather(cfg *Config) {
	lines := map[string][]*line{}
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		if l := p.byName[d.Group].line; d.Profile.Pool != "" && !slices.Contains(lines[d.Profile.Pool], l) {
			lines[d.Profile.Pool] = append(lines[d.Profile.Pool], l)
		}
	}
	for name, o := range p.e.pools {
		l := lines[name]
		o.lines.Store(&l)
		if o.round == p.e.round {
			o.counters = slices.DeleteFunc(o.counters, func(c poolCounter) bool { return c.round != o.round })
		} else if o.idle(p.now) {
			delete(p.e.pools, name)
		}
	}
}

// pooledDay adds what the others have newly used of a deployment's day to its
// pool's.
func (ms *meters) pooledDay(day int64, others, before *amounts) {
	for i := range ms.list {
		if m := &ms.list[i]; m.byDay && others[m.dim] != before[m.dim] {
			m.c.AddAt(day, others[m.dim]-before[m.dim])
		}
	}
}
