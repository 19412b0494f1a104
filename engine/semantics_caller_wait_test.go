package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestWaitForCaller: a waiter whose caller has no headroom waits for the caller's minute, and
// keeps no other waiter back.
func TestWaitForCaller(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 3, engine.Limits{TPM: 1000})
		cfg.Callers = []engine.Caller{{ID: "team", Limits: engine.Limits{RPM: 1}}, {ID: "other", Limits: engine.Limits{RPM: 5}}}
		h := openHall(t, cfg)
		team, other := callerRef(t, h.e, "team"), callerRef(t, h.e, "other")
		first := acquire(t, h.g, by(team, exactly(1)))
		second := h.wait("second", by(team, exactly(1)))
		third := h.wait("third", by(team, exactly(1)))
		require.False(t, second.done())
		require.True(t, h.wait("other", by(other, exactly(1))).done())
		require.True(t, h.wait("nobody", exactly(1)).done())
		first.SettleReserved()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, second.done())
		require.False(t, third.done())
		require.Equal(t, time.Minute-time.Duration(h.begun.UnixNano()%int64(time.Minute)), second.at().Truncate(time.Millisecond))
		second.lease.Release() // its request is free again
		synctest.Wait()
		require.True(t, third.done())
		require.Equal(t, []string{"other", "nobody", "second", "third"}, h.admitted())
	})
}

// TestWaitForCallerInAnotherGroup: headroom that a caller gains in one group reaches those who
// wait for it in others.
func TestWaitForCallerInAnotherGroup(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 1, engine.Limits{})
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "embed", Group: "embed"})
		cfg.Callers = []engine.Caller{{ID: "team", Limits: engine.Limits{MaxInFlight: 1}}}
		h := openHall(t, cfg)
		team := callerRef(t, h.e, "team")
		for _, end := range []func(l *engine.Lease){
			(*engine.Lease).Release, (*engine.Lease).SettleReserved,
			func(l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 1}) },
		} {
			held := acquire(t, group(t, h.e, "embed"), by(team, exactly(1)))
			w, v := h.wait("w", by(team, exactly(1))), h.wait("v", by(team, exactly(1)))
			require.False(t, w.done())
			end(held)
			synctest.Wait()
			require.True(t, w.done())
			require.NoError(t, w.err())
			require.Less(t, time.Since(h.begun), time.Second, "an event, not a timer")
			require.False(t, v.done())
			w.lease.Release()
			synctest.Wait()
			require.True(t, v.done())
			v.lease.Release()
		}
		held := acquire(t, group(t, h.e, "embed"), by(team, exactly(1)))
		w := h.wait("w", by(team, exactly(1)))
		w.cancel()
		synctest.Wait()
		require.True(t, w.done())
		held.Release()
		requireUntouchedFlight(t, h.e)
	})
}

func requireUntouchedFlight(t *testing.T, e *engine.Engine) {
	t.Helper()
	for _, s := range append(e.AppendStates(nil), e.AppendCallerStates(nil)...) {
		require.Zero(t, s.Limit(engine.LimitInFlight).Used, s.ID)
	}
}

// TestWaitForCallerInTwoClasses: of two queues of a group that wait for one caller, one ends. Headroom
// that the caller gains in another group still reaches the other queue.
func TestWaitForCallerInTwoClasses(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 1, engine.Limits{})
		cfg.PriorityShare = []float64{1, 0.5}
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "embed", Group: "embed"})
		cfg.Callers = []engine.Caller{{ID: "team", Limits: engine.Limits{MaxInFlight: 1}}}
		h := openHall(t, cfg)
		team := callerRef(t, h.e, "team")
		batch := by(team, exactly(1))
		batch.Priority = 1
		held := acquire(t, group(t, h.e, "embed"), by(team, exactly(1)))
		leaves, stays := h.wait("leaves", by(team, exactly(1))), h.wait("stays", batch)
		leaves.cancel()
		synctest.Wait()
		require.False(t, stays.done())
		held.Release()
		synctest.Wait()
		require.True(t, stays.done())
		require.NoError(t, stays.err())
		require.Less(t, time.Since(h.begun), time.Second, "an event, not a timer")
	})
}

// TestWaitForCallerAndDeployment: a waiter whose caller and whose deployments have no headroom
// is admitted once both have, and charged once.
func TestWaitForCallerAndDeployment(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 1, engine.Limits{MaxInFlight: 1})
		cfg.Callers = []engine.Caller{{ID: "team", Limits: engine.Limits{TPM: 10}}}
		h := openHall(t, cfg)
		team := callerRef(t, h.e, "team")
		held := acquire(t, h.g, by(team, exactly(10)))
		w := h.wait("w", by(team, exactly(10)))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.False(t, w.done(), "the deployment is busy")
		held.SettleReserved()
		synctest.Wait()
		require.True(t, w.done())
		require.NoError(t, w.err())
		require.EqualValues(t, 10, callerState(t, h.e, "team").Limit(engine.LimitTPM).Used)
	})
}

// TestWaitForCallerInVain: no waiter waits for a caller that will never have headroom.
func TestWaitForCallerInVain(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 2, engine.Limits{})
		cfg.Callers = []engine.Caller{
			{ID: "team", Limits: engine.Limits{TPM: 10}}, {ID: "elsewhere", Groups: []string{"embed"}}, {ID: "busy", Limits: engine.Limits{RPM: 1}},
		}
		h := openHall(t, cfg)
		team := callerRef(t, h.e, "team")
		w := h.wait("too large", by(team, exactly(11)))
		require.True(t, w.done())
		var limited *engine.LimitError
		require.ErrorAs(t, w.err(), &limited)
		require.True(t, limited.Never)
		require.Equal(t, "team", limited.Caller)
		w = h.wait("elsewhere", by(callerRef(t, h.e, "elsewhere"), exactly(1)))
		require.True(t, w.done())
		require.ErrorIs(t, w.err(), engine.ErrNoCandidate)

		acquire(t, h.g, by(team, exactly(10)))
		acquire(t, h.g, by(callerRef(t, h.e, "busy"), exactly(10)))
		w, busy := h.wait("waits", by(team, exactly(5))), h.wait("busy", by(callerRef(t, h.e, "busy"), exactly(5)))
		require.False(t, w.done())
		cfg.Callers[0].Limits.TPM = 4
		cfg.Callers = cfg.Callers[:2]
		require.NoError(t, h.e.Apply(cfg))
		synctest.Wait()
		require.True(t, w.done())
		require.ErrorAs(t, w.err(), &limited)
		require.Equal(t, "team", limited.Caller)
		require.Equal(t, engine.LimitTPM, limited.Limit)
		require.True(t, busy.done(), "its caller is gone")
		require.ErrorAs(t, busy.err(), &limited)
		require.Equal(t, engine.LimitDisabled, limited.Limit)

		w = h.wait("waits", by(team, exactly(4)))
		require.False(t, w.done())
		cfg.Callers[0].Limits.TPM = 100
		require.NoError(t, h.e.Apply(cfg))
		synctest.Wait()
		require.NoError(t, w.err())
		require.True(t, w.done())
	})
}

// TestWaitForBucketOfCaller: the time that a caller's bucket needs is waited, and no
// deployment is held for it.
func TestWaitForBucketOfCaller(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 1, engine.Limits{TPM: 1000})
		cfg.Callers = []engine.Caller{{ID: "team", Limits: engine.Limits{TPM: 60}, Profile: provider.Profile{Shape: provider.Bucket}}}
		h := openHall(t, cfg)
		team := callerRef(t, h.e, "team")
		acquire(t, h.g, by(team, exactly(60)))
		w := h.wait("w", by(team, exactly(30)))
		time.Sleep(29 * time.Second)
		require.True(t, h.wait("nobody", exactly(1)).done())
		require.False(t, w.done())
		time.Sleep(time.Second + 2*time.Millisecond)
		synctest.Wait()
		require.True(t, w.done())
		require.InDelta(t, 30*time.Second, w.at(), float64(2*time.Millisecond))
	})
}
