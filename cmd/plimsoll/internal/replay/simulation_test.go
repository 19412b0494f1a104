package replay_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// stubborn sends every attempt to the first deployment not tried yet, reserves
// the prompt, and writes down how attempts end.
type stubborn struct {
	now   func() time.Time
	pool  int
	notes *[]note
}

type note struct {
	at         time.Duration // since replay.Start
	deployment int
	retryAfter time.Duration // of a refusal; 0 = served
}

func newStubborn(notes *[]note) replay.NewPolicy {
	return func(pool []provider.Deployment, now func() time.Time, _ uint64) (replay.Policy, error) {
		return &stubborn{now, len(pool), notes}, nil
	}
}

func (s *stubborn) Admit(r trace.Request, tried []int) (replay.Attempt, bool) {
	if len(tried) == s.pool {
		return nil, false
	}
	return &stubbornAttempt{s, len(tried), r.Input}, true
}

type stubbornAttempt struct {
	*stubborn
	place    int
	reserved int64
}

func (a *stubbornAttempt) Deployment() int { return a.place }

func (a *stubbornAttempt) Reserved() int64 { return a.reserved }

func (a *stubbornAttempt) Served(trace.Request) { a.Refused(0) }

func (a *stubbornAttempt) Refused(retryAfter time.Duration) {
	*a.notes = append(*a.notes, note{a.now().Sub(replay.Start), a.place, retryAfter})
}

func TestSimulationStepByStep(t *testing.T) {
	pool := []provider.Deployment{
		{ID: "a", RPM: 10, TPM: 1000, PerOutputToken: 10 * time.Millisecond},
		{ID: "b", RPM: 1, TPM: 1000, PerOutputToken: 20 * time.Millisecond},
	}
	var notes []note
	report, err := replay.Run(t.Context(), replay.Options{
		Trace: trace.Trace{
			{Arrival: 0, Input: 800, Output: 100},                // a: 0.35 s + 1 s
			{Arrival: time.Second, Input: 400, Output: 10},       // too much for a; b: 0.3 s + 0.2 s
			{Arrival: 2 * time.Second, Input: 400},               // a has 900, b has no request left
			{Arrival: 3 * time.Second, Input: 100, Output: 6000}, // a: exactly full; ends a minute later
			{Arrival: 60 * time.Second, Input: 1000},             // a: a new minute
		},
		Pool:   pool,
		Policy: newStubborn(&notes),
	})
	require.NoError(t, err)
	require.Equal(t, []note{
		{1050 * time.Millisecond, 0, 59 * time.Second},
		{1350 * time.Millisecond, 0, 0},
		{1550 * time.Millisecond, 1, 0},
		{2050 * time.Millisecond, 0, 58 * time.Second},
		{2100 * time.Millisecond, 1, 58 * time.Second},
		{60375 * time.Millisecond, 0, 0},
		{63262500 * time.Microsecond, 0, 0},
	}, notes)

	report.WallMS, report.DecisionsPerS = 0, 0
	require.InDelta(t, 8.41*8.41/(2*(8*8+0.41*0.41)), report.Fairness, 1e-12)
	report.Fairness = 0
	require.Equal(t, &replay.Report{
		Offered: 5, Served: 4, RefusedProvider: 1, Provider429: 3,
		TokensServed: 900 + 410 + 6100 + 1000, TokensOffered: 900 + 410 + 400 + 6100 + 1000,
		QuotaTokens: 4000, Minutes: 2,
		OverrunTokens: 6000, // a's second minute: 1000 in, 6000 out
		Deployments: []replay.DeploymentReport{
			{
				ID: "a", RPMLimit: 10, TPMLimit: 1000, Served: 3, Tokens: 900 + 6100 + 1000,
				PeakRPM: 4, PeakReservedTPM: 1300, PeakEndedTPM: 7000,
			},
			{
				ID: "b", RPMLimit: 1, TPMLimit: 1000, Served: 1, Tokens: 410,
				PeakRPM: 2, PeakReservedTPM: 810, PeakEndedTPM: 810,
			},
		},
	}, report)
}

func TestSimulationRefusesLocally(t *testing.T) {
	var notes []note
	report, err := replay.Run(t.Context(), replay.Options{
		Trace:  trace.Trace{{Input: 2000}, {Input: 1}},
		Pool:   []provider.Deployment{{ID: "a", RPM: 1, TPM: 1000}},
		Policy: newStubborn(&notes),
	})
	require.NoError(t, err)
	// The first call is refused by the provider, and no other deployment is left
	// for its retry: that is the provider's refusal.
	require.Equal(t, int64(1), report.RefusedProvider)
	require.Equal(t, int64(1), report.Provider429)
	require.Equal(t, int64(1), report.Served)
	require.Zero(t, report.RefusedLocal)
}

func TestRunWithoutRequests(t *testing.T) {
	_, err := replay.Run(t.Context(), replay.Options{Policy: newStubborn(nil)})
	require.EqualError(t, err, "the trace has no requests")
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var notes []note
	report, err := replay.Run(ctx, replay.Options{
		Trace:    make(trace.Trace, 10_000),
		Pool:     []provider.Deployment{{ID: "a", RPM: 1, TPM: 1000}},
		Policy:   newStubborn(&notes),
		Progress: func(done int) { cancel() },
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, report)
	require.Less(t, len(notes), 10_000)
}

func TestProgressReachesTheEnd(t *testing.T) {
	var notes []note
	var seen []int
	_, err := replay.Run(t.Context(), replay.Options{
		Trace:    make(trace.Trace, 1000),
		Pool:     []provider.Deployment{{ID: "a", RPM: 1, TPM: 1000}},
		Policy:   newStubborn(&notes),
		Progress: func(done int) { seen = append(seen, done) },
	})
	require.NoError(t, err)
	require.Equal(t, []int{0, 256, 512, 768, 1000}, seen)
}
