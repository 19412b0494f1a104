package engine

import (
	"slices"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// pool is the limits that deployments with the same [provider.Profile.Pool] share. The same
// counters are in the lists of all these deployments, in whatever group. They count the
// requests of all of them, and the usage of other nodes. All pooled counters
// follow the clock, because groups turn to the next minute one after the other.
//
// If nodes exchange usage, each deployment counts its own usage beside the pool's counter.
type pool struct {
	// Attempts on any of its deployments that have begun and that have ended: the
	// equivalent of the two tags of a pair (protocol 4).
	begun, ended atomic.Int64
	bells        atomic.Pointer[[]*queue.Bell] // of its groups

	asked bool        // a group of the pool had a request since the last Collect; only Collect uses it
	want  window.Want // what the pool should be granted more; only Want uses it

	// Under Engine.mu.
	counters []poolCounter
	round    int64 // the Apply that last configured a deployment of the pool
}

type poolCounter struct {
	*counter.Limit
	kind  Limit
	set   int64 // the limit as State shows it: 0 = unlimited
	round int64 // the Apply that last used it
}

// find returns the pool's counter of a kind by a rule, nil if there is none.
func (p *pool) find(k Limit, r counter.Rule) *poolCounter {
	if i := slices.IndexFunc(p.counters, func(c poolCounter) bool { return c.kind == k && c.Rule == r }); i >= 0 {
		return &p.counters[i]
	}
	return nil
}

// counter returns the pool's counter of a kind by a rule, and notes the limit that State shows
// for it. Nil: the pool has none.
func (p *pool) counter(k Limit, r counter.Rule, set int64) *counter.Limit {
	c := p.find(k, r)
	if c == nil {
		return nil
	}
	if c.round != p.round || c.set != set { // never for a report, which holds no Engine.mu: see Group.relimit
		c.round, c.set = p.round, set
	}
	return c.Limit
}

// add makes l one of the pool's counters.
func (p *pool) add(k Limit, l *counter.Limit, set int64) {
	p.counters = append(p.counters, poolCounter{l, k, set, p.round})
}

// idle reports whether nothing is used at an instant.
func (p *pool) idle(now int64) bool {
	at := counter.At{Epoch: window.EpochAt(now), Now: now}
	return !slices.ContainsFunc(p.counters, func(c poolCounter) bool { return c.Used(at) != 0 })
}

// begin begins an attempt. The caller must call end once the request has been counted, or
// once everything that the attempt took has been given back (protocol 4). A nil pool counts
// no attempts.
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
	for _, b := range *p.bells.Load() {
		b.Ring()
	}
}
