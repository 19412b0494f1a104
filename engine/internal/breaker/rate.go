package breaker

import "time"

// RateFraction is the fraction bits of a failure rate, and RateUnit a rate of 1.
const (
	RateFraction = 24
	RateUnit     = 1 << RateFraction
)

const (
	// Each outcome moves the rate by a part of what is left: failures faster, so that a
	// deployment that fails every other call stands at about two thirds.
	failureShift = 2 // a quarter
	weakShift    = 3 // an eighth
	successShift = 3
	// leastRate is the rate below which it is 0.
	leastRate = RateUnit / 64
	// rateHalfLife is how long a rate takes to fall to half by itself. It falls at once at
	// its end, so that keys only change when a group is looked at.
	rateHalfLife = int64(10 * time.Second)
)

// rate is a failure rate that falls by itself. The zero value is a rate of 0.
type rate struct {
	value  uint32 // in 1/RateUnit
	halfAt int64  // when it falls to half; 0 = it is 0
}

// fail raises the rate.
func (r *rate) fail(now int64, shift uint) {
	if r.halfAt == 0 {
		r.halfAt = now + rateHalfLife
	}
	r.value += (RateUnit - r.value) >> shift
}

// succeed lowers the rate, and reports whether it was above 0.
func (r *rate) succeed() bool {
	if r.value == 0 {
		return false
	}
	r.set(r.value - r.value>>successShift)
	return true
}

// decay lowers the rate for the time that has passed, and reports whether it did.
func (r *rate) decay(now int64) bool {
	if r.halfAt == 0 || now < r.halfAt {
		return false
	}
	halves := (now-r.halfAt)/rateHalfLife + 1
	r.halfAt += halves * rateHalfLife
	r.set(r.value >> min(halves, 31))
	return true
}

func (r *rate) set(value uint32) {
	if value < leastRate {
		value, r.halfAt = 0, 0
	}
	r.value = value
}
