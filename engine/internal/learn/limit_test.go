package learn_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/learn"
)

// TestReceivedLimitsAreFew: the lowest are kept, and one that comes back takes no other place.
func TestReceivedLimitsAreFew(t *testing.T) {
	var x learn.Limit
	minute := int64(time.Minute)
	for limit := int64(20); limit > 0; limit-- {
		x.Receive(limit, limit*minute/10, 0)
		x.Receive(limit, limit*minute/20, 0) // an earlier end shortens nothing
	}
	for limit := int64(1); limit <= 4; limit++ {
		got, until := x.InForce()
		require.Equal(t, [2]int64{limit, limit * minute / 10}, [2]int64{got, until})
		x.Lapse(until)
	}
	got, _ := x.InForce()
	require.Zero(t, got)
}

// TestLimitOfThisNodeAndOthers: the lower one is in force, and of two alike the longer.
func TestLimitOfThisNodeAndOthers(t *testing.T) {
	var x learn.Limit
	x.Confirm(10, 0)
	x.Receive(10, int64(time.Minute), 0)
	limit, until := x.InForce()
	require.Equal(t, [2]int64{10, learn.ConfirmEvery}, [2]int64{limit, until})
	x.Receive(7, int64(24*time.Hour), 0)
	limit, until = x.InForce()
	require.Equal(t, [2]int64{7, learn.ConfirmEvery}, [2]int64{limit, until})
	limit, _ = x.Announce(0, 0)
	require.EqualValues(t, 10, limit)
	limit, _ = x.Announce(10, 0)
	require.Zero(t, limit)
}
