package window_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func TestKindSpan(t *testing.T) {
	unix := func(at string) int64 {
		when, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		return when.Unix()
	}
	for _, test := range []struct {
		name       string
		kind       window.Kind
		at         string
		start, end string
	}{
		{"a minute", window.KindMinute, "2025-03-04T12:34:56Z", "2025-03-04T12:34:00Z", "2025-03-04T12:35:00Z"},
		{"a minute's beginning", window.KindMinute, "2025-03-04T12:34:00Z", "2025-03-04T12:34:00Z", "2025-03-04T12:35:00Z"},
		{"an hour", window.KindHour, "2025-03-04T12:34:56Z", "2025-03-04T12:00:00Z", "2025-03-04T13:00:00Z"},
		{"a day", window.KindDay, "2025-03-04T12:34:56Z", "2025-03-04T00:00:00Z", "2025-03-05T00:00:00Z"},
		{"a day's last second", window.KindDay, "2025-03-04T23:59:59Z", "2025-03-04T00:00:00Z", "2025-03-05T00:00:00Z"},
		{"a Pacific day in winter", window.KindDayPacific, "2025-03-04T07:59:59Z", "2025-03-03T08:00:00Z", "2025-03-04T08:00:00Z"},
		{"a Pacific day of 23 hours", window.KindDayPacific, "2025-03-09T20:00:00Z", "2025-03-09T08:00:00Z", "2025-03-10T07:00:00Z"},
		{"a Pacific day of 25 hours", window.KindDayPacific, "2025-11-02T20:00:00Z", "2025-11-02T07:00:00Z", "2025-11-03T08:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			start, end := test.kind.Span(unix(test.at))
			require.Equal(t, [2]int64{unix(test.start), unix(test.end)}, [2]int64{start, end})
		})
	}
	require.Equal(t, "Kind(9)", window.Kind(9).String())
	for k := range window.Kind(window.Kinds) {
		if k.Daily() {
			require.Equal(t, k, window.KindOf(k.Zone()), k)
		}
	}
}

func ExampleKind_Span() {
	noon := time.Date(2025, 7, 4, 12, 0, 0, 0, time.UTC).Unix()
	for k := range window.Kind(window.Kinds) {
		start, end := k.Span(noon)
		fmt.Println(k, time.Unix(start, 0).UTC().Format("01-02 15:04"), time.Duration(end-start)*time.Second)
	}
	// Output:
	// minute 07-04 12:00 1m0s
	// day 07-04 00:00 24h0m0s
	// day-pacific 07-04 07:00 24h0m0s
	// hour 07-04 12:00 1h0m0s
	// phased 07-04 12:00 1m0s
	// part 07-04 12:00 1m0s
	// slice 07-04 12:00 1s
}

func ExampleKindOf() {
	for _, k := range []window.Kind{window.KindMinute, window.KindOf(window.UTC), window.KindOf(window.Pacific)} {
		fmt.Println(k, k.Daily(), k.Zone() == window.Pacific)
	}
	// Output:
	// minute false false
	// day true false
	// day-pacific true true
}

func ExampleWant_Part() {
	w := window.Want{Missed: 5, MissedTokens: 1000}
	part := w.Part(3)
	fmt.Println(part.Missed, part.MissedTokens, w.Minus(part).Missed)
	// Output: 2 334 3
}

func ExampleWant_Minus() {
	w := window.Want{Waiting: 5}
	fmt.Println(w.Minus(window.Want{Waiting: 2}).Waiting)
	// Output: 3
}
