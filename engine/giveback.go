package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// changeObserved adds the differences d to what a lease was charged, if answers of its
// deployment are observed. Tokens that a figure has replaced stay counted, as usage that no
// node reports. If held is set, the provider itself reserved what is given back: the figure
// contains it, and the next figure will not.
func (l *Lease) changeObserved(d *amounts, held bool) {
	h, epoch, order := l.h, l.begun.epoch(), Mark{l.begun.epoch(), l.mark}.order()
	ledger := &h.answers.Load().ledger
	input, output := max(-d[counter.Input], 0), max(-d[counter.Output], 0)
	if input|output != 0 {
		ledger.tokens.Add(input + output)
		ledger.input.Add(input)
	}
	ms := l.limits
	over := l.adjustObserved(d, order, held)
	tokens, kept := d[counter.Tokens], int64(0)
	if tokens < 0 && !held && ms.at(LimitTPM) == nil {
		kept = -tokens - ledger.figures[provider.TPM].allow(order, -tokens)
	}
	h.e.overran(max(over, h.add(epoch, tokens+kept)))
	if kept > 0 {
		h.withhold(epoch, kept, 0)
	}
	if d[counter.Requests] == 0 {
		return
	}
	ledger.requests.Add(1)
	if ms.at(LimitRPM) == nil && ledger.figures[provider.RPM].allow(order, 1) == 0 {
		h.withhold(epoch, 0, 1)
		h.e.returned.Add(1)
		return
	}
	l.returnRequest()
}

// returnRequest takes the lease's request out of the pair.
func (l *Lease) returnRequest() {
	l.h.unprobe(l.begun.epoch(), l.begun.at())
	l.h.addRequests(l.begun.epoch(), -1)
	l.h.e.returned.Add(1)
}

// adjustObserved is adjust for changeObserved: figures bound how much is given back.
func (l *Lease) adjustObserved(d *amounts, order uint64, held bool) (over int64) {
	ms, h := l.limits, l.h
	if ms == nil {
		return 0
	}
	ledger := &h.answers.Load().ledger
	return l.adjust(d, held, func(m *limit, n int64) int64 {
		if n >= 0 || ms.at(m.kind) != m { // no figure is of this counter
			return n
		}
		if held && m.Owned() && m.Dim != counter.Requests {
			return n // a figure never lowers this count below what leases have charged
		}
		got := ledger.figures[m.kind].allow(order, -n)
		if kept := -n - got; kept > 0 && m.Owned() {
			h.locked(func(*owner, int64) { m.Withhold(m.Window(l.begun.moment()), kept) })
		}
		return -got
	})
}

// withhold counts what a lease of an epoch does not give back as an adjustment: usage that no
// node reports.
func (h *handle) withhold(epoch, tokens, requests int64) {
	done := false
	h.locked(func(*owner, int64) {
		if c := h.hot.Of(epoch); c.Window() == epoch {
			done = true
			c.Adjust(tokens, requests)
			h.shift(epoch&1, 0, 0)
		}
	})
	if !done {
		h.e.unattributedTokens.Add(-tokens)
		h.e.unattributedRequests.Add(-requests)
	}
}
