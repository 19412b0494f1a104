package replay_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// watched is the engine's policy with the engine's own figures read after every
// admission.
type watched struct {
	replay.Policy
	states       []engine.State
	peakRequests map[string]int64 // by deployment
	peakTokens   map[string]int64
}

func (w *watched) Admit(r trace.Request, tried []int) (replay.Attempt, bool) {
	a, ok := w.Policy.Admit(r, tried)
	if ok {
		w.states = replay.EngineOf(w.Policy).AppendStates(w.states[:0])
		s := w.states[a.Deployment()]
		w.peakRequests[s.ID] = max(w.peakRequests[s.ID], s.Limit(engine.LimitRPM).Used)
		w.peakTokens[s.ID] = max(w.peakTokens[s.ID], s.Limit(engine.LimitTPM).Used)
	}
	return a, ok
}

// The replay's own account of what was admitted is the engine's, also where
// calls last for minutes and end long after the minute of their admission.
func TestLedgerAgreesWithTheEngine(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			requests := tr.load(t)
			pool, err := provider.Pool("standard")
			require.NoError(t, err)
			require.NoError(t, replay.FitLoad(requests, pool, 1.5))
			w := &watched{peakRequests: map[string]int64{}, peakTokens: map[string]int64{}}
			report, err := replay.Run(t.Context(), replay.Options{
				Trace: requests,
				Pool:  pool,
				Policy: func(pool []provider.Deployment, now func() time.Time, seed uint64) (_ replay.Policy, err error) {
					w.Policy, err = replay.Engine(engine.LeastUtilized)(pool, now, seed)
					return w, err
				},
			})
			require.NoError(t, err)
			for i, d := range report.Deployments {
				require.Equal(t, w.states[i].ID, d.ID)
				require.Equal(t, w.peakRequests[d.ID], d.PeakRPM, d.ID)
				require.Equal(t, w.peakTokens[d.ID], d.PeakReservedTPM, d.ID)
			}
		})
	}
}

func TestRefusedCoolsDownUntilTheMinuteIsOver(t *testing.T) {
	for _, tt := range []struct {
		name       string
		judged     time.Duration // after the minute began
		retryAfter time.Duration
		want       time.Duration // when the cooldown ends, after the minute began
	}{
		{"at its begin", 0, 60 * time.Second, time.Minute},
		{"in between", 12345 * time.Millisecond, 48 * time.Second, time.Minute},
		{"in its last second", 59500 * time.Millisecond, time.Second, time.Minute},
		{"answered in the next minute", 59980 * time.Millisecond, time.Second, time.Minute + 1030*time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := replay.Start.Add(tt.judged)
			pool := []provider.Deployment{{ID: "a", RPM: 10, TPM: 1000}}
			policy, err := replay.Engine(engine.LeastUtilized)(pool, func() time.Time { return now }, 1)
			require.NoError(t, err)
			a, ok := policy.Admit(trace.Request{Input: 10}, nil)
			require.True(t, ok)
			now = now.Add(provider.RefusalTime)
			a.Refused(tt.retryAfter)

			state := replay.EngineOf(policy).AppendStates(nil)[0]
			require.Equal(t, replay.Start.Add(tt.want).Sub(now), state.CoolingFor)
			require.Zero(t, state.Limit(engine.LimitTPM).Used)
			require.Zero(t, state.Limit(engine.LimitRPM).Used, "the provider does not count what it refuses")
			_, ok = policy.Admit(trace.Request{Input: 10}, nil)
			require.False(t, ok)
			now = replay.Start.Add(tt.want)
			_, ok = policy.Admit(trace.Request{Input: 10}, nil)
			require.True(t, ok)
		})
	}
}

func TestEngineTriesNoDeploymentTwice(t *testing.T) {
	pool, err := provider.Pool("standard")
	require.NoError(t, err)
	policy, err := replay.Engine(engine.LeastUtilized)(pool, func() time.Time { return replay.Start }, 1)
	require.NoError(t, err)
	var tried []int
	for range pool {
		a, ok := policy.Admit(trace.Request{Input: 10}, tried)
		require.True(t, ok)
		require.NotContains(t, tried, a.Deployment())
		tried = append(tried, a.Deployment())
	}
	_, ok := policy.Admit(trace.Request{Input: 10}, tried)
	require.False(t, ok)
}

func TestEngineNeedsAValidPool(t *testing.T) {
	_, err := replay.Run(t.Context(), replay.Options{
		Trace:  trace.Trace{{Input: 1}},
		Pool:   []provider.Deployment{{ID: "a", TPM: 1}, {ID: "a", TPM: 1}},
		Policy: replay.Engine(engine.LeastUtilized),
	})
	require.ErrorContains(t, err, `"a"`)
}
