package counter

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
