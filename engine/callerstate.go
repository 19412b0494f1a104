package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// callerState is the part of a handle that only callers have.
type callerState struct {
	wants  wants        // demands that the caller's ceilings refused
	waits  window.Want  // the waiting demands, while Want adds them up
	shared string       // the ID by which nodes share the caller's usage
	slot   atomic.Int32 // in callers.slots
	groups atomic.Pointer[[]string]
	// limits are those in force. They are stored once a new limit on leases has counted
	// the leases that are held.
	limits atomic.Pointer[limits]
	bells  atomic.Pointer[[]*queue.Bell] // of the lines with queues that wait for the caller
	mu     sync.Mutex                    // of bells
}

// mayAsk reports whether the caller may use a group.
func (c *callerState) mayAsk(group string) bool {
	groups := *c.groups.Load()
	return len(groups) == 0 || slices.ContainsFunc(groups, func(pattern string) bool { return Matches(pattern, group) })
}

// addBell adds the bell of a line in which a queue waits for the caller.
func (c *callerState) addBell(b *queue.Bell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bells := append(slices.Clone(*c.bells.Load()), b)
	c.bells.Store(&bells)
}

// removeBell undoes addBell, for one of the line's queues.
func (c *callerState) removeBell(b *queue.Bell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bells := slices.Clone(*c.bells.Load())
	i := slices.Index(bells, b)
	bells = slices.Delete(bells, i, i+1)
	c.bells.Store(&bells)
}

// ring wakes the lines in which demands of the caller wait, after capacity was freed (protocol 7).
func (c *callerState) ring() {
	for _, b := range *c.bells.Load() {
		b.Ring()
	}
}

// shared returns the ID by which nodes share the usage of a deployment or a caller.
func (h *handle) shared() string {
	if h.caller != nil {
		return h.caller.shared
	}
	return h.id
}
