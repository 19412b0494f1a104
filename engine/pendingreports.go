package engine

import (
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// leftovers are reports of windows that were folded before a Collect reported their final
// usage. If no Collect takes them, the older half of maxLeftovers is dropped and counted in
// [Stats.Dropped].
type leftovers struct {
	collecting atomic.Bool // Collect has been called
	mu         sync.Mutex
	reports    []window.Report
}

const maxLeftovers = 4 * MaxDeployments

func (l *leftovers) keep(r window.Report, dropped *atomic.Int64) {
	if !l.collecting.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) == maxLeftovers {
		l.reports = append(l.reports[:0], l.reports[maxLeftovers/2:]...)
		dropped.Add(maxLeftovers / 2)
	}
	l.reports = append(l.reports, r)
}

func (l *leftovers) take(dst []window.Report) []window.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	dst = append(dst, l.reports...)
	l.reports = nil
	return dst
}
