package window

import (
	"math"
	"math/bits"
)

// Part is a share of a cap that an admission may use, so that the rest is left
// for others. The zero Part is all of it.
type Part uint32 // billionths that are left over

const whole = 1_000_000_000

// unshared in a part says that it does not apply to the cap on requests.
const unshared Part = 1 << 31

// Unshared returns a part that leaves the cap on requests whole.
func (p Part) Unshared() Part { return p | unshared }

// requests is Of for a cap on requests.
func (p Part) requests(limit int64) int64 {
	if p&unshared != 0 {
		return limit
	}
	return p.Of(limit)
}

// PartOf returns the part for a share from 0 to 1, taken to nine decimals.
func PartOf(share float64) Part { return Part(whole - math.Round(share*whole)) }

// Of returns the part of a cap, rounded down. What is no limit, and caps that
// admit nothing, stay as they are.
func (p Part) Of(limit int64) int64 {
	if p == 0 {
		return limit
	}
	return p.of(limit)
}

func (p Part) of(limit int64) int64 {
	if limit <= 0 || limit >= Max {
		return limit
	}
	hi, lo := bits.Mul64(uint64(limit), uint64(whole-p&^unshared))
	q, _ := bits.Div64(hi, lo, whole)
	return int64(q)
}

// FitsIn is Fits within a part of the caps.
func (c *Cell) FitsIn(p Part, tokens int64) bool {
	r := c.RoomIn(p)
	return !r.Full && r.Tokens >= tokens
}

// RoomIn is Room within a part of the caps. Unless that is all, Ample is false:
// whether others half way get their request depends on their part.
func (c *Cell) RoomIn(p Part) Room {
	if p == 0 {
		return c.Room()
	}
	r := c.requests.Load() // before the tokens, as in Room
	t := c.tokens.Load()
	return Room{
		Tokens: p.Of(c.tokenCap.Load()) - t&valueMask,
		Half:   int64((uint64(t)>>tagShift - uint64(r)>>tagShift) & (1<<(64-tagShift) - 1)),
		Full:   r&valueMask >= p.requests(c.requestCap.Load()),
	}
}

// TakeTokensIn is TakeTokens within a part of the caps.
func (c *Cell) TakeTokensIn(p Part, n int64) Outcome {
	for {
		t := c.tokens.Load()
		if t&sealBit != 0 {
			return Sealed
		}
		if t&valueMask+n > p.Of(c.tokenCap.Load()) || c.requests.Load()&valueMask >= p.requests(c.requestCap.Load()) {
			return Refused
		}
		if c.tokens.CompareAndSwap(t, t+n+tagUnit) {
			return Taken
		}
	}
}

// TakeRequestIn is TakeRequest within a part of the cap.
func (c *Cell) TakeRequestIn(p Part) Outcome { return c.takeIn(p, 1+tagUnit) }

// CountRequestIn is CountRequest within a part of the cap.
func (c *Cell) CountRequestIn(p Part) Outcome { return c.takeIn(p, 1) }

func (c *Cell) takeIn(p Part, n int64) Outcome {
	if p == 0 {
		return c.take(n)
	}
	for {
		r := c.requests.Load()
		if r&sealBit != 0 {
			return Sealed
		}
		if r&valueMask >= p.requests(c.requestCap.Load()) {
			return Refused
		}
		if c.requests.CompareAndSwap(r, r+n) {
			return Taken
		}
	}
}

// RoomIn is Room within a part of the cap.
func (m *Meter) RoomIn(p Part) int64 { return p.Of(m.cap.Load()) - m.Used() }

// TakeIn is Take within a part of the cap.
func (m *Meter) TakeIn(p Part, w, n int64) Outcome {
	for {
		o := m.cur.Load()
		if !in(o, w) {
			return Sealed
		}
		to := o&meterValue + n
		if to > p.Of(m.cap.Load()) {
			return Refused
		}
		if m.cur.CompareAndSwap(o, o&^meterValue|min(to, Max)) {
			return Taken
		}
	}
}
