package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/puzpuzpuz/xsync/v3"
)

// ids are handles by ID. The deployments of an engine are one ids, its callers another, so
// that a caller may have the ID of a deployment.
type ids struct {
	handles *xsync.MapOf[string, *handle]
	kept    sync.Map // ID to weak.Pointer[handle]: dropped handles to which a Ref or a lease may still refer
}

// callers are all callers. Their counters turn with the minutes of a group of their own,
// which requests cannot name.
type callers struct {
	ids
	owner *owner
	// slots are the callers by their slots. A demand finds its caller here, and not by the
	// handle in the demand, which would make the caller's charge escape to the heap.
	slots atomic.Pointer[[]*handle]
}

// of returns the caller of a demand; nil if it has been dropped.
func (c *callers) of(caller *handle) *handle {
	slots := *c.slots.Load()
	if i := caller.caller.slot.Load(); int(i) < len(slots) && slots[i] == caller {
		return slots[i]
	}
	return nil
}

// drop removes a deployment or a caller. While a Ref or a lease still refers to its handle,
// a configuration that adds its ID again gets the same handle. Under its group's mutex.
func (i *ids) drop(h *handle) {
	if h.caller == nil {
		h.e.droppedLeases.ended.Add(h.flight.Ended())
		h.e.droppedLeases.expired.Add(h.expired.Load())
	}
	w := weak.Make(h)
	i.kept.Store(h.id, w)
	runtime.AddCleanup(h, func(id string) { i.kept.CompareAndDelete(id, w) }, h.id)
	i.handles.Compute(h.id, func(v *handle, loaded bool) (*handle, bool) { return v, !loaded || v == h })
}
