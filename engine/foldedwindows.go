package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// foldedWindows is the final usage of one deployment's windows that are folded in one turn.
type foldedWindows struct {
	n    int
	list [6]struct { // two each of minutes, hours and days
		kind          window.Kind
		index         int64
		own, reported amounts
		closed        bool
	}
}

// add adds one dimension of a folded window.
func (f *foldedWindows) add(kind window.Kind, s *counter.Ledger, dim counter.Dim, own int64) {
	i := 0
	for i < f.n && (f.list[i].kind != kind || f.list[i].index != s.Window) {
		i++
	}
	if i == len(f.list) || own == s.Reported && i == f.n && own == 0 {
		return
	}
	w := &f.list[i]
	if i == f.n {
		f.n++
		w.kind, w.index, w.closed = kind, s.Window, false
		w.own, w.reported = amounts{}, amounts{}
	}
	w.own[dim], w.reported[dim] = own, s.Reported
	w.closed = w.closed || s.Closed
}

// keep keeps, for the next Collect, a report of each window that has changed since the last one.
func (h *handle) keep(f *foldedWindows) {
	for i := range f.list[:f.n] {
		if w := &f.list[i]; !w.closed && w.own != w.reported {
			h.e.pendingReports.keep(h.report(w.kind, w.index, &w.own), &h.e.dropped)
		}
	}
}
