package window_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func TestDaysAreCalendarDays(t *testing.T) {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	for _, c := range []struct {
		name       string
		zone       window.Zone
		at         string
		start, end string
		hours      int
	}{
		{"UTC", window.UTC, "2026-11-24T23:59:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", 24},
		{"first minute", window.UTC, "2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", 24},
		{"before 1970", window.UTC, "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z", 24},
		{"winter", window.Pacific, "2026-11-24T07:59:00Z", "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z", 24},
		{"summer", window.Pacific, "2026-07-01T07:00:00Z", "2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z", 24},
		{"clocks go forward", window.Pacific, "2026-03-08T20:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z", 23},
		{"clocks go back", window.Pacific, "2026-11-01T20:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z", 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			parse := func(s string) int64 {
				at, err := time.Parse(time.RFC3339, s)
				require.NoError(t, err)
				return at.UnixNano()
			}
			d := window.DayOf(window.EpochAt(parse(c.at)), c.zone)
			require.Equal(t, parse(c.start), d.Start)
			require.Equal(t, parse(c.end), d.End)
			require.EqualValues(t, c.hours, (d.End-d.Start)/int64(time.Hour))
			next := window.DayOf(window.EpochAt(d.End), c.zone)
			require.Equal(t, d.Index+1, next.Index)
			require.Equal(t, d.End, next.Start)
			require.Equal(t, d, window.DayOf(window.EpochAt(d.End-1), c.zone))
			if c.zone == window.Pacific {
				require.Zero(t, time.Unix(0, d.Start).In(pacific).Hour())
			}
		})
	}
}

// TestDaysInAnyOrder: the day that DayIndex keeps from earlier calls does not change its answers.
func TestDaysInAnyOrder(t *testing.T) {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	at := window.EpochAt(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	for range 50_000 {
		at += random.Int64N(600) - 200
		if random.IntN(100) == 0 {
			at += random.Int64N(30*24*60) - 15*24*60
		}
		y, m, d := time.Unix(window.StartSeconds(at), 0).In(pacific).Date()
		want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
		require.Equal(t, want, window.DayIndex(at, window.Pacific), "epoch %d", at)
	}
}
