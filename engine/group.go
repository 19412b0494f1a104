package engine

import (
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// Group is the deployments that can stand in for each other under one name. It
// is resolved once with [Engine.Group] and stays valid across Apply.
//
// TryAcquire is what most callers want: it picks, admits and reserves in one
// step, and the [Lease] it returns is settled with the true usage afterwards.
// Acquire does the same and returns the reason when it refuses. Pick only advises. None of
// these blocks, and none allocates except Acquire for its error. Wait is Acquire for
// callers that prefer to wait.
type Group struct {
	view atomic.Pointer[view] // the candidates; on one cache line with what every request reads of the owner
	owner
	line  *line
	ids   *ids // of its deployments
	names *names

	// Under mu.
	past    totals
	removed []*handle // candidates no more, but they still count
	// applied are the deployments that the last Apply configured.
	applied []*handle
}

// totals are the lifetime counts of windows that have been folded.
type totals struct{ tokens, requests int64 }

// Name returns the group's name, whatever alias it was resolved by.
func (g *Group) Name() string { return g.name }

// successor returns the group that has this one's name now, nil unless this group was
// dropped because it had no deployments left.
func (g *Group) successor() *Group {
	if g.view.Load().n != 0 {
		return nil
	}
	if n, ok := g.names.groups.Load(g.name); ok && n != g {
		return n
	}
	return nil
}

// alive returns the group, or its successor.
func (g *Group) alive() *Group {
	if h := g.successor(); h != nil {
		return h
	}
	return g
}

// look returns the candidates, and sets when a decision is made.
func (g *Group) look(q *reading) *view {
	g.read(q)
	return g.view.Load()
}

// again reports whether to try again after a refusal by a view. Otherwise the refusal
// stands, because it rests on a fresh reading of the clock.
func (g *Group) again(v *view, q *reading) bool {
	return g.reread(q, g.view.Load() == v)
}

// Wildcard is the function [Wildcard] for the group's name. An alias stands for the name
// that it leads to.
func (g *Group) Wildcard(asked string) (string, bool) {
	if meant := g.names.meant.Load(); meant != nil {
		if name, ok := (*meant)[asked]; ok {
			asked = name
		}
	}
	return Wildcard(g.name, asked)
}

// names are what groups are found by.
type names struct {
	// Handles only: a decision looks up, never stores.
	groups   *xsync.MapOf[string, *Group] // by name and alias
	patterns atomic.Pointer[patterns]     // of the groups
	// meant are the names that fit patterns, by the aliases that lead to them.
	meant atomic.Pointer[map[string]string]
}

func (t *totals) add(o totals) {
	t.tokens += o.tokens
	t.requests += o.requests
}

// locked runs do under the group's mutex, turned to an instant.
func (g *Group) locked(now int64, do func(g *Group)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	do(g)
}
