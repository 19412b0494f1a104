package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// A caller can be suspended between its admission and the count of its lease,
// which nothing outside can time: these tests count the lease by hand.

func heldOnOne(t *testing.T) (*Engine, *handle, *time.Time) {
	t.Helper()
	at := time.Unix(6_000_000, 0)
	e, err := New(Config{
		Deployments: []Deployment{{ID: "a", Group: "g", Limits: Limits{MaxInFlight: 4}}},
		Clock:       window.NewClockFrom(func() time.Time { return at }),
	})
	require.NoError(t, err)
	h, ok := e.handles.Load("a")
	require.True(t, ok)
	return e, h, &at
}

func TestALeaseCountedPastItsTTLLeavesNewerOnesAlone(t *testing.T) {
	e, h, at := heldOnOne(t)
	old := window.EpochAt(at.UnixNano())
	require.True(t, h.flight.reserve(0))
	*at = at.Add(flightSlots * time.Minute)

	g, err := e.Group("g")
	require.NoError(t, err)
	l, ok := g.TryAcquire(Demand{InputTokens: 7})
	require.True(t, ok)
	require.EqualValues(t, 2, h.flight.live.Load())

	require.Equal(t, uncounted, h.flight.enter(h, old, 5, true))
	leases, tokens := h.flight.count()
	require.EqualValues(t, 1, leases)
	require.EqualValues(t, 7+defaultOutput, tokens)
	require.EqualValues(t, 1, h.flight.live.Load())
	require.EqualValues(t, 1, e.Stats().Expired)

	l.Settle(Usage{InputTokens: 7})
	require.Zero(t, h.flight.live.Load())
	require.EqualValues(t, 1, e.Stats().Settled)
}

func TestATurnThatBeginsExpiresWhatWasLeftOfTheLast(t *testing.T) {
	_, h, at := heldOnOne(t)
	n := window.EpochAt(at.UnixNano())
	require.EqualValues(t, 5, h.flight.enter(h, n, 5, false))
	require.EqualValues(t, 3, h.flight.enter(h, n+flightSlots, 3, false))
	leases, tokens := h.flight.count()
	require.EqualValues(t, 1, leases)
	require.EqualValues(t, 3, tokens)
	require.EqualValues(t, 1, h.flight.live.Load())
	require.EqualValues(t, 1, h.flight.expired.Load())
	require.False(t, h.flight.exit(n, 5))
}
