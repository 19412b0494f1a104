package engine

import (
	"sync"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// ids are handles by ID. Deployments and callers have one each.
type ids struct {
	handles *xsync.MapOf[string, *handle]
	kept    sync.Map // ID to weak.Pointer[handle]: dropped, but somebody may still hold them
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
