package provider_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func TestCallTime(t *testing.T) {
	d := provider.Deployment{PerOutputToken: 20 * time.Millisecond}
	require.Equal(t, 250*time.Millisecond, d.CallTime(trace.Request{}))
	require.Equal(t, 1250*time.Millisecond+2*time.Second, d.CallTime(trace.Request{Input: 8000, Output: 100}))
	require.Positive(t, d.CallTime(trace.Request{Input: trace.MaxTokens, Output: trace.MaxTokens}))
}

func TestPools(t *testing.T) {
	standard, err := provider.Pool("standard")
	require.NoError(t, err)
	bound, err := provider.Pool("rpm-bound")
	require.NoError(t, err)

	require.Len(t, standard, 10)
	require.Equal(t, int64(1_300_000), provider.TPM(standard))
	ids := map[string]bool{}
	for i, d := range standard {
		ids[d.ID] = true
		require.Equal(t, 6*d.TPM, 1000*d.RPM, d.ID)
		require.GreaterOrEqual(t, d.PerOutputToken, 12*time.Millisecond)
		require.LessOrEqual(t, d.PerOutputToken, 30*time.Millisecond)
		if i%2 == 1 {
			d.RPM /= 10
		}
		require.Equal(t, d, bound[i])
	}
	require.Len(t, ids, 10)

	_, err = provider.Pool("large")
	require.EqualError(t, err, `unknown pool "large"; use one of standard, rpm-bound`)
}

func TestPooled(t *testing.T) {
	require.Equal(t, provider.Deployment{ID: "pool", RPM: 30, TPM: 100, PerOutputToken: 20}, provider.Pooled([]provider.Deployment{
		{ID: "a", RPM: 10, TPM: 100, PerOutputToken: 10}, {ID: "b", RPM: 20, TPM: -1, PerOutputToken: 30},
	}))
	require.Equal(t, provider.Deployment{ID: "pool", TPM: -1}, provider.Pooled([]provider.Deployment{{RPM: 10, TPM: -1}, {TPM: -1}}))
	require.Equal(t, int64(-1), provider.Pooled(nil).TPM)
}
