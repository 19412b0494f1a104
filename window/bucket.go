package window

import (
	"math"
	"math/bits"
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
// arithmetic refuses. All methods are safe for concurrent use, but for Resize.
type Bucket struct {
	clear  atomic.Int64 // in units since base
	base   int64
	period int64        // in units
	limit  atomic.Int64 // 0 = blocked
	each   atomic.Int64 // units of one, rounded up
	scale  float64      // of Ratio
}

// NewBucket returns a bucket of which nothing is used at an instant. The limit
// is from 0, which admits nothing, to 2^42.
func NewBucket(now, limit int64, period time.Duration) *Bucket {
	b := &Bucket{base: now - int64(period), period: int64(period) * bucketUnits}
	b.scale = (1 << 24) / float64(b.period)
	b.setLimit(limit)
	return b
}

func (b *Bucket) setLimit(limit int64) {
	b.limit.Store(limit)
	b.each.Store(b.units(1, limit))
}

func (b *Bucket) at(now int64) int64 { return (now - b.base) * bucketUnits }

// units returns what n take to refill, rounded up.
func (b *Bucket) units(n, limit int64) int64 {
	if n == 0 {
		return 0
	}
	if limit == 0 {
		return bucketMost
	}
	hi, lo := bits.Mul64(uint64(n), uint64(b.period))
	if hi >= uint64(limit) {
		return bucketMost
	}
	q, r := bits.Div64(hi, lo, uint64(limit))
	if r != 0 {
		q++
	}
	return int64(min(q, uint64(bucketMost)))
}

// full returns how far ahead of the present the instant may be of which a part of
// the limit is used.
func (b *Bucket) full(p Part, limit int64) int64 {
	if p == 0 || limit == 0 {
		return b.period
	}
	return b.units(p.Of(limit), limit)
}

// Take charges n if they fit at an instant.
func (b *Bucket) Take(now, n int64) bool { return b.TakeIn(0, now, n) }

// TakeIn is Take within a part of the limit.
func (b *Bucket) TakeIn(p Part, now, n int64) bool {
	t := b.at(now)
	limit := b.limit.Load()
	cost, full := b.units(n, limit), b.full(p, limit)
	for {
		o := b.clear.Load()
		to := max(o, t) + cost
		if cost > full || to > t+full {
			return false
		}
		if b.clear.CompareAndSwap(o, to) {
			return true
		}
	}
}

// Wait returns how long after an instant n fit if nothing else is charged or
// given back, rounded up: 0 = now, MaxInt64 = never.
func (b *Bucket) Wait(now, n int64) time.Duration { return b.WaitIn(0, now, n) }

// few is up to how many FitsIn multiplies instead of dividing.
const few = 1 << 20

// FitsIn reports whether TakeIn would charge n.
func (b *Bucket) FitsIn(p Part, now, n int64) bool {
	if p == 0 && n < few {
		t := b.at(now)
		if each := b.each.Load(); each < bucketMost/few && max(b.clear.Load()-t, 0)+n*each <= b.period {
			return true
		}
	}
	return b.WaitIn(p, now, n) == 0
}

// WaitIn is Wait within a part of the limit.
func (b *Bucket) WaitIn(p Part, now, n int64) time.Duration {
	limit := b.limit.Load()
	cost, full := b.units(n, limit), b.full(p, limit)
	if cost > full {
		return math.MaxInt64
	}
	t := b.at(now)
	short := max(b.clear.Load(), t) + cost - t - full
	if short <= 0 {
		return 0
	}
	return time.Duration((short + bucketUnits - 1) / bucketUnits)
}

// Add charges n at an instant, whatever the limit. A negative n is given back,
// never more than there is.
func (b *Bucket) Add(now, n int64) {
	limit := b.limit.Load()
	if limit == 0 {
		return // blocked: nothing refills, nothing is admitted
	}
	t := b.at(now)
	for {
		o := b.clear.Load()
		var to int64
		if n >= 0 {
			to = min(max(o, t)+min(b.units(n, limit), bucketMost-t), bucketMost)
		} else {
			to = max(o-b.units(-n, limit)+1, 0) // in doubt less is given back
			if b.units(-n, limit) == bucketMost {
				to = 0
			}
		}
		if b.clear.CompareAndSwap(o, to) {
			return
		}
	}
}

// Used returns how much is used at an instant, rounded up; above the limit when
// in debt.
func (b *Bucket) Used(now int64) int64 {
	level := b.clear.Load() - b.at(now)
	if level <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(level), uint64(b.limit.Load()))
	if hi >= uint64(b.period) {
		return Max
	}
	q, r := bits.Div64(hi, lo, uint64(b.period))
	if r != 0 {
		q++
	}
	return int64(min(q, uint64(Max)))
}

// Ratio returns used/limit at an instant in units of 2^-24; at most 2^26-1.
func (b *Bucket) Ratio(now int64) uint64 {
	level := b.clear.Load() - b.at(now)
	if level <= 0 {
		return 0
	}
	return uint64(float64(min(level, 4*b.period-1)) * b.scale)
}

// Resize changes the limit and keeps how much is used.
func (b *Bucket) Resize(now, limit int64) {
	if limit == b.limit.Load() {
		return
	}
	used := b.Used(now)
	b.setLimit(limit)
	b.clear.Store(0)
	b.Add(now, used)
}
