package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// List appends to dst a report of the current minute for every deployment and caller, asked
// for or not, and of the current hour and day for those with limits of these. It carries IDs, windows
// and limits, no usage, and does not change what the next Collect reports. A syncer calls it
// to close windows that it has not read yet. Safe for concurrent use.
func (e *Engine) List(dst []window.Report) []window.Report {
	now := e.clock.Read()
	for _, g := range *e.all.Load() {
		dst = g.list(dst, now)
	}
	return e.callerGroup.list(dst, now)
}

func (g *Group) list(dst []window.Report, now int64) []window.Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	for _, h := range g.view.Load().handles {
		dst = append(dst, h.report(window.KindMinute, h.turned, &amounts{}))
		var seen [window.Kinds]bool
		for i := range h.limits.Load().of() {
			if m := &h.limits.Load().list[i]; m.Long() && !seen[m.Kind()] {
				seen[m.Kind()] = true
				dst = append(dst, h.report(m.Kind(), m.Window(counter.At{Epoch: h.turned}), &amounts{}))
			}
		}
	}
	return dst
}
