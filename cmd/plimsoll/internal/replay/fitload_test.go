package replay_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func TestFitLoad(t *testing.T) {
	pool := []provider.Deployment{{TPM: 600}, {TPM: 400}}
	for _, tt := range []struct {
		load float64
		want time.Duration
	}{
		{1, 3 * time.Minute},
		{0.5, 6 * time.Minute},
		{1.5, 2 * time.Minute},
		{0.001, 3000 * time.Minute},
		{1000, 180 * time.Millisecond},
	} {
		tr := trace.Trace{{Input: 1000}, {Arrival: time.Second, Input: 400, Output: 600}, {Arrival: 4 * time.Second, Output: 1000}}
		require.NoError(t, replay.FitLoad(tr, pool, tt.load))
		require.Equal(t, tt.want, tr.Duration(), "load %v", tt.load)
		require.Equal(t, tt.want/4, tr[1].Arrival, "load %v", tt.load)
	}
}

func TestFitLoadErrors(t *testing.T) {
	pool := []provider.Deployment{{TPM: 1000}}
	for _, load := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-9, 1e9} {
		err := replay.FitLoad(trace.Trace{{Input: 1}}, pool, load)
		require.ErrorContains(t, err, "want a number from 0.001 to 1000", "load %v", load)
	}
	require.ErrorContains(t, replay.FitLoad(trace.Trace{{}}, pool, 1), "the trace has no tokens")
	require.ErrorContains(t, replay.FitLoad(trace.Trace{{Input: 1}}, []provider.Deployment{{TPM: -1}, {RPM: 5}}, 1), "no deployment has a TPM limit")
	huge := trace.Trace{{Input: trace.MaxTokens}, {Arrival: time.Second, Output: trace.MaxTokens}}
	require.EqualError(t, replay.FitLoad(huge, pool, 0.95), "at load 0.95 the trace would last 1462 days; want at most 366")
}
