package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestPartOfMinute: the largest limit there is has its share of a shorter window, too.
func TestPartOfMinute(t *testing.T) {
	row := kindRow{kind: LimitRPM, part: true}
	for _, c := range []struct {
		limit  int64
		window time.Duration
		want   int64
	}{
		{0, time.Second, 0},
		{Blocked, time.Second, Blocked},
		{1, time.Second, 1},
		{119, time.Second, 1},
		{120, time.Second, 2},
		{100, 10 * time.Second, 16},
		{60, time.Minute, 60},
		{MaxCount, time.Second, MaxCount / 60},
		{MaxCount, 30 * time.Second, MaxCount / 2},
		{MaxCount, time.Minute, MaxCount},
	} {
		d := Deployment{Limits: Limits{RPM: c.limit}, Profile: provider.Profile{RequestWindow: c.window}}
		require.Equal(t, c.want, row.limit(&d), "%d in %v", c.limit, c.window)
	}
}

// TestEveryLimitHasAReasonOfItsOwn: a refusal names the limit that refuses, and none of the
// reasons that are no limit.
func TestEveryLimitHasAReasonOfItsOwn(t *testing.T) {
	for l := range provider.AllLimits() {
		why := reasonOf(l)
		require.Equal(t, l, reasonLimit[why])
		require.Greater(t, why, whyCooling, l)
		require.Less(t, why, whyShare, l)
	}
}
