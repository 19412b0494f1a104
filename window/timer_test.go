package window_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// fires waits until the timer is due.
func fires(timer *window.Timer) time.Time {
	for {
		<-timer.C
		if timer.Due() {
			return time.Now()
		}
	}
}

func TestTimerOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, begun := window.NewClock(), time.Now()
		timer := clock.Timer()
		for _, d := range []time.Duration{0, 1, time.Millisecond, seconds(1), seconds(1) + 1, 3 * time.Hour} {
			before := time.Now()
			timer.Set(before.Add(d).UnixNano())
			require.Equal(t, d, fires(timer).Sub(before))
		}
		timer.Set(begun.UnixNano())
		require.Equal(t, time.Now(), fires(timer), "a time that has passed")
		timer.Set(time.Now().Add(time.Minute).UnixNano())
		timer.Set(time.Now().Add(time.Hour).UnixNano())
		timer.Set(time.Now().Add(2 * time.Second).UnixNano())
		before := time.Now()
		require.Equal(t, seconds(2), fires(timer).Sub(before), "the time set last holds")
		timer.Set(time.Now().Add(time.Second).UnixNano())
		timer.Stop()
		select {
		case <-timer.C:
			require.Fail(t, "stopped")
		case <-time.After(time.Hour):
		}
	})
}

// TestTimerFollowsItsClock: a timer fires when its clock shows the time, also if the clock is
// slewed, runs faster than real time or jumps.
func TestTimerFollowsItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		clock := window.NewClock()
		timer := clock.Timer()
		timer.Set(begun.Add(time.Minute).UnixNano())
		clock.Slew(seconds(20))
		require.InDelta(t, 40, fires(timer).Sub(begun).Seconds(), 1, "slewed")

		begun = time.Now()
		fast := window.NewClockFrom(func() time.Time { return begun.Add(10 * time.Since(begun)) })
		timer = fast.Timer()
		timer.Set(begun.Add(time.Minute).UnixNano())
		require.InDelta(t, 6, fires(timer).Sub(begun).Seconds(), 0.002, "scaled")

		s := at(noon())
		timer = clockOf(s).Timer()
		timer.Set(after(time.Hour).UnixNano())
		<-timer.C
		require.False(t, timer.Due())
		s.step(time.Hour)
		before := time.Now()
		require.LessOrEqual(t, fires(timer).Sub(before), time.Millisecond, "moved by hand")
	})
}
