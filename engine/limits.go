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
// long as the deployment or its pool, and the configuration of one Apply.
type limit struct {
	*counter.Limit
	dim  counter.Dim // of the counter, one load closer
	kind Limit
	part bool // RPM over parts of a minute
	why  reason
	most int64 // counter.Max = unlimited
	set  int64 // the same as State shows it: 0 = unlimited
	// configured is most without what the provider has reported.
	configured int64
	inverse    uint64 // of most, in the unit of Look
	kept       bool   // counts for other nodes what another limit of the kind counts by another rule
}

// limits are a deployment's limits beside its pair, in the order in which an admission
// charges them (protocol 4), and its provider's rates. A list never changes: Apply makes
// another one with the same counters (protocol 5). A lease keeps the list by which it was
// charged. The counter of a limit over windows goes on counting after the limit is removed;
// a bucket refills.
type limits struct {
	list    []limit
	lifted  []limit // buckets whose limit was removed: requests are not counted, and usage refills
	timed   bool    // some limit needs an instant
	rated   bool    // charges differ from the tokens of the demand
	counted bool    // some limit is not on leases
	rates   provider.Rates
	most    amounts        // the most that limits let a request take, by dimension; counter.Max without a limit and for one of zero
	pool    *pool          // nil: the limits are the deployment's own
	gauge   *counter.Limit // of leases held; nil: leases are not counted
	minute  *limit         // the first bucket or minute with a phase, whose window is the deployment's minute; nil: the group's minute is
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

// first returns the first limit for which is returns true, nil if there is none.
func (ms *limits) first(is func(*limit) bool) *limit {
	for i := range ms.of() {
		if m := &ms.list[i]; is(m) {
			return m
		}
	}
	return nil
}

// at returns the limit of a kind, not the one over parts of a minute; nil if there is none. If
// the list has two, the first is the one with the configured limit; the second counts what
// nodes exchange (see keep).
func (ms *limits) at(k Limit) *limit {
	return ms.first(func(m *limit) bool { return m.kind == k && !m.part && !m.Granted })
}

// ruled returns the limit of a kind that has a rule, nil if there is none.
func (ms *limits) ruled(k Limit, r counter.Rule) *limit {
	return ms.first(func(m *limit) bool { return m.kind == k && m.Rule == r })
}

// find is ruled, or such a lifted limit.
func (ms *limits) find(k Limit, r counter.Rule) *limit {
	if m := ms.ruled(k, r); m != nil || ms == nil {
		return m
	}
	return (&limits{list: ms.lifted}).ruled(k, r)
}

// timeDependent reports whether usage expires within a minute, or charges differ from the tokens
// that a demand names. A headroom found then must not be remembered.
func (ms *limits) timeDependent() bool { return ms.timed || ms.rated }

// take counts a request in all limits within a part of their caps, or in none. If requests is
// set it counts only in the limits on requests. It returns the moment at which it was
// counted, which is later than the given one if a clock was set back, and which limit refused.
// Steps, unless nil, were planned for it.
// The caller has begun an attempt and ends it afterwards (protocol 4).
func (ms *limits) take(p counter.Part, at counter.At, a *amounts, requests bool, steps []counter.Step) (counter.At, reason, counter.Outcome) {
	for try := 0; ; try++ {
		why, o := whyNothing, counter.Taken
		for k := range ms.list {
			m := &ms.list[k]
			if requests && m.Dim != counter.Requests {
				continue
			}
			if steps == nil {
				o = m.Take(p, at, a[m.Dim])
			} else {
				o = m.Do(steps[k], p, at, a[m.Dim])
			}
			if o != counter.Taken {
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
		at, steps = later, nil
	}
}

// plan fills in the steps of take, one for each limit. False: some limit refuses.
func (ms *limits) plan(steps []counter.Step, p counter.Part, at counter.At, a *amounts) bool {
	o := counter.Taken
	for k := 0; k < len(ms.list) && o == counter.Taken; k++ {
		m := &ms.list[k]
		steps[k], o = m.Plan(p, at, a[m.dim])
	}
	return o == counter.Taken
}

// give takes back from the first n limits what take has counted, last first.
func (ms *limits) give(n int, at counter.At, a *amounts) {
	for k := n - 1; k >= 0; k-- {
		if m := &ms.list[k]; a[m.Dim] != 0 {
			m.Give(at, a[m.Dim])
		}
	}
}

// adjust adds the differences a to what a lease, begun at a moment, was charged. Allowed,
// unless nil, returns how much of a difference may be added. If held is set, the provider
// itself refunds negative differences. It returns whether any difference was negative, and
// how many tokens lie above a limit.
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

// count adds a recorded usage, whatever the limits. It returns how many of its tokens lie
// above a limit, the most over all limits.
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

// absorb adds the further usage of other nodes in a minute to the limits that follow the
// clock. The usage counts from when it is received, also in a part of a minute, though it may
// be of an earlier part. Under the group's mutex.
func (ms *limits) absorb(at counter.At, a *amounts) {
	for k := range ms.of() {
		if m := &ms.list[k]; m.Timed() && !m.Granted && !m.pooledLong() && a[m.Dim] != 0 && !ms.heldByGrants(m) {
			m.Count(at, a[m.Dim])
		}
	}
}

// reason returns the reason of a refusal by the limit, or by its ceiling.
func (m *limit) reason(p counter.Part, at counter.At) reason { return bounded(m.why, m.Ceiled(p, at)) }

// counts reports whether the limit applies to a request of which only some dimensions count:
// limits on tokens apply if tokens is set, limits on leases if leases is set.
func (m *limit) counts(tokens, leases bool) bool {
	return m.Dim == counter.Requests || leases && m.Dim == counter.Leases || tokens && m.Dim <= counter.Tokens
}

// last reports whether no limit behind the k-th is bounded.
func (ms *limits) last(k int, at counter.At) bool {
	for k++; k < len(ms.list); k++ {
		if ms.list[k].Bounded(at, ms.list[k].most) {
			return false
		}
	}
	return true
}

// moment returns the moment of a minute, with an instant if some limit needs one.
func (ms *limits) moment(clock *window.Clock, epoch int64) counter.At {
	at := counter.At{Epoch: epoch}
	if ms != nil && ms.timed {
		at.Now = within(epoch, clock.Now())
	}
	return at
}

// over returns how many of n tokens, just counted, lie above the limit; 0 if the limit is on
// requests or leases.
func (m *limit) over(at counter.At, n int64) int64 {
	if n <= 0 || m.Dim > counter.Tokens || m.most >= counter.Max {
		return 0
	}
	return min(max(m.Used(at)-m.most, 0), n)
}

// pooled returns the deployment's pool; nil if it has none.
func (ms *limits) pooled() *pool {
	if ms == nil {
		return nil
	}
	return ms.pool
}

// absorbLong adds the further usage of other nodes in an hour or day of a deployment to the
// counters of its pool.
func (ms *limits) absorbLong(s counter.Shape, dim counter.Dim, w, more int64) {
	for i := range ms.list {
		m := &ms.list[i]
		if m.Dim != dim || more == 0 || (m.Shape == counter.Dates) != (s == counter.Days) {
			continue
		}
		if m.pooledLong() && !m.Granted && !ms.heldByGrants(m) {
			m.CountIn(w, more)
		}
	}
}

// pooledLong reports whether a limit is a pool's over hours or days, as pooledRule has them.
func (m *limit) pooledLong() bool {
	return m.Shape == counter.Dates || m.Shape == counter.Spans && m.Length == hour
}

// countsLeases reports whether leases are counted.
func (ms *limits) countsLeases() bool { return ms != nil && ms.gauge != nil }

// grantedBeside returns the limit by whose grants nodes may hold m exactly (protocol 8); nil
// if there is none.
func (ms *limits) grantedBeside(m *limit) *limit {
	return ms.first(func(g *limit) bool { return g.Granted && g.kind == m.kind && g.part == m.part })
}

// heldByGrants reports whether nodes hold m exactly by grants of another limit.
func (ms *limits) heldByGrants(m *limit) bool {
	g := ms.grantedBeside(m)
	return g != nil && g.HeldByGrants()
}
