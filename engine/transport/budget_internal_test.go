package transport

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// spent returns how many of n calls were tried twice, one each step, where all fail.
func spent(b *budget, known bool, n int, from time.Time, step time.Duration) (retries int) {
	for i := range n {
		b.earn()
		if b.spend(known, from.Add(time.Duration(i)*step)) {
			retries++
		}
	}
	return retries
}

func TestBudget(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	require.Equal(t, 101, spent(newBudget(now), true, 1000, now, 0), "one call in ten, and one in hand")
	require.Equal(t, 60, spent(newBudget(now), true, 60, now, time.Minute), "a group of few calls has one each ten seconds")
	require.Equal(t, 20, spent(newBudget(now), true, 100, now, time.Second+10*time.Millisecond), "both")

	b := newBudget(now)
	require.Equal(t, 100, spent(b, false, 100, now, 0), "calls that began before the failure was known")
	require.Equal(t, 13, spent(b, false, 20, now, 0), "then what was earned")
	for range (retryMost + retryBurst) * retryEvery * 2 {
		b.earn()
	}
	got := spent(b, false, 1000, now.Add(24*time.Hour), 0)
	require.InDelta(t, retryMost+retryBurst+1000/retryEvery, got, 10, "what is saved up is bounded")
}
