package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
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
	g := r.h.group.Load()
	r.h.listen()
	if g == nil {
		return Mark{}
	}
	e := g.minute()
	return Mark{e, r.h.mark(e)}
}

// listen has requests marked from now on.
func (h *handle) listen() {
	if h.answers.Load() == nil {
		h.answers.CompareAndSwap(nil, new(answers))
		h.noting.Store(true)
	}
}

// observed reports whether somebody observes signals.
func (h *handle) observed() bool { return h.noting.Load() && h.answers.Load() != nil }

// mark marks a request of an epoch.
func (h *handle) mark(epoch int64) mark {
	tokens, requests, input := h.charged(epoch)
	ms := min(max(h.e.clock.Now()-window.Start(epoch), 0)/1e6, 60_000)
	return mark{
		counts: uint64(uint32(tokens))<<32 | uint64(uint32(input)),
		order:  uint64(requests)<<markRequests | uint64(h.sequence.Add(1)&mark24)<<markSequence | uint64(ms),
	}
}

// charged returns what requests were charged in an epoch, by whichever node: without
// what providers' figures have added, and with all that leases have ever given back.
func (h *handle) charged(epoch int64) (tokens, requests, input int64) {
	c := h.hot.Of(epoch)
	t, r := c.Adjusted()
	tokens, requests = c.Tokens()-t, c.Requests()-r
	l := &h.answers.Load().ledger
	return tokens + l.tokens.Load(), requests + l.requests.Load(), h.limits.Load().inputOf(tokens, epoch) + l.input.Load()
}

// inputOf returns the input charged in a minute, of tokens in all; 0 if it is not
// counted.
func (ms *limits) inputOf(tokens, epoch int64) int64 {
	for k := range ms.of() {
		m := &ms.list[k]
		if m.Shape != counter.Minutes {
			continue
		}
		n := m.UsedIn(epoch) - m.Adjusted(epoch)
		if m.Dim == counter.Output {
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

// since returns what was charged after a mark. False: it is too old to tell. Under
// the group's mutex.
func (h *handle) since(m Mark) (s spent, ok bool) {
	if h.hot.Of(m.epoch).Window() != m.epoch || m.none() {
		return s, false
	}
	t, r, in := h.charged(m.epoch)
	s.tokens = int64(int32(uint32(t) - uint32(m.place.counts>>32)))
	s.input = int64(int32(uint32(in) - uint32(m.place.counts)))
	s.requests = int64(int32((uint32(r)-uint32(m.place.order>>markRequests))<<8)) >> 8
	if h.turned > m.epoch {
		t, r, in = h.charged(h.turned)
		l := &h.answers.Load().ledger // in the other minute's counts already
		s.tokens, s.requests, s.input = s.tokens+t-l.tokens.Load(), s.requests+r-l.requests.Load(), s.input+in-l.input.Load()
	}
	return s, true
}
