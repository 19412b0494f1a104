package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// leftover is what windows that are folded have come to.
type leftover struct {
	n    int
	list [6]struct {
		kind      window.Kind
		index     int64
		own, told amounts
		closed    bool
	}
}

// add notes one dimension of a folded window.
func (l *leftover) add(kind window.Kind, s *counter.Ledger, dim counter.Dim, own int64) {
	i := 0
	for i < l.n && (l.list[i].kind != kind || l.list[i].index != s.Window) {
		i++
	}
	if i == len(l.list) || own == s.Reported && i == l.n && own == 0 {
		return
	}
	w := &l.list[i]
	if i == l.n {
		l.n++
		w.kind, w.index = kind, s.Window
	}
	w.own[dim], w.told[dim] = own, s.Reported
	w.closed = w.closed || s.Closed
}

// keep keeps for the next Collect what changed since the last one.
func (h *handle) keep(l *leftover) {
	for i := range l.list[:l.n] {
		if w := &l.list[i]; !w.closed && w.own != w.told {
			h.e.rest.keep(h.report(w.kind, w.index, &w.own), &h.e.dropped)
		}
	}
}

// leave keeps the last reports of limits that are no longer in a list.
func (h *handle) leave(old, ms *limits) {
	var left leftover
	for i := range old.of() {
		m := &old.list[i]
		if !m.Owned() || slices.ContainsFunc(ms.of(), func(n limit) bool { return n.Limit == m.Limit }) {
			continue
		}
		w := m.Window(counter.At{Epoch: h.turned})
		for _, k := range [2]int64{w - 1, w} {
			if s := m.Ledger(k); s != nil {
				left.add(m.Kind(), s, m.Dim, m.Own(k))
			}
		}
	}
	h.keep(&left)
}

// leftovers are reports of windows that were folded before a Collect saw the
// last of them. They are bounded: what no Collect comes for is dropped.
type leftovers struct {
	collecting atomic.Bool // somebody collects at all
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
