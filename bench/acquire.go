package bench

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// load is the state of a group when requests arrive, and the cost of the requests.
type load string

const (
	random   load = "random usage" // usage differs; the lease costs what it reserved
	tied     load = "all tied"     // usage is equal except for what the case itself adds
	refund   load = "refund each"  // as tied, but demands differ and each costs less than reserved
	unnamed  load = "output unnamed"
	inFlight load = "in-flight limit"
	buckets  load = "buckets"       // RPM and TPM refill continuously, all tied
	phased   load = "phased minute" // RPM and TPM are of minutes with a phase, all tied
	apart    load = "phases apart"  // as phased, but each deployment's minute ends at another time
	parts    load = "10 s parts"    // requests hold over 10 s too, all tied
	days     load = "days"          // RPD and TPD beside RPM and TPM, all tied
)

// Acquire is the case of TryAcquire and Settle on a group of size deployments.
func Acquire(s engine.Strategy, size int, l load, threads int) measure.Case {
	name := fmt.Sprintf("TryAcquire + Settle %s %d, %s%s", s, size, l, onThreads(threads))
	return measure.Case{Name: name, Threads: threads, Setup: func() measure.Op {
		g := l.pool(s, size).group
		settle := l.settle(g)
		return func(_, n int) { settle(n) }
	}}
}

func (l load) pool(s engine.Strategy, size int) pool {
	switch l {
	case random, unnamed:
		return randomPool(s, size)
	case inFlight:
		used := randomUsage(size)
		return newPool(s, size, func(i int, m *member) { m.used, m.limits.MaxInFlight = used[i], 1000 })
	case buckets:
		return newPool(s, size, func(_ int, m *member) { m.rule.Shape = provider.Bucket })
	case phased:
		return newPool(s, size, func(_ int, m *member) { m.rule.Phase = 30 * time.Second })
	case apart:
		return newPool(s, size, func(i int, m *member) { m.rule.Phase = time.Minute * time.Duration(i+1) / time.Duration(size+1) })
	case parts:
		return newPool(s, size, func(_ int, m *member) { m.rule.RequestWindow = 10 * time.Second })
	case days:
		return newPool(s, size, func(_ int, m *member) { m.limits = perDay(m.limits) })
	default:
		return newPool(s, size, nil)
	}
}

// perDay adds limits per day that are never reached.
func perDay(l engine.Limits) engine.Limits {
	for k := range provider.AllLimits() {
		if k.Per() == provider.PerDay {
			*l.Of(k) = wide
		}
	}
	return l
}

// demand returns the demand of each request.
func (l load) demand() engine.Demand {
	d := hundred
	if l == unnamed {
		d.OutputTokens = 0
	}
	return d
}

// settle returns a loop of n requests.
func (l load) settle(g *engine.Group) func(n int) {
	demand := l.demand()
	if l == refund {
		return func(n int) {
			for i := range n {
				lease, ok := g.TryAcquire(engine.Demand{InputTokens: 60 + int64(i&63), OutputTokens: 40})
				if !ok {
					panic("refused")
				}
				lease.Settle(engine.Usage{InputTokens: 50, OutputTokens: 10 + int64(i&31)})
			}
		}
	}
	return func(n int) {
		for range n {
			lease, ok := g.TryAcquire(demand)
			if !ok {
				panic("refused")
			}
			lease.Settle(cost)
		}
	}
}
