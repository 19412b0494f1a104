package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// CallerRef is a caller, resolved once with [Engine.CallerRef]. It is a small value,
// comparable, and stays valid across Apply. While its caller is not configured, demands
// that name it are refused. The zero CallerRef is none.
type CallerRef struct{ h *handle }

// CallerRef returns the handle of a caller, to be resolved once and kept. The error is
// [ErrUnknownCaller].
func (e *Engine) CallerRef(id string) (CallerRef, error) {
	if h, ok := e.callers.handles.Load(id); ok {
		return CallerRef{h}, nil
	}
	return CallerRef{}, fmt.Errorf("%w %q", ErrUnknownCaller, id)
}

// ID returns the caller's ID, "" for the zero CallerRef.
func (r CallerRef) ID() string {
	if r.h == nil {
		return ""
	}
	return r.h.id
}

// Record adds the tokens of a request that [Ref.PreCheck] has admitted for the caller to
// the caller's current minute, whatever its limit. It adds no request, and nothing to the
// deployment: [Ref.Record] does that.
func (r CallerRef) Record(u Usage) {
	if r.h != nil {
		r.h.record(u)
	}
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

func (c *callers) init() {
	c.handles = newNames[*handle]()
	c.slots.Store(new([]*handle))
}

// of returns the caller of a demand; nil if that has been dropped.
func (c *callers) of(caller *handle) *handle {
	slots := *c.slots.Load()
	if i := caller.caller.slot.Load(); int(i) < len(slots) && slots[i] == caller {
		return slots[i]
	}
	return nil
}

// seat gives callers that have no slot one each, in place of those that were dropped or
// behind the last. Under mu.
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

// call makes a new handle a caller's, and says which groups it may ask. Under mu.
func (h *handle) call(c *Caller) {
	if h.caller == nil {
		h.caller = &callerState{shared: window.CallerPrefix + c.ID}
	}
	groups := slices.Clone(c.Groups)
	h.caller.groups.Store(&groups)
}

// showCallers publishes the limits of the callers of a view. Under the group's mutex.
func showCallers(v *view) {
	for _, h := range v.handles {
		h.caller.limits.Store(h.limits.Load())
	}
}

// callerState is what a handle has if its limits are a caller's.
type callerState struct {
	shared string       // the ID by which nodes share what it uses
	slot   atomic.Int32 // in callers.slots
	groups atomic.Pointer[[]string]
	// limits are those in force. They are stored once a new limit on leases has counted
	// the leases that are held.
	limits atomic.Pointer[limits]
	bells  atomic.Pointer[[]*bell] // of the lines with queues that wait for the caller
	mu     sync.Mutex              // of bells
}

// mayAsk reports whether the caller may ask a group.
func (c *callerState) mayAsk(group string) bool {
	groups := *c.groups.Load()
	for i := range groups {
		if Matches(groups[i], group) {
			return true
		}
	}
	return len(groups) == 0
}

// addBell notes that a queue of a line waits for the caller.
func (c *callerState) addBell(b *bell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bells := append(slices.Clone(c.waiting()), b)
	c.bells.Store(&bells)
}

// removeBell undoes addBell, for one of the line's queues.
func (c *callerState) removeBell(b *bell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bells := slices.Clone(c.waiting())
	if i := slices.Index(bells, b); i >= 0 {
		bells = slices.Delete(bells, i, i+1)
	}
	c.bells.Store(&bells)
}

// waiting returns the bells of the lines with queues that wait for the caller.
func (c *callerState) waiting() []*bell {
	if bells := c.bells.Load(); bells != nil {
		return *bells
	}
	return nil
}

// ring says to everyone who waits for the caller that there may be room.
func (c *callerState) ring() {
	for _, b := range c.waiting() {
		b.ring()
	}
}

// shared returns the ID by which nodes share what a deployment or a caller uses.
func (h *handle) shared() string {
	if h.caller != nil {
		return h.caller.shared
	}
	return h.id
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

func (c *Caller) validate(p *problems, at place) {
	if c.ID == "" {
		p.addf("%s.ID: is empty; give the caller a unique, stable name", at)
	}
	c.Limits.validate(p, at)
	validateProfile(p, at, &c.Profile)
	if c.Profile.Pool != "" {
		p.addf("%s.Profile.Pool: is %q; a caller's limits are its own: leave it empty", at, c.Profile.Pool)
	}
	if c.Profile.LearnShape {
		p.addf("%s.Profile.LearnShape: is true; no provider reports how a caller counts: leave it false", at)
	}
	if c.Profile.LearnPhase {
		p.addf("%s.Profile.LearnPhase: is true; no provider reports a caller's minutes: leave it false", at)
	}
	if i := slices.Index(c.Groups, ""); i >= 0 {
		p.addf("%s.Groups[%d]: is empty; name a group, or use * for all", at, i)
	}
}
