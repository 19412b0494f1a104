package engine

import (
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// pendingReports are reports of windows that were folded before a Collect reported their final
// usage. If no Collect takes them, the older half of maxLeftovers is dropped and counted in
// [Stats.Dropped].
type pendingReports struct {
	collecting atomic.Bool // Collect has been called
	mu         sync.Mutex
	reports    []window.Report
}

const maxPendingReports = 4 * MaxDeployments

func (l *pendingReports) keep(r window.Report, dropped *atomic.Int64) {
	if !l.collecting.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) == maxPendingReports {
		l.reports = append(l.reports[:0], l.reports[maxPendingReports/2:]...)
		dropped.Add(maxPendingReports / 2)
	}
	l.reports = append(l.reports, r)
}

func (l *pendingReports) drain(dst []window.Report) []window.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	dst = append(dst, l.reports...)
	l.reports = nil
	return dst
}
