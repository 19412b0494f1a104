package counter

import "math/bits"

// rate converts amounts of a limit to time, in the units of a bucket: n refill in
// n*period/limit, rounded up. A rate is immutable.
//
// For n up to few that is a multiplication. Period/limit is a whole number and a
// rest r/limit, of which part is ceil(2^64*r/limit). So n*part/2^64 exceeds
// n*r/limit by less than n/2^64. As long as n*limit is below 2^64 this is less
// than 1/limit, too little to reach the next whole number, and it leaves a
// remainder below n exactly where n*r/limit is a whole number itself.
type rate struct {
	limit, period int64
	few           uint64
	whole, part   uint64
}

func newRate(limit, period int64) *rate {
	r := &rate{limit: limit, period: period}
	if limit == 0 {
		r.whole = uint64(period) + 1 // so that even one is above the capacity of the bucket
		return r
	}
	l := uint64(limit)
	rest := uint64(period) % l
	r.whole = uint64(period) / l
	var left uint64
	if r.part, left = bits.Div64(rest, 0, l); left != 0 {
		r.part++
	}
	r.few = min((1<<64-1)/l, uint64(bucketMost)/(r.whole+1))
	return r
}

// units returns the time in which n refill, at most bucketMost.
func (r *rate) units(n int64) int64 {
	if uint64(n) > r.few {
		return r.divide(n)
	}
	return r.multiply(n)
}

// multiply is units for n up to few.
func (r *rate) multiply(n int64) int64 {
	hi, lo := bits.Mul64(uint64(n), r.part)
	u := uint64(n)*r.whole + hi
	if lo >= uint64(n) && n != 0 {
		u++
	}
	return int64(u)
}

// divide is units for any n. A limit of zero never refills.
//
//go:noinline
func (r *rate) divide(n int64) int64 { return quotient(n, r.period, r.limit, bucketMost) }

// amount returns how much refills in u units of time, rounded up, at most Max.
func (r *rate) amount(u int64) int64 { return quotient(u, r.limit, r.period, Max) }

// quotient returns a*b/by, rounded up, but at most the given number.
func quotient(a, b, by, most int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(by) { // the quotient overflows
		return most
	}
	q, rest := bits.Div64(hi, lo, uint64(by))
	if rest != 0 {
		q++
	}
	return int64(min(q, uint64(most)))
}
