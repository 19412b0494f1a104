package engine

import (
	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Mark returns the mark of a request that is about to be sent to the deployment,
// after PreCheck has counted it. Pass it to [Ref.Observe] with the signal of the
// answer. A [Lease] has a mark of its own. The zero Ref returns the zero Mark.
func (r Ref) Mark() Mark {
	if r.h == nil {
		return Mark{}
	}
	g := r.h.group.Load()
	r.h.listen()
	if g == nil {
		return Mark{}
	}
	e, _ := g.minute()
	return Mark{e, r.h.mark(e)}
}

// listen makes the deployment mark requests from now on.
func (h *handle) listen() {
	if !h.noting.Load() || h.answers.Load() == nil {
		h.answers.CompareAndSwap(nil, new(answers))
		h.noting.Store(true)
	}
}

// observed reports whether signals are observed.
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

// charged returns what requests of all nodes were charged in an epoch, without the adjustments
// by providers' figures, plus everything that leases have ever given back.
func (h *handle) charged(epoch int64) (tokens, requests, input int64) {
	c := h.hot.Of(epoch)
	t, r := c.Adjusted()
	tokens, requests = c.Tokens()-t, c.Requests()-r
	l := &h.answers.Load().ledger
	return tokens + l.tokens.Load(), requests + l.requests.Load(), h.limits.Load().inputOf(tokens, epoch) + l.input.Load()
}

// inputOf returns the input tokens charged in a minute in which tokens were charged in all; 0
// if neither input nor output is counted.
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

// since returns what was charged after a mark. False: the mark is too old. Under
// the group's mutex.
func (h *handle) since(m Mark) (a amounts, ok bool) {
	if h.hot.Of(m.epoch).Window() != m.epoch || m.none() {
		return a, false
	}
	t, r, in := h.charged(m.epoch)
	tokens := int64(int32(uint32(t) - uint32(m.place.counts>>32)))
	input := int64(int32(uint32(in) - uint32(m.place.counts)))
	requests := int64(int32((uint32(r)-uint32(m.place.order>>markRequests))<<8)) >> 8
	if h.turned > m.epoch {
		t, r, in = h.charged(h.turned)
		l := &h.answers.Load().ledger // its refunds are in the charges of the earlier minute already
		tokens, requests, input = tokens+t-l.tokens.Load(), requests+r-l.requests.Load(), input+in-l.input.Load()
	}
	return amounts{counter.Input: input, counter.Output: tokens - input, counter.Tokens: tokens, counter.Requests: requests}, true
}

// latest returns the order of the latest mark made, as of an epoch.
func (h *handle) latest(epoch int64) uint64 {
	return uint64(epoch)<<24 | uint64(h.sequence.Load()&mark24)
}
