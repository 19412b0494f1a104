package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/internal/queue"
	"github.com/plimsoll-dev/plimsoll/window"
)

// CallerRef returns the reference of a caller, to be resolved once and kept. The error is
// [ErrUnknownCaller].
func (e *Engine) CallerRef(id string) (CallerRef, error) {
	if h, ok := e.callers.handles.Load(id); ok {
		return CallerRef{h}, nil
	}
	return CallerRef{}, fmt.Errorf("%w %q", ErrUnknownCaller, id)
}

// seat gives each caller that has no slot the slot of one that was dropped, or a new one
// behind the last. Under Engine.mu.
func (c *callers) seat(list []*handle) {
	slots := slices.Clone(*c.slots.Load())
	taken := make([]bool, len(slots), len(slots)+len(list))
	for i, h := range slots {
		taken[i] = h.group.Load() != nil || slices.Contains(list, h)
	}
	free := 0
	for _, h := range list {
		if i := int(h.caller.slot.Load()); i < len(slots) && slots[i] == h {
			continue
		}
		for free < len(slots) && taken[free] {
			free++
		}
		if free == len(slots) {
			slots, taken = append(slots, nil), append(taken, true)
		}
		slots[free], taken[free] = h, true
		h.caller.slot.Store(int32(free))
	}
	c.slots.Store(&slots)
}

// call makes a new handle a caller's, and sets the groups that the caller may use. Under
// Engine.mu.
func (h *handle) call(c *Caller) {
	if h.caller == nil {
		h.caller = &callerState{shared: window.CallerPrefix + c.ID}
		h.caller.bells.Store(new([]*queue.Bell))
	}
	groups := slices.Clone(c.Groups)
	h.caller.groups.Store(&groups)
}

// sharedBy returns the deployment or the caller of a shared ID; nil if there is none.
func (e *Engine) sharedBy(id string) *handle {
	ids := &e.ids
	if caller, ok := strings.CutPrefix(id, window.CallerPrefix); ok {
		ids, id = &e.callers.ids, caller
	}
	h, _ := ids.handles.Load(id)
	return h
}

// asDeployment returns the caller's limits in the form in which a handle takes them.
func (c *Caller) asDeployment() Deployment {
	return Deployment{ID: c.ID, Limits: c.Limits, Profile: c.Profile}
}
