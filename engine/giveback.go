package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// changeObserved adds differences to what a lease was charged, whose deployment's
// answers are observed: what a figure has replaced stays counted, as usage that no
// node reports.
func (l *Lease) changeObserved(d *amounts) {
	h, epoch, order := l.h, l.begun.epoch(), Mark{l.begun.epoch(), l.mark}.order()
	input, output := max(-d[dimInput], 0), max(-d[dimOutput], 0)
	if l.metered == 0 {
		output = max(-d[dimTokens], 0)
	}
	if input|output != 0 {
		h.ledger.tokens.Add(input + output)
		h.ledger.input.Add(input)
	}
	ms := h.meters.Load()
	if l.metered != 0 {
		l.meterObserved(ms, d, order)
	}
	tokens, kept := d[dimTokens], int64(0)
	if tokens < 0 && ms.at(kindTokens) == nil {
		kept = -tokens - h.ledger.figures[provider.Tokens].allow(order, -tokens)
	}
	h.adjust(epoch, tokens+kept)
	if kept > 0 {
		h.withhold(epoch, kept, 0)
	}
	if d[dimRequests] == 0 {
		return
	}
	h.ledger.requests.Add(1)
	if ms.at(kindRequests) == nil && h.ledger.figures[provider.Requests].allow(order, 1) == 0 {
		h.withhold(epoch, 0, 1)
		h.e.returned.Add(1)
		return
	}
	l.returnRequest()
}

// returnRequest takes the lease's request out of the cell.
func (l *Lease) returnRequest() {
	h, epoch := l.h, l.begun.epoch()
	h.unprobe(epoch, l.begun.at())
	if !h.addRequests(epoch, -1) {
		h.e.strayRequests.Add(-1)
	}
	h.e.returned.Add(1)
}

// meterObserved is meter for changeObserved.
func (l *Lease) meterObserved(ms *meters, d *amounts, order uint64) {
	if ms == nil {
		return
	}
	less := ms.adjust(l, d, func(m *meter, n int64) int64 {
		of := m.reportedAs()
		if n >= 0 || ms.at(meterOf[of]) != m { // figures do not speak of it
			return n
		}
		got := l.h.ledger.figures[of].allow(order, -n)
		if kept := -n - got; kept > 0 {
			l.h.withholdIn(m, l.begun.epoch(), kept)
		}
		return -got
	})
	l.eased(ms, less)
}

// withhold counts what a lease of an epoch does not give back as usage that no
// node reports.
func (h *handle) withhold(epoch, tokens, requests int64) {
	done := false
	h.whole(func(f *frame, i int, _ int64) {
		b := f
		if epoch != f.Epoch {
			if b = f.prev.Load(); b == nil || b.Epoch != epoch || !b.has(i, h) {
				return
			}
		}
		done = true
		atomic.AddInt64(&b.foreign[i].tokens, tokens)
		atomic.AddInt64(&b.foreign[i].requests, requests)
		if b == f {
			f.shift(i, 0, 0)
		}
	})
	if !done {
		h.e.strayTokens.Add(-tokens)
		h.e.strayRequests.Add(-requests)
	}
}

// withholdIn is withhold for a meter's counter that nodes exchange; others are
// nobody's report.
func (h *handle) withholdIn(m *meter, epoch, n int64) {
	if m.timed() {
		return
	}
	h.whole(func(f *frame, i int, _ int64) {
		switch {
		case m.daily:
			for _, d := range [...]*dayShare{&h.days.cur, &h.days.prev} {
				if d.index == m.window(epoch, 0) {
					d.foreign[m.dim] += n
				}
			}
			m.c.SetCap(m.capped(h.days.cur.ceil[m.dim], h.days.cur.elsewhere(m.dim)))
		case epoch == f.Epoch:
			s := &f.shares[i].split[m.dim]
			atomic.AddInt64(&s.foreign, n)
			m.c.SetCap(m.capped(s.ceil, s.elsewhere()))
		default:
			if b := f.prev.Load(); b != nil && b.Epoch == epoch && b.has(i, h) {
				atomic.AddInt64(&b.shares[i].split[m.dim].foreign, n)
			}
		}
	})
}
