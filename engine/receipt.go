package engine

import (
	"sync"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// receipt is what one owner of limits, a deployment or a caller, was charged for a
// lease.
type receipt struct {
	h        *handle
	limits   *limits // that it was charged by; nil: none beside the pair
	begun    instant // when it was admitted, and in which epoch it was counted
	reserved int64
	input    int64 // of it
	added    int64
}

// addOutput charges output tokens beyond the reservation, whatever the limits. It
// returns how many of them lie above a limit.
func (r *receipt) addOutput(n int64) (over int64) {
	h := r.h
	if r.limits != nil && r.limits.rated {
		_, n = r.limits.charged(&Usage{OutputTokens: n})
	}
	if n = min(n, MaxCount-r.added); n <= 0 {
		return 0
	}
	if r.limits != nil {
		over = r.adjust(&amounts{counter.Output: n, counter.Tokens: n}, false, nil)
	}
	over = max(over, h.add(r.begun.epoch(), n))
	if h.tracked != nil {
		h.tracked.Add(h.e.slot(r.begun.epoch()), n)
	}
	r.added += n
	return over
}

// freeGauge gives back the lease's place where leases are limited; later says that a
// gauge has counted it which was not there when the lease began.
func (r *receipt) freeGauge(g *owner, later bool) {
	ms := r.limits
	if ms == nil || ms.gauge == nil {
		if ms = r.h.limits.Load(); !later || ms == nil || ms.gauge == nil {
			return
		}
	}
	ms.gauge.Count(counter.At{}, -1)
	r.h.learnLast(r.h.e.clock.Now() - r.begun.at())
	if g != nil {
		r.h.capacityFreed(g.epoch.Load())
	}
}

// difference returns what a usage, weighed, adds to what was charged.
func (r *receipt) difference(in, out int64) amounts {
	output := r.reserved - r.input + r.added
	return amounts{counter.Input: in - r.input, counter.Output: out - output, counter.Tokens: in + out - r.input - output}
}

// adjust counts a difference in the limits that the lease was charged by; allowed,
// unless nil, returns how much of one may be counted. Held says that the provider itself
// gives back what is negative. It returns how many tokens lie above a limit.
func (r *receipt) adjust(a *amounts, held bool, allowed func(m *limit, n int64) int64) (over int64) {
	at, ok := r.h.now(r.limits, a)
	if !ok {
		at = counter.At{Epoch: r.begun.epoch() + 2, Now: r.h.e.clock.Now()} // the limits that are left are a pool's
	}
	all := r.reserved + r.added
	charged := amounts{counter.Input: r.input, counter.Output: all - r.input, counter.Tokens: all, counter.Requests: 1}
	less, over := r.limits.adjust(r.begun.moment(), at, &charged, a, held, allowed)
	if !less {
		return over
	}
	if ok {
		r.h.capacityFreed(at.Epoch)
	}
	if r.limits.pool != nil {
		r.limits.pool.ring() // the deployment may be one that was removed
	}
	return over
}

// settle replaces what a caller was charged by what the call has used.
func (r *receipt) settle(u *Usage) {
	in, out := u.InputTokens, u.OutputTokens
	if r.limits != nil {
		in, out = r.limits.final(u, r.input, r.reserved-r.input+r.added)
	}
	r.change(r.difference(in, out))
}

// giveBack takes back all tokens that a caller was charged, and so many requests, 0 or 1.
func (r *receipt) giveBack(requests int64) {
	all := r.reserved + r.added
	r.change(amounts{counter.Input: -r.input, counter.Output: r.input - all, counter.Tokens: -all, counter.Requests: -requests})
}

// change adds differences to what a caller was charged.
func (r *receipt) change(d amounts) {
	if r.limits != nil && d != (amounts{}) {
		r.adjust(&d, false, nil)
	}
	r.h.add(r.begun.epoch(), d[counter.Tokens])
	if d[counter.Requests] != 0 {
		r.h.addRequests(r.begun.epoch(), d[counter.Requests])
	}
}

// end takes a caller's lease out of flight.
func (r *receipt) end() {
	slot := r.h.e.slot(r.begun.epoch())
	if r.h.tracked != nil {
		r.h.tracked.Add(slot, -r.reserved-r.added)
	}
	if at, ok := r.h.flight.End(slot); ok {
		r.freeGauge(r.h.group.Load(), at.Counted())
	}
	*r = receipt{}
	receipts.Put(r)
}

// receipts are those of callers, for use again. A lease refers to one, so that leases
// without a caller stay small.
var receipts = sync.Pool{New: func() any { return new(receipt) }}

// admission is a Lease before it is handed out: no h means a refusal. It is filled in
// place, because a struct of five words that is returned is copied by way of the stack at
// every call.
type admission struct {
	receipt
	caller *receipt // what the demand's caller was charged; nil if it names none
}

// Lease is a request that was admitted: one request and a number of tokens,
// reserved on a deployment in the minute of admission. Exactly one of Settle,
// SettleReserved and Release ends it; what is called afterwards, a deferred
// Release for instance, does nothing. A lease belongs to one goroutine at a time
// and must not be copied. One that is never ended keeps its reservation for its
// minute and stops counting as in flight after [Config.LeaseTTL].
//
// The zero Lease, which a refusal returns, has ended.
type Lease struct {
	_ noCopy
	admission
	mark    mark // of the request, once signals are observed
	refused bool // by the provider, as observed
}

type noCopy struct{}

func (*noCopy) Lock() {}

func (*noCopy) Unlock() {}
