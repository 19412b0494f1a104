package engine

import (
	"cmp"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// Group is the deployments that can stand in for each other under one name. It
// is resolved once with [Engine.Group] and stays valid across Apply.
//
// Most callers use TryAcquire. It chooses a deployment, admits the request and reserves its
// tokens in one step, and its [Lease] is settled with the true usage after the call.
// Acquire does the same and returns the reason of a refusal. Pick only advises. None of
// these blocks, and none allocates except Acquire for its error. Wait waits instead of
// refusing. All methods are safe for concurrent use. The zero Group is not usable.
type Group struct {
	view atomic.Pointer[view] // the candidates; on one cache line with what every request reads of the owner
	owner
	line  *line
	ids   *ids // of its deployments
	names *names

	// Under mu.
	folded  totals    // of windows that have been folded
	removed []*handle // deployments that are no candidates any more, but still have counts
}

// totals are the lifetime counts of windows that have been folded.
type totals struct{ tokens, requests int64 }

// Name returns the group's name, whatever alias it was resolved by.
func (g *Group) Name() string { return g.name }

// successor returns the group that has this one's name now, if this group was dropped because
// it had no deployments left; else nil.
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
func (g *Group) alive() *Group { return cmp.Or(g.successor(), g) }

// readView sets the time of a decision, and then returns the view of the candidates.
func (g *Group) readView(q *reading) *view {
	g.read(q)
	return g.view.Load()
}

// again reports whether a demand that a view refused must be tried again, because the minute is
// over (protocol 2) or the view was replaced or is being replaced (protocol 5). Otherwise the
// refusal stands, because it rests on a fresh reading of the clock.
func (g *Group) again(v *view, q *reading) bool {
	replaced := g.views.Load()&1 != 0 // seats are of the next view: a search of this one sees no capacity freed
	if replaced {
		g.await()
	}
	return g.reread(q, !replaced && g.view.Load() == v)
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

// names are the maps by which groups are found. A decision looks up and never stores.
type names struct {
	groups   *xsync.MapOf[string, *Group] // by name and alias
	patterns atomic.Pointer[patterns]     // of the groups
	// meant has, by alias, the name to which the alias leads, if that name fits a pattern.
	meant atomic.Pointer[map[string]string]
}

func (t *totals) add(o totals) {
	t.tokens += o.tokens
	t.requests += o.requests
}

// locked runs do under the group's mutex, after turning the group to an instant.
func (g *Group) locked(now int64, do func(g *Group)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	do(g)
}
