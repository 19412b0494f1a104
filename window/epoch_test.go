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
