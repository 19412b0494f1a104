package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// List appends to dst a report of the current minute for every deployment and caller, and of
// the current hour and day for those with limits per hour or day. The reports have IDs, windows
// and limits, but no usage. List does not change what the next Collect reports. A syncer calls it
// to close windows that it has not read yet. Safe for concurrent use.
func (e *Engine) List(dst []window.Report) []window.Report {
	now := e.clock.Read()
	e.eachGroup(now, func(g *Group) {
		for _, h := range g.view.Load().handles {
			dst = append(dst, h.report(window.KindMinute, h.turned, &amounts{}))
			var seen [window.Kinds]bool
			for m := range h.limits.Load().long() {
				if !seen[m.Kind()] {
					seen[m.Kind()] = true
					dst = append(dst, h.report(m.Kind(), m.Window(counter.At{Epoch: h.turned}), &amounts{}))
				}
			}
			dst = reportGrants(dst, h.shared(), h.limits.Load().granted, counter.At{Epoch: h.turned, Now: now}, true, true)
		}
	})
	return e.reportPools(dst, now, true)
}
