package engine

import (
	"sync"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// receipt is what one owner of limits, a deployment or a caller, was charged for a
// lease.
type receipt struct {
	h        *handle
	limits   *limits // the list by which the lease was charged; nil: the pair alone
	begun    instant // of the admission, with the epoch in which it was counted
	reserved int64   // tokens
	input    int64   // input tokens, of reserved
	added    int64   // tokens beyond reserved, by addOutput
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

// freeGauge takes the lease out of the gauge, if leases are limited. Later is set if a gauge
// has counted the lease that was added after the lease began.
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

// difference returns the usage in and out, as the provider charges it, minus what was charged.
func (r *receipt) difference(in, out int64) amounts {
	output := r.reserved - r.input + r.added
	return amounts{counter.Input: in - r.input, counter.Output: out - output, counter.Tokens: in + out - r.input - output}
}

// adjust counts a difference in the limits by which the lease was charged. Allowed,
// unless nil, returns how much of it a limit may count. If held is set, the provider itself
// refunds negative differences. It returns how many tokens lie above a limit.
func (r *receipt) adjust(a *amounts, held bool, allowed func(m *limit, n int64) int64) (over int64) {
	at, ok := r.h.now(r.limits, a)
	if !ok {
		at = counter.At{Epoch: r.begun.epoch() + 2, Now: r.h.e.clock.Now()} // dropped: only a pool's limits still count
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
		r.limits.pool.ring() // capacityFreed does not, if the deployment was removed
	}
	return over
}

// settle replaces what a caller was charged by the usage of the call.
func (r *receipt) settle(u *Usage) {
	in, out := u.InputTokens, u.OutputTokens
	if r.limits != nil {
		in, out = r.limits.final(u, r.input, r.reserved-r.input)
	}
	r.change(r.difference(in, out))
}

// giveBack takes back all tokens that a caller was charged, and so many requests, 0 or 1.
func (r *receipt) giveBack(requests int64) { r.change(r.back(requests)) }

// back returns the differences that give back all tokens of a lease, and so many requests.
func (r *receipt) back(requests int64) amounts {
	all := r.reserved + r.added
	return amounts{counter.Input: -r.input, counter.Output: r.input - all, counter.Tokens: -all, counter.Requests: -requests}
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

// end takes a caller's lease out of flight, after all other effects of its end (protocol 6).
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

// receipts recycles the receipts of callers. A lease has a pointer to one, so that leases
// without a caller stay small.
var receipts = sync.Pool{New: func() any { return new(receipt) }}

// admission is a Lease before it is returned; h is nil if the demand was refused. Callees fill
// it in place, because a returned struct of more than four words is copied by way of memory.
type admission struct {
	receipt
	caller *receipt // what the demand's caller was charged; nil if it names none
}

// Lease is an admitted request: one request and a number of tokens,
// reserved on a deployment in the minute of admission. The first call of Settle,
// SettleReserved or Release ends it; later calls, such as a deferred
// Release, do nothing. A lease must not be used by two goroutines at once,
// and must not be copied. A lease that is never ended keeps its reservation for its
// minute, and no longer counts as in flight after [Config.LeaseTTL].
//
// The zero Lease, which a refusal returns, has ended.
type Lease struct {
	_ noCopy
	admission
	mark    mark // of the request, if signals are observed
	refused bool // Observe has received a refusal of the call
}

type noCopy struct{}

func (*noCopy) Lock() {}

func (*noCopy) Unlock() {}

// mark returns the lease's mark, if answers are observed.
func (a *admission) mark() (at mark) {
	if a.h != nil && a.h.noting.Load() {
		at = a.noted()
	}
	return at
}

// noted counts the tokens that the lease holds, if Config.TrackHeld is set, and returns its
// mark, if answers are observed.
func (a *admission) noted() (at mark) {
	h := a.h
	if h.tracked != nil {
		h.tracked.Add(h.e.slot(a.begun.epoch()), a.reserved)
	}
	if h.answers.Load() != nil {
		at = h.mark(a.begun.epoch())
	}
	return at
}
