// Package rule has the exact rules by which providers admit requests, as slow
// and plain as possible: what faster code is compared with. Amounts are tokens
// or requests, instants are Unix nanoseconds and never go back.
package rule

import (
	"math/big"
	"time"
)

const minute = int64(time.Minute)

// FixedMinute admits up to Limit in each minute, which begins Phase nanoseconds
// after the UTC minute.
type FixedMinute struct {
	Limit, Phase int64

	begun int64
	used  int64
}

// Used returns what the minute of now has taken.
func (f *FixedMinute) Used(now int64) int64 {
	if begun := windowStart(now, f.Phase, minute); begun != f.begun {
		f.begun, f.used = begun, 0
	}
	return f.used
}

// Take admits n if it fits.
func (f *FixedMinute) Take(now, n int64) bool {
	if f.Used(now)+n > f.Limit {
		return false
	}
	f.used += n
	return true
}

// Add charges n whatever the limit.
func (f *FixedMinute) Add(now, n int64) { f.used = max(f.Used(now)+n, 0) }

// Wait returns the nanoseconds until n fits; never = it is above the limit.
func (f *FixedMinute) Wait(now, n int64) (wait int64, never bool) {
	switch {
	case n > f.Limit:
		return 0, true
	case f.Used(now)+n <= f.Limit:
		return 0, false
	}
	return f.begun + minute - now, false
}

// Sub judges requests by the minute and by each Span nanoseconds of it, of which
// Limit*Span/minute is the share, at least one.
type Sub struct {
	Limit, Phase, Span int64

	minute, span FixedMinute
	spanBegun    int64
}

// Take admits one request if it fits both.
func (s *Sub) Take(now int64) bool {
	s.minute.Limit, s.minute.Phase = s.Limit, s.Phase
	share := max(s.Limit*s.Span/minute, 1)
	if begun := windowStart(now, s.Phase, s.Span); begun != s.spanBegun {
		s.spanBegun, s.span.used = begun, 0
	}
	if s.span.used >= share || !s.minute.Take(now, 1) {
		return false
	}
	s.span.used++
	return true
}

func windowStart(now, phase, length int64) int64 {
	since := (now - phase) % length
	if since < 0 {
		since += length
	}
	return now - since
}

// Bucket holds at most Limit and refills at Limit a Period, without steps; it
// begins full. Its arithmetic is exact: the level is kept in parts of a token, of
// which there are Period nanoseconds to one.
type Bucket struct {
	Limit  int64
	Period int64 // nanoseconds; 0 = a minute

	level *big.Int
	at    int64
}

func (b *Bucket) refill(now int64) {
	if b.Period == 0 {
		b.Period = minute
	}
	full := product(b.Limit, b.Period)
	if b.level == nil {
		b.level, b.at = full, now
		return
	}
	b.level.Add(b.level, product(b.Limit, now-b.at))
	b.at = now
	if b.level.Cmp(full) > 0 {
		b.level = full
	}
}

// Take admits n if the level is at least n.
func (b *Bucket) Take(now, n int64) bool {
	b.refill(now)
	cost := product(n, b.Period)
	if b.level.Cmp(cost) < 0 {
		return false
	}
	b.level.Sub(b.level, cost)
	return true
}

// Add charges n whatever the level, which may fall below zero; a negative n
// gives back, up to a full bucket.
func (b *Bucket) Add(now, n int64) {
	b.refill(now)
	b.level.Sub(b.level, product(n, b.Period))
	b.refill(now)
}

// Wait returns the nanoseconds, rounded up, until n fits; never = it is above
// the limit.
func (b *Bucket) Wait(now, n int64) (wait int64, never bool) {
	b.refill(now)
	if n > b.Limit {
		return 0, true
	}
	short := new(big.Int).Sub(product(n, b.Period), b.level)
	if short.Sign() <= 0 {
		return 0, false
	}
	short.Add(short, big.NewInt(b.Limit-1))
	return short.Div(short, big.NewInt(b.Limit)).Int64(), false
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }
