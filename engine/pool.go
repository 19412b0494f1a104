package engine

import (
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// pool is the limits that deployments with the same [provider.Profile.Pool] draw
// on together. Its limits are in the lists of all of them, in whatever group: each
// counts what its own requests take, and what other nodes charged to it. All of
// them follow the clock, because groups roll over one after the other.
//
// Beside a pool's limit a deployment counts its own usage too, where nodes exchange it.
type pool struct {
	// Attempts of any of its deployments: as a cell's two tags, for refusals.
	begun, ended atomic.Int64
	bells        atomic.Pointer[[]*queue.Bell] // of its groups

	asked bool        // a group of it was asked since the last Collect, which alone uses it
	want  window.Want // what it should be granted more; Want alone uses it

	// Under Engine.mu.
	counters []poolCounter
	round    int64 // the Apply that last configured a deployment of it
}

type poolCounter struct {
	*counter.Limit
	kind  Limit
	set   int64 // the limit as State shows it: 0 = unlimited
	round int64 // the Apply that last asked for it
}

// counter returns a pool's counter of a kind, whose limit is set, nil if it has none by that
// rule.
func (p *pool) counter(k Limit, r counter.Rule, set int64) *counter.Limit {
	for i := range p.counters {
		if c := &p.counters[i]; c.kind == k && c.Rule == r {
			c.round, c.set = p.round, set
			return c.Limit
		}
	}
	return nil
}

// add makes a limit one of the pool's counters.
func (p *pool) add(k Limit, l *counter.Limit, set int64) {
	p.counters = append(p.counters, poolCounter{l, k, set, p.round})
}

// idle reports whether nothing is used at an instant.
func (p *pool) idle(now int64) bool {
	at := counter.At{Epoch: window.EpochAt(now), Now: now}
	return !slices.ContainsFunc(p.counters, func(c poolCounter) bool { return !c.Idle(at) })
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

// ring wakes the waiters of all groups that have a deployment of the pool.
func (p *pool) ring() {
	if bells := p.bells.Load(); bells != nil {
		for _, b := range *bells {
			b.Ring()
		}
	}
}
