package order

import "github.com/plimsoll-dev/plimsoll/window"

// whole is a utilization of 1.
const whole = 1 << RatioFraction

// Lapsing returns the ratio by which a utilization u ranks if left nanoseconds of the minute are
// left: 1/(1+(1-u)/left), with left in minutes, and u if that is 1 or more.
func Lapsing(u uint64, left int64) uint64 {
	if u >= whole {
		return u
	}
	to := float64(max(left, 1e6))
	return uint64(int64(whole * to / (to + float64(int64(whole-u))*(float64(window.Minute)/whole)))) // int64: such conversions are one instruction
}
