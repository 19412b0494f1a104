package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

const (
	// Of the leases that began in one slot, a minute or longer, the first learnAll are samples
	// of the mean, and of later ones one in learnOf. So many samples suffice for a mean, and
	// each costs an update of a shared word.
	learnAll = 256
	learnOf  = 8
)

// teaches reports whether a call is a sample of the learned output, by the place of its lease
// in its slot and its usage. A call without any usage was refused upstream and is none. The
// samples are chosen by a multiplicative hash, because a plain stride could fall in step
// with the traffic. Every call is a sample of a quantile.
func (h *handle) teaches(at counter.Ending, u Usage) bool {
	n := uint64(at.Before())
	return u != (Usage{}) && (n < learnAll || n*0x9E3779B97F4A7C15 < math.MaxUint64/learnOf || h.e.quantile.Load() != 0)
}

// learn adds a sample, in output tokens, to the learned output of a deployment and its group,
// and wakes a waiter of the group, because demands may be expected to produce less output now
// (protocol 7).
func (h *handle) learn(output int64) {
	expected := h.e.assumed.Load()
	group := h.mean.Learn(output, expected)
	high := math.Float64frombits(h.e.quantile.Load()) // 0 = the mean
	if high != 0 {
		h.quantile.Learn(output, expected, high)
	}
	g := h.group.Load()
	if g == nil {
		return
	}
	if group {
		g.mean.Learn(output, expected)
		if high != 0 {
			g.quantile.Learn(output, expected, high)
		}
	}
	g.bell.Ring()
}

// expected returns the output to reserve, in tokens: the one learned on the deployment, else
// that of its group (group, -1 if unknown), else that of the configuration.
func (h *handle) expected(group int64) int64 {
	if v := h.learned(); v >= 0 {
		return v
	}
	if group >= 0 {
		return group
	}
	return h.assumed.Load()
}

// learned returns the output learned on the deployment, in tokens; -1 if unknown.
func (h *handle) learned() int64 {
	if h.e.quantile.Load() != 0 {
		return h.quantile.Value()
	}
	return h.mean.Value()
}

// learnLast adds the duration of a lease, in nanoseconds, to an exponential moving average with
// a weight of 1/8; the first duration is the first average. A duration below leastRetry, as after
// a clock is set back, counts as that.
func (h *handle) learnLast(lasted int64) {
	lasted = max(lasted, int64(leastRetry))
	for {
		o := h.lasts.Load()
		n := lasted
		if o != 0 {
			n = max(o+(lasted-o)/8, 1)
		}
		if o == n || h.lasts.CompareAndSwap(o, n) {
			return
		}
	}
}

// roomIn estimates the time after which fewer than most leases are held. It assumes that the
// leases held end at equal distances over the mean duration of leases, at most their TTL.
func (h *handle) roomIn(held, most int64) time.Duration {
	held = max(held, 1)
	lasts := min(h.lasts.Load(), int64(h.e.ttl))
	if lasts == 0 {
		lasts = guessedLast
	}
	ends := min(max(held-most+1, 1), held)
	return max(time.Duration(float64(lasts)*float64(ends)/float64(held)), leastRetry)
}

// guessedLast is how long leases are assumed to last until one has ended.
const guessedLast = int64(time.Second)
