package window

import (
	"math"
	"time"
)

// Timer wakes a goroutine that waits for a [Clock] to show a time. Its methods must not
// be called concurrently; C may be received from at any time, by any number of
// goroutines, of which one is woken.
type Timer struct {
	// C receives a value when the time may have come. The goroutine that receives it calls Due.
	C     <-chan time.Time
	clock *Clock
	t     *time.Timer
	at    int64 // as set, Unix nanoseconds
}

// Timer returns a timer that is not set.
func (c *Clock) Timer() *Timer {
	t := time.NewTimer(math.MaxInt64)
	t.Stop()
	return &Timer{C: t.C, clock: c, t: t}
}

// Set makes the timer fire when the clock shows at (Unix nanoseconds) or later, at once if
// it does already. It replaces the time that was set before.
func (t *Timer) Set(at int64) {
	t.at = at
	t.t.Reset(t.clock.sleep(at))
}

// Due reports, after C has fired, whether the clock shows the time that was set. If not, it
// sets the timer again: only the operating system's clock can be slept on, and a Clock may
// be slewed, scaled or moved by hand meanwhile.
func (t *Timer) Due() bool {
	if t.clock.Read() >= t.at {
		return true
	}
	t.t.Reset(t.clock.sleep(t.at))
	return false
}

// Stop unsets the timer.
func (t *Timer) Stop() { t.t.Stop() }

// sleep returns how long to sleep before the clock is read again to see whether it shows
// at. That is a millisecond at most if the source may step, and a second at most otherwise,
// as Slew may move the clock meanwhile.
func (c *Clock) sleep(at int64) time.Duration {
	most := time.Duration(ahead)
	if c.source != nil {
		most = tick
	}
	return min(time.Duration(max(at-c.Read(), 0)), most)
}
