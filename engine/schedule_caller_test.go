//go:build invariants

package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// everyLimit is a limit of each kind that admits so many requests of one token.
func everyLimit(n int64) map[string]engine.Limits {
	return map[string]engine.Limits{
		"requests":         {RPM: n},
		"tokens":           {TPM: n},
		"in flight":        {MaxInFlight: n},
		"input":            {InputTPM: n},
		"requests per day": {RPD: n},
		"tokens per day":   {TPD: n},
		"requests, last":   {RPM: n, InputTPM: 9, RPD: 9, TPD: 9, MaxInFlight: 9},
		"all":              {RPM: n, TPM: n, InputTPM: n, RPD: n, TPD: n, MaxInFlight: n},
	}
}

// TestCallerUndone: the only place of a deployment goes away, and comes back, anywhere
// between the steps of a caller's attempt. The caller is charged for what it got, and for
// nothing else.
func TestCallerUndone(t *testing.T) {
	for _, limits := range everyLimit(1) {
		played := between(t, func(t *testing.T) (attempt func(), moves []func(), check func()) {
			e, _ := start(t, called(limits, engine.Limits{RPM: 9, TPM: 9, InputTPM: 9, RPD: 9, TPD: 9, MaxInFlight: 9}))
			g, team := group(t, e, "chat"), callerRef(t, e, "team")
			acquire(t, g, exactly(1)) // one of the two places
			var other, got engine.Lease
			ok := false
			attempt = func() { got, ok = g.TryAcquire(by(team, exactly(1))) } //nolint:govet // moved
			take := func() { other, _ = g.TryAcquire(exactly(1)) }            //nolint:govet // moved
			free := func() { other.Release() }
			moves = []func(){take, free, take}
			if raceEnabled { // one goroutine at a time
				moves = moves[:2]
			}
			return attempt, moves, func() {
				s := callerState(t, e, "team")
				want := int64(0)
				if ok {
					want = 1
				}
				require.Equal(t, []int64{want, want, want, want, want, want},
					[]int64{s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitRPD).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitInFlight).Used})
				got.Release()
				other.Release()
				requireNothingOf(t, e, "team")
				l := acquire(t, g, by(team, exactly(1)))
				l.Release()
			}
		})
		require.Greater(t, played, 10)
	}
}

// TestCallersInterleaved: two attempts of a caller with one place left, by every
// interleaving of three switches: exactly one gets it, and undone attempts leave nothing.
func TestCallersInterleaved(t *testing.T) {
	for name, limits := range everyLimit(1) {
		switches := 3
		if testing.Short() || raceEnabled { // one goroutine at a time
			switches = 2
		}
		played := interleave(t, switches, func(t *testing.T) (first, second, check func()) {
			e, _ := start(t, called(engine.Limits{}, limits))
			g, team := group(t, e, "chat"), callerRef(t, e, "team")
			var a, b engine.Lease
			var okA, okB bool
			first = func() { a, okA = g.TryAcquire(by(team, exactly(1))) }  //nolint:govet // moved
			second = func() { b, okB = g.TryAcquire(by(team, exactly(1))) } //nolint:govet // moved
			return first, second, func() {
				require.True(t, okA != okB, "%s: %t %t", name, okA, okB)
				require.EqualValues(t, 1, callerState(t, e, "team").Limit(engine.LimitInFlight).Used)
				a.Release()
				b.Release()
				requireNothingOf(t, e, "team")
				acquire(t, g, by(team, exactly(1)))
			}
		})
		require.Greater(t, played, 50)
	}
}

// TestCallerRefusalSeesNoAttemptHalfWay: an attempt that a deployment refuses holds the
// caller's only place for a moment. No other attempt of the caller is refused for that.
func TestCallerRefusalSeesNoAttemptHalfWay(t *testing.T) {
	for name, limits := range everyLimit(1) {
		undone := 0
		interleave(t, 2, func(t *testing.T) (first, second, check func()) {
			cfg := called(engine.Limits{}, limits)
			cfg.Deployments = []engine.Deployment{{ID: "a", Group: "full", Limits: engine.Limits{MaxInFlight: 1}}, {ID: "b", Group: "free"}}
			e, _ := start(t, cfg)
			full, free, team := group(t, e, "full"), group(t, e, "free"), callerRef(t, e, "team")
			var a, b engine.Lease
			var okA, okB bool
			first = func() { a, okA = full.TryAcquire(by(team, exactly(1))) } //nolint:govet // moved
			second = func() {
				_, _ = full.TryAcquire(exactly(1))             // its place is gone
				b, okB = free.TryAcquire(by(team, exactly(1))) //nolint:govet // moved
			}
			return first, second, func() {
				if e.Stats().Contended == 0 { // the schedule kept the first from going on
					require.True(t, okA != okB, "%s: %t %t", name, okA, okB)
				}
				if !okA {
					undone++
				}
				a.Release()
				b.Release()
				requireNothingOf(t, e, "team")
			}
		})
		require.Positive(t, undone, name)
	}
}

func requireNothingOf(t testing.TB, e *engine.Engine, caller string) {
	t.Helper()
	s := callerState(t, e, caller)
	require.Equal(t, make([]int64, 7), []int64{s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitRPD).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitInFlight).Used, int64(s.Limit(engine.LimitTPM).Held)})
}
