package counter

import (
	"math"
	"sync/atomic"
	"time"
)

// bucketUnits are how many parts of a nanosecond a bucket counts in. What a
// charge is rounded up by is less than one of them.
const bucketUnits = 16

// bucketMost is the deepest debt that is remembered: about 9 years.
const bucketMost = int64(1) << 62

// Bucket is a limit that refills continuously: it holds at most the limit, gains
// limit/period all the time, and goes into debt by what Add charges beyond that.
// It is one word, the instant at which nothing of what was used will be left:
// charging moves it on, time alone does nothing to it, and of two buckets with the
// same period the one that is empty of usage earlier is the less utilized.
//
// Instants are Unix nanoseconds and at least the one given to NewBucket. Charges
// are rounded up to 1/16 ns of refill, so a bucket never admits what exact
// arithmetic refuses. All methods are safe for concurrent use, except Resize.
type Bucket struct {
	clear  atomic.Int64 // in units since base
	base   int64
	period int64 // in units
	rate   atomic.Pointer[rate]
	low    troughs
}

// NewBucket returns a bucket of which nothing is used at an instant. The limit
// is from 0, which admits nothing, to 2^42.
func NewBucket(now, limit int64, period time.Duration) *Bucket {
	b := &Bucket{base: now - int64(period), period: int64(period) * bucketUnits}
	b.rate.Store(newRate(limit, b.period))
	return b
}

func (b *Bucket) at(now int64) int64 { return (now - b.base) * bucketUnits }

// full returns how far ahead of the current instant the word may be of which a part of
// the limit is used.
func (r *rate) full(p Part) int64 {
	if p == 0 || r.limit == 0 {
		return r.period
	}
	return r.share(p)
}

func (r *rate) share(p Part) int64 { return r.units(p.Of(r.limit)) }

// Take charges n if they fit at an instant within a part of the limit.
func (b *Bucket) Take(p Part, now, n int64) bool {
	r, t := b.rate.Load(), b.at(now)
	cost, full := r.units(n), r.full(p)
	for {
		o := b.clear.Load()
		to := max(o, t) + cost
		if cost > full || to > t+full {
			return false
		}
		b.low.note(t, max(o-t, 0))
		if b.clear.CompareAndSwap(o, to) {
			return true
		}
	}
}

// Look returns how much of the bucket is used at an instant, in parts of which
// [Bucket.Whole] are the limit, and, in the sign of short, whether n do not fit
// on top (negative).
func (b *Bucket) Look(now, n int64) (used, short int64) {
	used = b.Level(now)
	r := b.rate.Load()
	cost := r.multiply(n)
	if uint64(n) > r.few {
		cost = r.divide(n)
	}
	return used, b.period - used - cost
}

// Level returns how much of the bucket is used at an instant, in the parts that
// Look counts.
func (b *Bucket) Level(now int64) int64 { return max(b.clear.Load()-b.at(now), 0) }

// Whole is the limit in the parts that Look counts.
func (b *Bucket) Whole() int64 { return b.period }

// Fits reports whether Take would charge n.
func (b *Bucket) Fits(p Part, now, n int64) bool {
	if p != 0 {
		return b.Wait(p, now, n) == 0
	}
	_, short := b.Look(now, n)
	return short >= 0
}

// Wait returns how long after an instant n fit within a part of the limit if nothing else
// is charged or given back, rounded up: 0 = now, MaxInt64 = never.
func (b *Bucket) Wait(p Part, now, n int64) time.Duration {
	r, t := b.rate.Load(), b.at(now)
	cost, full := r.units(n), r.full(p)
	if cost > full {
		return math.MaxInt64
	}
	short := max(b.clear.Load(), t) + cost - t - full
	if short <= 0 {
		return 0
	}
	return time.Duration((short + bucketUnits - 1) / bucketUnits)
}

// Add charges n at an instant, whatever the limit. A negative n is given back of
// what was charged at that instant.
func (b *Bucket) Add(now, n int64) {
	r, t := b.rate.Load(), b.at(now)
	if r.limit == 0 {
		return // blocked: nothing refills, nothing is admitted
	}
	if n < 0 {
		b.Refund(now, now, -n, -n)
		return
	}
	cost := min(r.units(n), bucketMost-t)
	for {
		o := b.clear.Load()
		b.low.note(t, max(o-t, 0))
		if b.clear.CompareAndSwap(o, min(max(o, t)+cost, bucketMost)) {
			return
		}
	}
}

// Refund gives n back of what was charged at an instant, at a later one: what would
// be left now had n less been charged then. What has refilled since is not given
// back, since it would have refilled all the same; of charges more than nine minutes
// ago nothing is.
func (b *Bucket) Refund(at, now, n, charged int64) {
	r, t := b.rate.Load(), b.at(now)
	if r.limit == 0 || n <= 0 {
		return
	}
	units := r.units(n) - 1 // in doubt less is given back
	b.give(b.low.refund(b.at(at), t, max(r.units(charged)-1, units), units))
}

// Return gives n back at an instant, whatever has refilled since they were charged: a
// full bucket holds no more. It is for what the provider itself gives back, which had
// reserved it.
func (b *Bucket) Return(now, n int64) {
	if r := b.rate.Load(); r.limit != 0 && n > 0 {
		b.give(r.units(n) - 1) // in doubt less is given back
	}
}

func (b *Bucket) give(units int64) {
	for {
		o := b.clear.Load()
		if b.clear.CompareAndSwap(o, max(o-units, 0)) {
			return
		}
	}
}

// Correct brings the bucket to what was used at an instant, and since what was
// charged after it until now, if that differs by more than grain; raise says never
// to lower it. It is not lowered below what would be left had nothing been used at
// that instant. It reports whether it did lower it, and how much is counted above
// the figure.
func (b *Bucket) Correct(at, now, used, since, grain int64, raise bool) (lower bool, above int64) {
	r := b.rate.Load()
	if r.limit == 0 {
		return false, 0
	}
	to := b.at(at) + min(r.units(max(used, 0)), bucketMost/2)
	if since >= 0 {
		to += min(r.units(since), bucketMost/4)
	} else {
		to -= min(r.units(-since), bucketMost/4)
	}
	to = min(max(to, 0), bucketMost)
	least := r.units(grain)
	for {
		o := b.clear.Load()
		d := to - o
		if d == 0 || raise && d < 0 || max(d, -d) <= least {
			return false, r.amount(max(-d, 0))
		}
		if d > 0 {
			if b.clear.CompareAndSwap(o, to) {
				return false, 0
			}
			continue
		}
		got := b.low.correct(b.at(at), b.at(now), -d)
		b.give(got)
		return got > 0, r.amount(-d - got)
	}
}

// Used returns how much is used at an instant, rounded up; above the limit when
// in debt.
func (b *Bucket) Used(now int64) int64 {
	return b.rate.Load().amount(max(b.clear.Load()-b.at(now), 0))
}

// Resize changes the limit and keeps how much is used. A concurrent Take finds
// no more room than there is before or after.
func (b *Bucket) Resize(now, limit int64) { b.resize(now, limit, math.MaxInt64) }

// Relimit is Resize for a limit that may be wrong: what is used then takes no longer
// to refill than it did before, or than so many periods, if that is longer.
func (b *Bucket) Relimit(now, limit, periods int64) { b.resize(now, limit, periods*b.period) }

func (b *Bucket) resize(now, limit, longest int64) {
	old := b.rate.Load()
	if limit == old.limit {
		return
	}
	r, t := newRate(limit, b.period), b.at(now)
	if limit > old.limit {
		b.rate.Store(r)
	}
	b.low.rescale(old.limit, limit)
	for {
		o := b.clear.Load()
		to := int64(0)
		if used := old.amount(max(o-t, 0)); limit != 0 && used != 0 {
			to = min(t+min(r.units(used), max(longest, o-t), bucketMost-t), bucketMost)
		}
		if b.clear.CompareAndSwap(o, to) {
			break
		}
	}
	b.rate.Store(r)
}
