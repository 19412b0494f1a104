package engine

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/puzpuzpuz/xsync/v3"
)

// Engine decides which deployment a request goes to. Its methods, and those of
// [Group], [Ref] and [CallerRef], are safe for concurrent use unless they say otherwise. It does
// no I/O, starts no goroutine and writes no log. [Engine.Stats] and
// [Engine.AppendStates] return its counts. The zero value is not usable; see [New].
type Engine struct {
	common
	names
	ids         // of deployments
	callers     callers
	callerGroup *Group // of all callers; requests cannot name it
	all         atomic.Pointer[[]*Group]

	mu    sync.Mutex       // locked before any group's (docs/CORE.md, lock order); it guards all fields below
	pools map[string]*pool // by name
	round int64            // the number of the latest Apply
	// Of groups that were removed.
	folded  totals
	refused [limitValues]int64
}

// newNames returns a map by name.
func newNames[V any]() *xsync.MapOf[string, V] { return xsync.NewMapOfWithHasher[string, V](hash) }

// hash returns the hash of a name from a seed, by one folded multiplication for each eight bytes. It costs 2
// of the 15 ns of a call by name less than hash/maphash. Names come from the configuration, so
// no client of a gateway can choose names that collide.
func hash(name string, h uint64) uint64 {
	const odd = 0x9E3779B97F4A7C15
	for ; len(name) >= 8; name = name[8:] {
		high, low := bits.Mul64(h^binary.LittleEndian.Uint64([]byte(name[:8])), odd)
		h = high ^ low
	}
	for i := range len(name) {
		h = (h ^ uint64(name[i]) + 1) * odd
	}
	return h ^ h>>32
}

// Group returns the group with a name or alias, to be resolved once and kept:
// it stays valid across Apply. A group whose name has an asterisk, such as "openai/*",
// is returned for every name that fits and is not itself a group or an alias. If several fit,
// the one with the longest name is returned. See [Group.Wildcard]. The error is [ErrUnknownGroup].
func (e *Engine) Group(name string) (*Group, error) {
	if g, ok := e.groups.Load(name); ok {
		return g, nil
	}
	if g, ok := e.groups.Load(e.patterns.Load().fit(name)); ok {
		return g, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownGroup, name)
}

// Ref returns the reference of a deployment, to be resolved once and kept: it
// stays valid across Apply, also if the deployment is removed and added
// again. The error is [ErrUnknownDeployment].
func (e *Engine) Ref(deployment string) (Ref, error) {
	if h, ok := e.ids.handles.Load(deployment); ok {
		return Ref{h}, nil
	}
	return Ref{}, unknownDeployment(deployment)
}

func unknownDeployment(id string) error { return fmt.Errorf("%w %q", ErrUnknownDeployment, id) }

// turn turns every group that is due, and the callers.
func (e *Engine) turn(now int64) {
	for _, g := range *e.all.Load() {
		if now >= g.wake.Load() {
			g.turn(now)
		}
	}
	if g := e.callerGroup; now >= g.wake.Load() {
		g.turn(now)
	}
}

// newGroup returns a group without deployments, whose handles will be in of.
func (e *Engine) newGroup(name string, of *ids) *Group {
	l := newLine(e.wake)
	g := &Group{
		owner: owner{e: &e.common, clock: e.clock, name: name, bell: &l.Bell, callers: &e.callers},
		line:  l, ids: of, names: &e.names,
	}
	g.members = g
	g.view.Store(newView(&e.common, 0, nil))
	return g
}

// handleOf returns the handle of an ID for an Apply, a new one if there is none. Under
// Engine.mu.
func (e *Engine) handleOf(ids *ids, id string) *handle {
	if h, ok := ids.handles.Load(id); ok {
		return h
	}
	if h := e.found(ids, id); h != nil {
		return h
	}
	return newHandle(&e.common, id)
}

// found returns a dropped deployment or caller that a Ref or a lease still refers to, else nil.
func (e *Engine) found(ids *ids, id string) *handle {
	w, ok := ids.kept.LoadAndDelete(id)
	if !ok {
		return nil
	}
	h := w.(weak.Pointer[handle]).Value()
	if h != nil && h.caller == nil {
		e.droppedLeases.ended.Add(-h.flight.Ended())
		e.droppedLeases.expired.Add(-h.expired.Load())
	}
	return h
}

// eachGroup runs do for every group, and last for the callers' group, under the group's mutex
// and after turning it to an instant. It holds Engine.mu, because otherwise an Apply could move
// a deployment between groups meanwhile, and do would see it twice or not at all.
func (e *Engine) eachGroup(now int64, do func(g *Group)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range *e.all.Load() {
		g.locked(now, do)
	}
	e.callerGroup.locked(now, do)
}
