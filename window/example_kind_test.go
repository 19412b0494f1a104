package window_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

func ExampleKind_Index() {
	epoch := window.EpochAt(time.Date(2025, 7, 4, 2, 30, 0, 0, time.UTC).UnixNano())
	fmt.Println(window.KindMinute.Index(epoch) == epoch, window.KindHour.Index(epoch) == epoch/60)
	fmt.Println(window.KindDay.Index(epoch)-window.KindDayPacific.Index(epoch), "day: in Los Angeles it is the evening before")
	// Output:
	// true true
	// 1 day: in Los Angeles it is the evening before
}

func ExampleDayIndex() {
	epoch := window.EpochAt(time.Date(2025, 7, 4, 2, 30, 0, 0, time.UTC).UnixNano())
	fmt.Println(window.DayIndex(epoch, window.UTC) == window.DayOf(epoch, window.UTC).Index)
	// Output: true
}

func ExampleKind_Long() {
	for k := range window.Kind(window.Kinds) {
		fmt.Println(k, k.Long(), k.Own())
	}
	// Output:
	// minute false false
	// day true false
	// day-pacific true false
	// hour true false
	// phased true true
	// part true true
	// slice true true
}

func ExampleTimer_Stop() {
	timer := window.NewClock().Timer()
	timer.Set(time.Now().Add(time.Hour).UnixNano())
	timer.Stop()
	fmt.Println(len(timer.C))
	// Output: 0
}

func ExampleWant_Plus() {
	w := window.Want{ID: "gpt-a", Missed: 5, Largest: 900}.Plus(window.Want{Missed: 2, Largest: 1500})
	fmt.Println(w.ID, w.Missed, w.Largest)
	// Output: gpt-a 7 1500
}
