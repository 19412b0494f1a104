package window_test

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// A timer fires when its clock shows the time, however fast that clock runs.
func ExampleClock_Timer() {
	begun := time.Now()
	clock := window.NewClockFrom(func() time.Time { return begun.Add(1000 * time.Since(begun)) })
	timer := clock.Timer()
	timer.Set(begun.Add(time.Minute).UnixNano())
	for {
		<-timer.C
		if timer.Due() {
			break
		}
	}
	fmt.Println(clock.Read() >= begun.Add(time.Minute).UnixNano())
	// Output: true
}

// A program that decides often calls Run. A reading then costs one atomic load, and
// windows are opened before they begin.
func ExampleNewClock() {
	clock := window.NewClock()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- clock.Run(ctx) }()

	off := time.Since(time.Unix(0, clock.Now())).Abs()
	fmt.Println(off < time.Second)

	stop()
	fmt.Println(<-done)
	// Output:
	// true
	// <nil>
}

// Tests and replays bring their own time.
func ExampleNewClockFrom() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)
	clock := window.NewClockFrom(func() time.Time { return now })
	now = now.Add(time.Hour)
	fmt.Println(time.Unix(0, clock.Now()).UTC())
	// Output: 2025-06-02 10:45:20 +0000 UTC
}

// A clock whose source is set back stays in the minute that it has shown.
func ExampleClock_Now() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)
	clock := window.NewClockFrom(func() time.Time { return now })
	now = now.Add(-10 * time.Minute)
	fmt.Println(time.Unix(0, clock.Now()).UTC().Format(time.TimeOnly))
	now = now.Add(15 * time.Minute)
	fmt.Println(time.Unix(0, clock.Now()).UTC().Format(time.TimeOnly))
	// Output:
	// 09:45:00
	// 09:50:20
}

func ExampleClock_Read() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)
	clock := window.NewClockFrom(func() time.Time { return now })
	read := clock.Read()
	fmt.Println(time.Duration(window.Start(window.EpochAt(read)+1)-read), "left in this minute")
	// Output: 40s left in this minute
}

func ExampleClock_Run() {
	clock := window.NewClock()
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	fmt.Println(clock.Run(ctx)) // returns when ctx ends
	// Output: <nil>
}

// A store keeps the time for all nodes. A node follows it by small changes of its offset.
func ExampleClock_Slew() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)
	clock := window.NewClockFrom(func() time.Time { return now })
	clock.Slew(250 * time.Millisecond)
	fmt.Println(time.Unix(0, clock.Now()).UTC().Format("15:04:05.000"))
	clock.Slew(0) // replaces the offset
	fmt.Println(time.Unix(0, clock.Now()).UTC().Format("15:04:05.000"))
	// Output:
	// 09:45:20.250
	// 09:45:20.000
}

func ExampleClock_Notify() {
	clock := window.NewClock()
	ctx, stop := context.WithCancel(context.Background())
	clock.Notify(func(now int64) bool {
		fmt.Println("read the time:", now > 0)
		stop()
		return false // once is enough
	})
	fmt.Println(clock.Run(ctx))
	// Output:
	// read the time: true
	// <nil>
}

func ExampleEpochAt() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)
	epoch := window.EpochAt(now.UnixNano())
	fmt.Println(epoch, time.Unix(0, window.Start(epoch)).UTC().Format(time.TimeOnly))
	fmt.Println(epoch == window.EpochOf(window.StartSeconds(epoch)))
	// Output:
	// 29147625 09:45:00
	// true
}

// The day on which the clocks go back has 25 hours.
func ExampleDayOf() {
	noon := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
	day := window.DayOf(window.EpochAt(noon.UnixNano()), window.Pacific)
	fmt.Println(time.Unix(0, day.Start).UTC().Format(time.DateTime), time.Duration(day.End-day.Start))
	// Output: 2026-11-01 07:00:00 25h0m0s
}
