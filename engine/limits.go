package engine

import (
	"iter"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// amounts are what a request counts in each dimension.
type amounts = [counter.Dims]int64

// limit is one limit of a deployment beside its pair: the counter, which lives as
// long as the deployment or its pool, and what the configuration says.
type limit struct {
	*counter.Limit
	dim   counter.Dim // of the counter, one load closer
	timed bool        // the counter needs an instant
	kind  Limit
	part  bool // of RPM over parts of a minute
	why   reason
	most  int64 // counter.Max = unlimited
	set   int64 // the same as State shows it: 0 = unlimited
	// configured is most without what the provider has reported.
	configured int64
	inverse    uint64 // of most, in the unit of Look
	kept       bool   // counts for other nodes what another limit of the kind counts by another rule
}

// limits are a deployment's limits beside its pair, in the order in which they are
// reserved, and what its provider charges. A list never changes; Apply makes another
// with the same counters. A lease keeps the list that it was charged by. Once a limit
// in windows was set, its counter goes on, whether it is still limited or not.
type limits struct {
	list    []limit
	timed   bool // some limit needs an instant
	rated   bool // charges are not simply tokens
	counted bool // some limit is not on leases
	rates   provider.Rates
	most    amounts        // that a request can ever take of each kind; counter.Max without a limit and for one of zero
	pool    *pool          // nil: the limits are the deployment's own
	gauge   *counter.Limit // of leases held; nil: none
	minute  *limit         // by which the deployment's minute ends; nil: the group's
}

// unbounded are amounts without limits.
var unbounded = amounts{counter.Max, counter.Max, counter.Max, counter.Max, counter.Max}

// of returns the list, nil if there is none.
func (ms *limits) of() []limit {
	if ms == nil {
		return nil
	}
	return ms.list
}

// owned yields the limits whose windows turn with the deployment, which nodes exchange.
func (ms *limits) owned() iter.Seq[*limit] { return ms.those((*limit).Owned) }

// long yields those of hours and days.
func (ms *limits) long() iter.Seq[*limit] { return ms.those((*limit).Long) }

func (ms *limits) those(are func(*limit) bool) iter.Seq[*limit] {
	return func(yield func(*limit) bool) {
		for i := range ms.of() {
			if m := &ms.list[i]; are(m) && !yield(m) {
				return
			}
		}
	}
}

// at returns the limit of a kind, not over parts of a minute, nil if there is none. (The first is the one that is
// limited; the one that nodes exchange, if it is another, stands behind it.)
func (ms *limits) at(k Limit) *limit {
	for i := range ms.of() {
		if m := &ms.list[i]; m.kind == k && !m.part && !m.Granted {
			return m
		}
	}
	return nil
}

// find returns the limit of a kind that has a rule, nil if there is none.
func (ms *limits) find(k Limit, r counter.Rule) *limit {
	for i := range ms.of() {
		if m := &ms.list[i]; m.kind == k && m.Rule == r {
			return m
		}
	}
	return nil
}

// volatile reports whether usage goes away within a minute, or charges differ from
// the tokens that a demand names: what was found out about room then does not last.
func (ms *limits) volatile() bool { return ms.timed || ms.rated }

// take counts a request in all limits within a part of their caps, or in none, and
// with requests in those on requests alone. It returns the moment that it was counted
// at, which is later than the one given where a clock was set back, and what refused.
func (ms *limits) take(p counter.Part, at counter.At, a *amounts, requests bool) (counter.At, reason, counter.Outcome) {
	for try := 0; ; try++ {
		why, o := whyNothing, counter.Taken
		for k := range ms.list {
			m := &ms.list[k]
			if requests && m.Dim != counter.Requests {
				continue
			}
			if o = m.Take(p, at, a[m.Dim]); o != counter.Taken {
				why = m.reason(p, at)
				ms.give(k, at, a)
				break
			}
			invariants.Yield()
		}
		if o != counter.Moved || try == tries {
			return at, why, o
		}
		later := at
		for k := range ms.list {
			later = ms.list[k].NotBefore(later)
		}
		if later == at {
			return at, why, o
		}
		at = later
	}
}

// give takes back from the first n limits what take has counted, last first.
func (ms *limits) give(n int, at counter.At, a *amounts) {
	for k := n - 1; k >= 0; k-- {
		if m := &ms.list[k]; a[m.Dim] != 0 {
			m.Give(at, a[m.Dim])
		}
	}
}

// adjust adds differences to what a lease, begun at a moment, was charged; allowed, unless nil, returns how
// much of one it may. Held says that the provider itself gives back what is negative. It
// reports whether any was.
func (ms *limits) adjust(begun, now counter.At, charged, a *amounts, held bool, allowed func(m *limit, n int64) int64) (less bool, over int64) {
	for k := range ms.list {
		m := &ms.list[k]
		n := a[m.Dim]
		if n == 0 || m.Shape == counter.Gauge {
			continue
		}
		if allowed != nil {
			n = allowed(m, n)
		}
		switch {
		case n < 0 && held:
			m.Return(begun, now, -n)
			less = true
		case n != 0:
			m.Adjust(begun, now, n, charged[m.Dim])
			less, over = less || n < 0, max(over, m.over(now, n))
		}
	}
	return less, over
}

// count adds what was recorded, whatever the limits. It returns how many tokens of it
// lie above one.
func (ms *limits) count(at counter.At, a *amounts) (over int64) {
	for k := range ms.list {
		m := &ms.list[k]
		for n := a[m.Dim]; n != 0 && m.Shape != counter.Gauge && !m.Count(at, n) && m.Clocked(); {
			at = m.NotBefore(at)
		}
		over = max(over, m.over(at, a[m.Dim]))
	}
	return over
}

// absorb adds what others have newly used of a minute to the limits that follow the
// clock: it counts when it becomes known, in parts of a minute too, of which it may
// have been an earlier one. Under the group's mutex.
func (ms *limits) absorb(at counter.At, a *amounts) {
	for k := range ms.of() {
		if m := &ms.list[k]; m.Timed() && !m.Granted && !m.pooledLong() && a[m.Dim] != 0 && !ms.heldByGrants(m) {
			m.Count(at, a[m.Dim])
		}
	}
}

// reason returns what refuses a demand at a limit: the limit, or the ceiling that bounds it.
func (m *limit) reason(p counter.Part, at counter.At) reason { return bounded(m.why, m.Ceiled(p, at)) }

// counts reports whether a limit is asked: one on tokens if tokens are, one on leases
// if leases are.
func (m *limit) counts(tokens, leases bool) bool {
	switch m.Dim {
	case counter.Requests:
		return true
	case counter.Leases:
		return leases
	default:
		return tokens
	}
}

// last reports whether no later limit is bounded.
func (ms *limits) last(k int, at counter.At) bool {
	for k++; k < len(ms.list); k++ {
		if ms.list[k].Bounded(at, ms.list[k].most) {
			return false
		}
	}
	return true
}

// moment returns a minute with an instant, if some limit needs one.
func (ms *limits) moment(clock *window.Clock, epoch int64) counter.At {
	at := counter.At{Epoch: epoch}
	if ms != nil && ms.timed {
		at.Now = within(epoch, clock.Now())
	}
	return at
}

// over returns how many of n tokens, just counted, lie above the limit; 0 of requests.
func (m *limit) over(at counter.At, n int64) int64 {
	if n <= 0 || m.Dim > counter.Tokens || m.most >= counter.Max {
		return 0
	}
	return min(max(m.Used(at)-m.most, 0), n)
}

// pooled returns the pool that a deployment's limits are of, nil if there is none.
func (ms *limits) pooled() *pool {
	if ms == nil {
		return nil
	}
	return ms.pool
}

// absorbLong adds what the others have newly used of a deployment's hour or day to its
// pool's.
func (ms *limits) absorbLong(s counter.Shape, dim counter.Dim, w, more int64) {
	for i := range ms.list {
		m := &ms.list[i]
		if m.pooledLong() && !m.Granted && !ms.heldByGrants(m) && (m.Shape == counter.Dates) == (s == counter.Days) && m.Dim == dim && more != 0 {
			m.CountIn(w, more)
		}
	}
}

// pooledLong reports whether a limit is a pool's over hours or days.
func (m *limit) pooledLong() bool {
	return m.Shape == counter.Dates || m.Shape == counter.Spans && m.Length > window.Minute
}

// countsLeases reports whether leases are counted.
func (ms *limits) countsLeases() bool { return ms != nil && ms.gauge != nil }

// grantedBeside returns the limit by which nodes may hold another one exactly, nil if there
// is none.
func (ms *limits) grantedBeside(m *limit) *limit {
	for i := range ms.list {
		if g := &ms.list[i]; g.Granted && g.kind == m.kind && g.part == m.part {
			return g
		}
	}
	return nil
}

// heldByGrants reports whether another limit holds this one exactly.
func (ms *limits) heldByGrants(m *limit) bool {
	g := ms.grantedBeside(m)
	return g != nil && g.HeldByGrants()
}
