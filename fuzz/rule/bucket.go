package rule

import (
	"math"
	"math/bits"
	"time"
)

// Bucket is a token bucket: it holds at most Limit, begins full and gains Limit
// a Period, without steps. Its level is exact: whole tokens, and a fraction in
// parts of 1/Period.
type Bucket struct {
	Limit  int64 // at most 2^42
	Period int64 // nanoseconds; 0 = a minute

	open            bool
	level, fraction int64
	at              int64
}

func (b *Bucket) refill(now int64) {
	if !b.open {
		b.open, b.level, b.at = true, max(b.Limit, 0), now
		if b.Period == 0 {
			b.Period = minute
		}
	}
	elapsed := now - b.at
	b.at = now
	if elapsed > 0 && b.Limit > 0 {
		// Whole periods first: what a part of a period brings fits 64 bits.
		if periods := elapsed / b.Period; periods > (b.Limit-b.level)/b.Limit {
			b.level = b.Limit
		} else {
			hi, lo := bits.Mul64(uint64(b.Limit), uint64(elapsed%b.Period))
			lo, carry := bits.Add64(lo, uint64(b.fraction), 0)
			gained, rest := bits.Div64(hi+carry, lo, uint64(b.Period))
			b.level += periods*b.Limit + int64(gained)
			b.fraction = int64(rest)
		}
	}
	if b.level >= max(b.Limit, 0) {
		b.level, b.fraction = max(b.Limit, 0), 0
	}
}

// Take implements [Limit].
func (b *Bucket) Take(now, n int64) bool {
	b.refill(now)
	if b.level < n {
		return false
	}
	b.level -= n
	return true
}

// Add implements [Limit]. The level may fall below zero.
func (b *Bucket) Add(now, n int64) {
	b.refill(now)
	b.level -= n
	b.refill(now)
}

// Refund implements [Limit].
func (b *Bucket) Refund(now, _, n int64) { b.Add(now, -n) }

// Wait implements [Limit], rounded up to the nanosecond. For an amount that never
// fits it is the time until the bucket is full.
func (b *Bucket) Wait(now, n int64) (wait int64, never bool) {
	b.refill(now)
	switch {
	case n > 0 && b.Limit <= 0:
		return b.Period, true
	case n > max(b.Limit, 0):
		return b.until(b.Limit), true
	}
	return b.until(n), false
}

// until returns the nanoseconds until the level is n.
func (b *Bucket) until(n int64) int64 {
	missing := n - b.level
	if missing <= 0 {
		return 0
	}
	if b.Limit <= 0 {
		return b.Period
	}
	// (missing * Period - fraction) / Limit, rounded up.
	hi, lo := bits.Mul64(uint64(missing), uint64(b.Period))
	lo, borrow := bits.Sub64(lo, uint64(b.fraction), 0)
	hi -= borrow
	lo, carry := bits.Add64(lo, uint64(b.Limit-1), 0)
	if hi += carry; hi >= uint64(b.Limit) {
		return math.MaxInt64
	}
	wait, _ := bits.Div64(hi, lo, uint64(b.Limit))
	return int64(min(wait, math.MaxInt64))
}

// SetLimit implements [Limit]: the tokens that are missing to a full bucket stay missing.
func (b *Bucket) SetLimit(now, limit int64) {
	b.refill(now)
	b.level += limit - b.Limit
	b.Limit, b.fraction = limit, 0
	b.refill(now)
}

// State implements [Limit].
func (b *Bucket) State(now int64) State {
	b.refill(now)
	full := max(b.Limit, 0)
	return State{Limit: full, Left: b.level, Reset: time.Duration(b.until(full))}
}
