package engine

import (
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// pendingReports are reports of windows that were folded before a Collect reported their final
// usage. If no Collect takes them, the older half of maxPendingReports is dropped and counted in
// [Stats.Dropped].
type pendingReports struct {
	collecting atomic.Bool // Collect has been called
	mu         sync.Mutex
	reports    []window.Report
}

const maxPendingReports = 4 * MaxDeployments

func (p *pendingReports) keep(r window.Report, dropped *atomic.Int64) {
	if !p.collecting.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reports) == maxPendingReports {
		p.reports = append(p.reports[:0], p.reports[maxPendingReports/2:]...)
		dropped.Add(maxPendingReports / 2)
	}
	p.reports = append(p.reports, r)
}

func (p *pendingReports) drain(dst []window.Report) []window.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	dst = append(dst, p.reports...)
	p.reports = nil
	return dst
}
