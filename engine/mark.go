package engine

import (
	"sync/atomic"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Mark is where a deployment's counters stood when a request was sent. A
// provider's figures are as of that request, so what was charged after its mark
// comes on top of them. It is a small value, comparable; the zero Mark is none.
type Mark struct {
	epoch int64
	place mark
}

// mark is a Mark within an epoch. Counts are kept to 32 bits: what matters are
// differences within two minutes.
type mark struct {
	counts uint64 // [tokens:32][input:32]
	order  uint64 // [requests:24][sequence:24][milliseconds into the epoch:16]; 0 = no mark
}

const (
	markRequests = 40
	markGrain    = 1e6 // ns
	markSequence = 16
	mark24       = 1<<24 - 1
	mark16       = 1<<16 - 1
)

// Mark returns the mark of a request that is about to be sent to the deployment,
// after PreCheck has counted it. Hand it to [Ref.Observe] with what the answer
// said. A [Lease] keeps a mark of its own. The zero Ref has none.
func (r Ref) Mark() Mark {
	if r.h == nil {
		return Mark{}
	}
	h := r.alive()
	h.listens.Store(true)
	f, i := h.find(now)
	if f == nil {
		return Mark{}
	}
	return Mark{f.Epoch, h.mark(f, i)}
}

// mark marks a request in the cell of its epoch.
func (h *handle) mark(f *frame, i int) mark {
	tokens, requests, input := h.charged(f, i)
	ms := min(max(h.clock.Now()-window.Start(f.Epoch), 0)/1e6, 60_000)
	return mark{
		counts: uint64(uint32(tokens))<<32 | uint64(uint32(input)),
		order:  uint64(requests)<<markRequests | uint64(h.sequence.Add(1)&mark24)<<markSequence | uint64(ms),
	}
}

// charged returns what requests were charged in an epoch's cell, by whichever
// node: without what providers' figures have added, and with all that leases have
// ever given back.
func (h *handle) charged(f *frame, i int) (tokens, requests, input int64) {
	t, r := f.foreign[i].load()
	tokens, requests = f.cells[i].Tokens()-t, f.cells[i].Requests()-r
	if ms := h.meters.Load(); ms != nil {
		input = ms.inputOf(tokens, f, i)
	}
	l := h.ledger
	return tokens + l.tokens.Load(), requests + l.requests.Load(), input + l.input.Load()
}

// inputOf returns the input charged in a frame's minute, of tokens in all; 0 if
// nobody counts it.
func (ms *meters) inputOf(tokens int64, f *frame, i int) int64 {
	for k := range ms.list {
		m := &ms.list[k]
		if !m.minutely() {
			continue
		}
		n, _ := m.c.UsedIn(f.Epoch)
		n -= atomic.LoadInt64(&f.shares[i].split[m.dim].foreign)
		if m.dim == dimOutput {
			n = tokens - n
		}
		return n
	}
	return 0
}

// at returns when the mark was made.
func (m Mark) at() int64 { return window.Start(m.epoch) + int64(m.place.order&mark16)*markGrain }

// none reports whether there is no mark.
func (m Mark) none() bool { return m.place.order == 0 }

// sequence orders the marks of a deployment.
func (m Mark) sequence() uint32 { return uint32(m.place.order>>markSequence) & mark24 }

// after reports whether the mark was made after another of the same deployment,
// unless eight million were made in between.
func (m Mark) after(o Mark) bool {
	if m.epoch != o.epoch {
		return m.epoch > o.epoch
	}
	d := (m.sequence() - o.sequence()) & mark24
	return d != 0 && d < 1<<23
}

// spent is what was charged since a mark.
type spent struct{ tokens, requests, input int64 }

// since returns what was charged after a mark. False: it is too old to tell.
func (h *handle) since(m Mark) (s spent, ok bool) {
	f, i := h.find(m.epoch)
	if f == nil || m.none() {
		return s, false
	}
	t, r, in := h.charged(f, i)
	s.tokens = int64(int32(uint32(t) - uint32(m.place.counts>>32)))
	s.input = int64(int32(uint32(in) - uint32(m.place.counts)))
	s.requests = int64(int32((uint32(r)-uint32(m.place.order>>markRequests))<<8)) >> 8
	if g, j := h.find(now); g != nil && g.Epoch > f.Epoch {
		t, r, in = h.charged(g, j)
		l := h.ledger // in the other frame's counts already
		s.tokens, s.requests, s.input = s.tokens+t-l.tokens.Load(), s.requests+r-l.requests.Load(), s.input+in-l.input.Load()
	}
	return s, true
}
