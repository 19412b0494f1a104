package counter

import (
	"math"
	"sync/atomic"
	"time"
)

// bucketUnits is the number of units in a nanosecond, in which a bucket counts time. A
// charge is rounded up by less than one unit.
const bucketUnits = 16

// bucketMost is the deepest debt of a bucket, in units: about 9 years.
const bucketMost = int64(1) << 62

// rebaseAfter is how far from its base a bucket counts, in nanoseconds: 4.6 years.
const rebaseAfter = bucketMost / bucketUnits / 2

// Bucket is a limit that refills continuously, by the generic cell rate algorithm (GCRA). It has
// a capacity of the limit and refills by limit/period; charges by Add may bring it into debt.
// Its one word is the theoretical arrival time (TAT): the instant at which all usage will
// have refilled. A charge adds to the word, and time alone does not change it. Of two buckets
// with the same period, the one with the earlier instant has the lower utilization.
//
// Instants are Unix nanoseconds, and not before the one given to NewBucket. Time counts from
// base, which moves once in four years, see rebase. Charges
// are rounded up to 1/16 ns of refill, so that a bucket never admits what exact
// arithmetic refuses. All methods are safe for concurrent use, except Resize and Relimit.
type Bucket struct {
	tat    atomic.Int64 // the theoretical arrival time, in units since base
	base   atomic.Int64 // Unix ns
	period int64        // in units
	rate   atomic.Pointer[rate]
	counts atomic.Pointer[rate] // of the last limit above zero: usage is counted by it, also under a limit of zero
	low    troughs
}

// NewBucket returns a bucket of which nothing is used at an instant. The limit
// is from 0, which admits nothing, to 2^42 per period.
func NewBucket(now, limit int64, period time.Duration) *Bucket {
	b := &Bucket{period: int64(period) * bucketUnits}
	b.base.Store(now - int64(period))
	b.rate.Store(newRate(limit, b.period))
	b.counts.Store(b.rate.Load())
	return b
}

func (b *Bucket) at(now int64) int64 { return (now - b.base.Load()) * bucketUnits }

// rebase moves the base before an instant that is years after it, and keeps the level. Otherwise
// a clock that steps by decades, as that of a machine which starts without the date, would
// leave what can be counted in units.
func (b *Bucket) rebase(now int64) {
	base, o := b.base.Load(), b.tat.Load()
	if now-base > rebaseAfter && b.base.CompareAndSwap(base, now-b.period/bucketUnits) {
		t := min(now-base, math.MaxInt64/bucketUnits) * bucketUnits
		b.tat.CompareAndSwap(o, max(o-t, 0)+b.period)
	}
}

// full returns how far the word may be ahead of the current instant, in units, if a part of
// the limit may be used.
func (r *rate) full(p Part) int64 {
	if p == 0 || r.limit == 0 {
		return r.period
	}
	return r.share(p)
}

func (r *rate) share(p Part) int64 { return r.units(p.Of(r.limit)) }

// plan is [Limit.Plan] of a bucket.
func (b *Bucket) plan(p Part, now, n int64) (Step, Outcome) {
	r, t, o := b.rate.Load(), b.at(now), b.tat.Load()
	cost, full := r.units(n), r.full(p)
	to := max(o, t) + cost
	if cost > full || to > t+full {
		return Step{}, Refused
	}
	return Step{t, o, to}, Taken
}

// Look returns the usage of the bucket at an instant, in units of which [Bucket.Whole] are
// the limit. Short is negative if n do not fit on top.
func (b *Bucket) Look(now, n int64) (used, short int64) {
	used = b.Level(now)
	r := b.rate.Load()
	cost := r.multiply(n)
	if uint64(n) > r.few {
		cost = r.divide(n)
	}
	return used, b.period - used - cost
}

// Level returns the usage of the bucket at an instant, in the units of Look.
func (b *Bucket) Level(now int64) int64 { return max(b.tat.Load()-b.at(now), 0) }

// Whole returns the limit in the units of Look.
func (b *Bucket) Whole() int64 { return b.period }

// Wait returns the time after which n fit within a part of the limit if nothing else
// is charged or given back, rounded up; 0 = now, MaxInt64 = never.
func (b *Bucket) Wait(p Part, now, n int64) time.Duration {
	r, t := b.rate.Load(), b.at(now)
	cost, full := r.units(n), r.full(p)
	if cost > full {
		return math.MaxInt64
	}
	short := max(b.tat.Load(), t) + cost - t - full
	if short <= 0 {
		return 0
	}
	return time.Duration((short + bucketUnits - 1) / bucketUnits)
}

// Add charges n at an instant, whatever the limit. A negative n gives back a part of
// what was charged at that instant.
func (b *Bucket) Add(now, n int64) {
	r, t := b.counts.Load(), b.at(now)
	if r.limit == 0 {
		return // no limit was ever above zero, and nothing was admitted
	}
	if n < 0 {
		b.Refund(now, now, -n, -n)
		return
	}
	cost := min(r.units(n), bucketMost-t)
	for {
		o := b.tat.Load()
		b.low.note(t, max(o-t, 0))
		if b.tat.CompareAndSwap(o, min(max(o, t)+cost, bucketMost)) {
			return
		}
	}
}

// Refund gives back n of what was charged at an instant. Afterwards the level at now is
// what it would be if n less had been charged then. The part that has refilled since is not given
// back, because it would have refilled anyway. Nothing is given back of charges more than nine
// minutes ago.
func (b *Bucket) Refund(at, now, n, charged int64) {
	r, t := b.counts.Load(), b.at(now)
	if r.limit == 0 || n <= 0 {
		return
	}
	units := r.units(n) - 1 // rounded down, so that never too much is given back
	b.give(b.low.refund(b.at(at), t, max(r.units(charged)-1, units), units))
}

// Return gives n back at an instant, also what has refilled since they were charged. It is for
// a reservation that the provider itself makes and gives back.
func (b *Bucket) Return(now, n int64) {
	r, t := b.counts.Load(), b.at(now)
	if r.limit == 0 || n <= 0 {
		return
	}
	units := r.units(n) - 1 // rounded down, as in Refund
	b.low.noteReturn(t, max(b.tat.Load()-t-units, 0))
	b.give(units)
}

func (b *Bucket) give(units int64) {
	for o := b.tat.Load(); !b.tat.CompareAndSwap(o, max(o-units, 0)); {
		o = b.tat.Load()
	}
}

// Correct sets the usage of the bucket to used at an instant, plus since, which was
// charged after it until now, if the usage differs by more than grain. If raise is set the usage
// is never lowered. It is never lowered below the level that would be left if nothing had been
// used at that instant. Correct reports whether it lowered the usage, and how much is counted
// above the figure.
func (b *Bucket) Correct(at, now, used, since, grain int64, raise bool) (lower bool, above int64) {
	r := b.counts.Load()
	if r.limit == 0 {
		return false, 0
	}
	to := b.at(at) + min(r.units(max(used, 0)), bucketMost/2)
	to += min(r.units(max(since, 0)), bucketMost/4) - min(r.units(max(-since, 0)), bucketMost/4)
	to = min(max(to, 0), bucketMost)
	least := r.units(grain)
	for {
		o := b.tat.Load()
		d := to - o
		if d == 0 || raise && d < 0 || max(d, -d) <= least {
			return false, r.amount(max(-d, 0))
		}
		if d < 0 {
			got := b.low.correct(b.at(at), b.at(now), -d)
			b.give(got)
			return got > 0, r.amount(-d - got)
		}
		if b.tat.CompareAndSwap(o, to) {
			return false, 0
		}
	}
}

// Used returns the usage at an instant in tokens or requests, rounded up. It is above the limit
// if the bucket is in debt.
func (b *Bucket) Used(now int64) int64 {
	return b.counts.Load().amount(max(b.tat.Load()-b.at(now), 0))
}

// Resize changes the limit and keeps the usage. Under a limit of zero the usage refills as under
// the limit before. A concurrent Take finds no more headroom than there is before or after. Under
// the owner's mutex.
func (b *Bucket) Resize(now, limit int64) { b.resize(now, limit, math.MaxInt64) }

// Relimit is Resize for a limit that a provider has reported and that may be wrong: the usage
// afterwards takes no longer to refill than before, or than so many periods if that is longer.
func (b *Bucket) Relimit(now, limit, periods int64) { b.resize(now, limit, periods*b.period) }

func (b *Bucket) resize(now, limit, longest int64) {
	b.rebase(now) // of a limit that was lifted, which no Turn reaches
	if limit == 0 {
		b.rate.Store(newRate(0, b.period))
	}
	if limit == b.rate.Load().limit {
		return
	}
	old, r, t := b.counts.Load(), newRate(limit, b.period), b.at(now)
	if limit > old.limit {
		b.rate.Store(r)
	}
	b.low.rescale(old.limit, limit)
	for o := b.tat.Load(); o > t && !b.tat.CompareAndSwap(o, t+min(quotient(o-t, old.limit, limit, bucketMost), max(longest, o-t), bucketMost-t)); {
		o = b.tat.Load()
	}
	b.counts.Store(r)
	b.rate.Store(r)
}
