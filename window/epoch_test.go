package window_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func TestEpochAt(t *testing.T) {
	for _, c := range []struct {
		name string
		now  int64
		want int64
	}{
		{"the beginning of time", 0, 0},
		{"the last instant of a minute", window.Minute - 1, 0},
		{"the first of the next", window.Minute, 1},
		{"before 1970", -1, -1},
		{"a minute before 1970", -window.Minute, -1},
		{"and one instant more", -window.Minute - 1, -2},
		{"today", time.Date(2026, 11, 23, 12, 34, 56, 7, time.UTC).UnixNano(), 29923954},
		{"the end of time", math.MaxInt64, math.MaxInt64 / window.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := window.EpochAt(c.now)
			require.Equal(t, c.want, e)
			require.LessOrEqual(t, window.Start(e), c.now)
			require.Equal(t, e, window.EpochAt(window.Start(e)))
			require.Equal(t, e, window.EpochOf(window.StartSeconds(e)))
			require.Equal(t, e, window.EpochOf(window.StartSeconds(e)+59))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	at := window.Start(100) + int64(45*time.Second)
	for _, c := range []struct {
		name              string
		used, cost, limit int64
		want              time.Duration
		never             bool
	}{
		{"fits", 10, 5, 20, 0, false},
		{"fits exactly", 15, 5, 20, 0, false},
		{"one too many", 16, 5, 20, 15 * time.Second, false},
		{"limit passed already", 30, 0, 20, 15 * time.Second, false},
		{"as large as the limit", 1, 20, 20, 15 * time.Second, false},
		{"larger than the limit", 0, 21, 20, 0, true},
		{"a limit of zero", 0, 1, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wait, never := window.RetryAfter(at, c.used, c.cost, c.limit)
			require.Equal(t, c.want, wait)
			require.Equal(t, c.never, never)
		})
	}
	require.Equal(t, time.Minute, window.UntilNext(window.Start(5)), "at its beginning a minute lasts a minute")
	require.Equal(t, time.Duration(1), window.UntilNext(window.Start(5)-1), "never zero")
}
