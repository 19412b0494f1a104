package counter

import (
	"math"
	"math/bits"
)

// Part is the share of a cap that an admission may use, so that the rest is left
// for others. The zero Part is the whole cap.
type Part uint32 // the billionths of the cap that it leaves

const whole = 1_000_000_000 // billionths

// unshared is set in a part that does not apply to the cap on requests.
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

// PartOf returns the part for a share from 0 to 1, rounded to nine decimals.
func PartOf(share float64) Part { return Part(whole - math.Round(share*whole)) }

// Of returns the part of a cap, rounded down. No limit (Max) and caps that
// admit nothing stay as they are.
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
