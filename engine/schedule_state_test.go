//go:build invariants

package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestStateShowsNoPlaceOfAnUndoneAttempt: an attempt whose deployment refuses gives its
// caller's place back before it ends. A caller that takes the place before that sees one in use.
func TestStateShowsNoPlaceOfAnUndoneAttempt(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine at a time")
	}
	undone := 0
	played := interleave(t, 3, func(t *testing.T) (first, second, check func()) {
		e, _ := start(t, engine.Config{
			Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 1}}, {ID: "b", Group: "other"}},
			Callers:     []engine.Caller{{ID: "c", Limits: engine.Limits{MaxInFlight: 1}}},
		})
		caller, err := e.CallerRef("c")
		require.NoError(t, err)
		chat, other := group(t, e, "chat"), group(t, e, "other")
		var admitted, taken, moved bool
		var used int64
		first = func() { _, admitted = chat.TryAcquire(engine.Demand{OutputTokens: engine.NoOutput, Caller: caller}) }
		second = func() {
			_, taken = chat.TryAcquire(engine.Demand{OutputTokens: engine.NoOutput})
			_, moved = other.TryAcquire(engine.Demand{OutputTokens: engine.NoOutput, Caller: caller})
			used = e.AppendCallerStates(nil)[0].Limit(engine.LimitInFlight).Used
		}
		return first, second, func() {
			if taken && moved && !admitted {
				undone++
			}
			require.LessOrEqual(t, used, int64(1))
		}
	})
	require.NotZero(t, undone)
	t.Logf("%d schedules", played)
}
