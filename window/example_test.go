package window_test

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// A program that decides often runs its clock: a reading then costs next to
// nothing, and windows are built before they begin.
// A timer goes by its clock, whatever that shows.
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

// A clock that is put back stays in the minute it has shown.
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
	fmt.Println(window.UntilNext(clock.Read()), "left in this minute")
	// Output: 40s left in this minute
}

func ExampleClock_Run() {
	clock := window.NewClock()
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	fmt.Println(clock.Run(ctx)) // returns when ctx ends
	// Output: <nil>
}

// A store keeps the time for all nodes: follow it in small steps.
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
		fmt.Println("told the time:", now > 0)
		stop()
		return false // once is enough
	})
	fmt.Println(clock.Run(ctx))
	// Output:
	// told the time: true
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

func ExampleRetryAfter() {
	now := time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC).UnixNano()
	for _, cost := range []int64{50, 150, 1500} {
		wait, never := window.RetryAfter(now, 900, cost, 1000)
		fmt.Println(cost, wait, never)
	}
	// Output:
	// 50 0s false
	// 150 40s false
	// 1500 0s true
}

// An admission takes the tokens, then the request, and gives the tokens back if
// the request is refused.
func ExampleCell() {
	var cell window.Cell
	cell.SetCaps(1000, 2)
	admit := func(tokens int64) bool {
		if cell.TakeTokens(tokens) != window.Taken {
			return false
		}
		if cell.TakeRequest() != window.Taken {
			cell.AddTokens(-tokens)
			cell.EndAttempt()
			return false
		}
		return true
	}
	fmt.Println(admit(600), admit(600), admit(400), admit(0))
	fmt.Println(cell.Tokens(), cell.Requests())
	// Output:
	// true false true false
	// 1000 2
}

// Other nodes' usage is shifted in; the caps move with it.
func ExampleCell_Shift() {
	var cell window.Cell
	cell.SetCaps(1000, 10)
	cell.Shift(700, 4, 1000, 10)
	fmt.Println(cell.Fits(300), cell.Fits(301))
	cell.Shift(-200, 0, 1000, 10)
	fmt.Println(cell.Fits(301))
	// Output:
	// true false
	// true
}

// A cell that moves is sealed: who writes to it notices, and finds its heir.
func ExampleCell_CopyFrom() {
	var before, after window.Cell
	before.SetCaps(1000, 10)
	before.AddTokens(40)
	after.CopyFrom(&before)
	fmt.Println(before.AddTokens(2), after.AddTokens(2))
	fmt.Println(after.Tokens())
	// Output:
	// false true
	// 42
}

// A meter counts a limit in windows of its own.
func ExampleMeter() {
	today := window.DayOf(29_732_000, window.Pacific)
	requests := window.NewMeter(today.Index, 2)
	for range 3 {
		fmt.Println(requests.Take(today.Index, 1) == window.Taken)
	}
	requests.Roll(today.Index+1, 0, 2)
	fmt.Println(requests.Used(), "today,", requests.Before(), "yesterday")
	// Output:
	// true
	// true
	// false
	// 0 today, 2 yesterday
}

// The day on which the clocks go back has 25 hours.
func ExampleDayOf() {
	noon := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
	day := window.DayOf(window.EpochAt(noon.UnixNano()), window.Pacific)
	fmt.Println(time.Unix(0, day.Start).UTC().Format(time.DateTime), time.Duration(day.End-day.Start))
	// Output: 2026-11-01 07:00:00 25h0m0s
}
