package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestWantOfCallers: what a caller's ceiling refuses is wanted of the caller, not of a
// deployment, and its windows of every kind are closed until a share names them.
func TestWantOfCallers(t *testing.T) {
	at := time.Date(2025, 3, 4, 12, 34, 10, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return at }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat"}},
	})
	require.NoError(t, err)
	short := e.Short()
	require.NoError(t, e.Apply(engine.Config{
		Deployments: []engine.Deployment{{ID: "a", Group: "chat"}},
		Callers:     []engine.Caller{{ID: "team", Limits: engine.Limits{RPM: 10, RPH: 20, RPD: 30}}},
	}))
	g, err := e.Group("chat")
	require.NoError(t, err)
	caller, err := e.CallerRef("team")
	require.NoError(t, err)
	acquire := func() bool {
		lease, ok := g.TryAcquire(engine.Demand{InputTokens: 30, OutputTokens: engine.NoOutput, Caller: caller})
		if ok {
			lease.SettleReserved()
		}
		return ok
	}
	for _, k := range []window.Kind{window.KindMinute, window.KindHour, window.KindDay} {
		require.False(t, acquire(), k)
		start, _ := k.Span(at.Unix())
		e.Absorb([]window.Share{{Tally: window.Tally{ID: window.CallerPrefix + "team", Kind: k, Start: start}, CeilingRequests: 2}})
	}
	<-short
	require.Equal(t, []window.Want{{ID: window.CallerPrefix + "team", Missed: 3, MissedTokens: 90, MissedInput: 90, Largest: 30}}, e.Want(nil))
	require.True(t, acquire())
	require.True(t, acquire())
	require.False(t, acquire())
	require.Len(t, e.Want(nil), 1)
	require.Empty(t, e.Want(nil))
}
