package breaker

import "time"

// RateFraction is the number of fraction bits of a failure rate, and RateUnit a rate of 1.
const (
	RateFraction = 24
	RateUnit     = 1 << RateFraction
)

const (
	// Each outcome moves the rate by 2^-shift of its distance to 1 (a failure) or 0 (a
	// success). Failures move it faster, so that a deployment that fails every other call has
	// a rate of about two thirds.
	failureShift = 2
	weakShift    = 3 // of weak failures, see Answer.Weak
	successShift = 3
	// leastRate is the lowest rate above 0: lower ones become 0.
	leastRate = RateUnit / 64
	// rateHalfLife is the time in which a rate falls to half, in ns. It falls in one step at the
	// end of that time, so that ranking keys change only when a group is turned.
	rateHalfLife = int64(10 * time.Second)
)

// rate is a failure rate that decays with time. The zero value is a rate of 0.
type rate struct {
	value  uint32 // in 1/RateUnit
	halfAt int64  // when the rate falls to half; 0 = the rate is 0
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
