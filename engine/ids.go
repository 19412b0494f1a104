package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/puzpuzpuz/xsync/v3"
)

// ids are handles by ID. Deployments and callers have one each.
type ids struct {
	handles *xsync.MapOf[string, *handle]
	kept    sync.Map // ID to weak.Pointer[handle]: dropped, but a Ref or a lease may still refer to them
}

// callers are all callers. Their counters turn with the minutes of a group of their own,
// which requests cannot name.
type callers struct {
	ids
	owner *owner
	// slots are the callers by their slots. A demand leads to its caller this way:
	// by the handle in it, what the caller's charge is stored in would escape with it.
	slots atomic.Pointer[[]*handle]
}

// of returns the caller of a demand; nil if that has been dropped.
func (c *callers) of(caller *handle) *handle {
	slots := *c.slots.Load()
	if i := caller.caller.slot.Load(); int(i) < len(slots) && slots[i] == caller {
		return slots[i]
	}
	return nil
}

// drop forgets a deployment or a caller, except for callers that still hold it: while there are
// any, adding its ID again finds the same one. Under its group's mutex.
func (i *ids) drop(h *handle) {
	if h.caller == nil {
		h.e.gone.ended.Add(h.flight.Ended())
		h.e.gone.expired.Add(h.expired.Load())
	}
	w := weak.Make(h)
	i.kept.Store(h.id, w)
	runtime.AddCleanup(h, func(id string) { i.kept.CompareAndDelete(id, w) }, h.id)
	i.handles.Compute(h.id, func(v *handle, loaded bool) (*handle, bool) { return v, !loaded || v == h })
}
