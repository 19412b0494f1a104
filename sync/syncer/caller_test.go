package syncer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes share what a caller uses as they share what deployments use: its limits of a
// minute and of a day hold over all of them. A caller may have a deployment's ID.
func TestCallersShared(t *testing.T) {
	now := noon()
	store := memstore.New(memstore.Config{Now: func() time.Time { return now }})
	clock := window.NewClockFrom(func() time.Time { return now })
	cfg := engine.Config{
		Clock: clock, Deployments: []engine.Deployment{{ID: "same", Group: "chat", Limits: engine.Limits{RPM: 100}}},
		Callers: []engine.Caller{{ID: "same", Limits: engine.Limits{RPM: 10, TPD: 1000, MaxInFlight: 50}}, {ID: "other", Limits: engine.Limits{RPM: 10}}},
	}
	var groups []*engine.Group
	var engines []*engine.Engine
	var syncers []*syncer.Syncer
	for range 2 {
		e, err := engine.New(cfg)
		require.NoError(t, err)
		s, err := syncer.New(e, store, syncer.Config{Clock: clock})
		require.NoError(t, err)
		g, err := e.Group("chat")
		require.NoError(t, err)
		groups, engines, syncers = append(groups, g), append(engines, e), append(syncers, s)
		require.NoError(t, s.Sync(context.Background()))
	}
	exchange := func() {
		for range 30 { // what a node has not used lately itself is read once a second
			now = now.Add(100 * time.Millisecond)
			for _, s := range syncers {
				require.NoError(t, s.Sync(context.Background()))
			}
		}
	}
	acquireBy := func(node int, caller string, tokens int64) error {
		ref, err := engines[node].CallerRef(caller)
		require.NoError(t, err)
		_, err = groups[node].Acquire(engine.Demand{InputTokens: tokens, OutputTokens: engine.NoOutput, Caller: ref})
		return err
	}
	acquire := func(node int, tokens int64) error { return acquireBy(node, "same", tokens) }
	require.NoError(t, acquireBy(1, "other", 10)) // from then on the node reads what callers use elsewhere
	admitted := 0
	for range 7 {
		require.NoError(t, acquire(0, 10))
	}
	exchange()
	for range 7 {
		if acquire(1, 10) == nil {
			admitted++
		}
	}
	require.Equal(t, 3, admitted)
	exchange()
	err := acquire(0, 10)
	limited, ok := errors.AsType[*engine.LimitError](err)
	require.True(t, ok)
	require.Equal(t, "same", limited.Caller)
	require.Equal(t, engine.LimitRPM, limited.Limit)
	require.EqualValues(t, 3, limited.States[0].Limit(engine.LimitRPM).Remote)
	for _, s := range engines[0].AppendStates(nil) {
		require.EqualValues(t, 11, s.Limit(engine.LimitRPM).Used, "the deployment of the same ID counts once")
	}

	now = now.Add(time.Minute)
	exchange()
	require.NoError(t, acquire(0, 850))
	exchange()
	err = acquire(1, 100)
	limited, ok = errors.AsType[*engine.LimitError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, engine.LimitTPD, limited.Limit, "100 and 850 are used today")
	require.NoError(t, acquire(1, 50))
}
