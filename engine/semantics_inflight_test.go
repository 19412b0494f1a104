package engine_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestInFlightRetryAfter: how long a limit on leases refuses is estimated from how
// long leases of that deployment last and how many are held, wherever in its minute
// the refusal comes.
func TestInFlightRetryAfter(t *testing.T) {
	for _, late := range []time.Duration{0, 11 * time.Second, 41 * time.Second, 59 * time.Second} {
		e, clock := startAt(t, firstMinute.Add(late), one(engine.Limits{MaxInFlight: 1}))
		g := group(t, e, "chat")
		first := acquire(t, g, exactly(1))
		require.Equal(t, time.Second, refusal(t, g, exactly(1)).RetryAfter, "none has ended yet")
		for range 20 {
			clock.Advance(4 * time.Second)
			first.SettleReserved()
			first = acquire(t, g, exactly(1))
			require.InDelta(t, 4*time.Second, refusal(t, g, exactly(1)).RetryAfter, float64(time.Millisecond), "%v into the minute", late)
		}
		for range 40 { // calls become shorter
			clock.Advance(500 * time.Millisecond)
			first.Release()
			first = acquire(t, g, exactly(1))
		}
		require.InDelta(t, 500*time.Millisecond, refusal(t, g, exactly(1)).RetryAfter, float64(50*time.Millisecond))
	}
}

// TestInFlightRetryAfterOfMany: of n leases the first ends in an nth of the time that
// one lasts, and a class with a share of the places waits for more of them to end.
func TestInFlightRetryAfterOfMany(t *testing.T) {
	cfg := one(engine.Limits{MaxInFlight: 10})
	cfg.PriorityShare = []float64{1, 0.5}
	e, clock := start(t, cfg)
	g := group(t, e, "chat")
	for range 3 {
		var held []*engine.Lease
		for range 10 {
			held = append(held, acquire(t, g, exactly(1)))
		}
		if clock.Now().After(firstMinute) {
			require.InDelta(t, 2*time.Second, refusal(t, g, exactly(1)).RetryAfter, float64(time.Millisecond))
			batch := exactly(1)
			batch.Priority = 1
			require.InDelta(t, 12*time.Second, refusal(t, g, batch).RetryAfter, float64(time.Millisecond), "6 of 10 must end")
		}
		clock.Advance(20 * time.Second)
		for _, l := range held {
			l.Settle(engine.Usage{InputTokens: 1})
		}
	}
	cfg = one(engine.Limits{MaxInFlight: engine.Blocked})
	require.NoError(t, e.Apply(cfg))
	require.True(t, refusal(t, g, exactly(1)).Never)
}

// TestInFlightRetryAfterBounded: a lease that lasts for ever, and a clock that is set
// back, give no wait that is absurd.
func TestInFlightRetryAfterBounded(t *testing.T) {
	e, clock := start(t, one(engine.Limits{MaxInFlight: 2}))
	g := group(t, e, "chat")
	old := acquire(t, g, exactly(1))
	young := acquire(t, g, exactly(1))
	clock.Advance(14 * time.Minute)
	old.SettleReserved()
	old = acquire(t, g, exactly(1))
	require.LessOrEqual(t, refusal(t, g, exactly(1)).RetryAfter, 15*time.Minute)
	clock.Advance(20 * time.Second)
	third := old
	clock.Advance(-5 * time.Second)
	third.Release()
	young.Release()
	acquire(t, g, exactly(1))
	acquire(t, g, exactly(1))
	wait := refusal(t, g, exactly(1)).RetryAfter
	require.Positive(t, wait)
	require.LessOrEqual(t, wait, 15*time.Minute)
}

// TestLeasesHeldAreNeverBelowNothing: states and stats are read while leases begin and end. No
// more leases are in flight than callers hold.
func TestLeasesHeldAreNeverBelowNothing(t *testing.T) {
	e, _ := start(t, one(engine.Limits{}))
	g := group(t, e, "chat")
	var done atomic.Bool
	var wg sync.WaitGroup
	const callers = 4
	for range callers {
		wg.Go(func() {
			for !done.Load() {
				if l, ok := g.TryAcquire(exactly(1)); ok {
					l.Release()
				}
			}
		})
	}
	for range 50_000 {
		if held := e.Stats().Held; held > callers {
			assert.LessOrEqual(t, held, int64(callers))
			break
		}
	}
	done.Store(true)
	wg.Wait()
	require.Zero(t, e.Stats().Held)
}
