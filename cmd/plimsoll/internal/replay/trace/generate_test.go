package trace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

func TestGenerateIsOrderedAndRepeatable(t *testing.T) {
	a := trace.Generate(7, 10*time.Minute, trace.Chat(), trace.Code())
	b := trace.Generate(7, 10*time.Minute, trace.Chat(), trace.Code())
	require.Equal(t, a, b)
	require.NotEqual(t, a, trace.Generate(8, 10*time.Minute, trace.Chat(), trace.Code()))

	require.Zero(t, a[0].Arrival)
	require.Less(t, a.Duration(), 10*time.Minute)
	require.True(t, slices.IsSortedFunc(a, func(a, b trace.Request) int { return int(a.Arrival - b.Arrival) }))
}

func TestGenerateNothing(t *testing.T) {
	require.Empty(t, trace.Generate(1, 0, trace.Chat()))
	require.Empty(t, trace.Generate(1, time.Hour))
}

// The targets are figures of production traffic: mean requests per minute, and
// mean and quantiles of tokens. The mean rate of bursty traffic settles slowly:
// over a day it still varies by 7 % from seed to seed, as chat's does in hours.
func TestWorkloadsMeetTheirTargets(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		workload              trace.Workload
		length                time.Duration
		rpm                   float64
		inputMean, outputMean float64
		inputP50, outputP50   float64
		inputP99, outputP99   float64
	}{
		{"chat", trace.Chat(), 6 * time.Hour, 332, 1155, 211, 1020, 129, 4140, 600},
		{"code", trace.Code(), 24 * time.Hour, 154, 2048, 28, 1470, 13, 7430, 252},
		{"long", trace.Long(), 6 * time.Hour, 204, 12035, 343, 6900, 350, 85400, 1120},
		{"reason", trace.Reason(), 6 * time.Hour, 320, 701, 827, 290, 525, 12900, 5570},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := trace.Generate(1, tt.length, tt.workload)
			require.InEpsilon(t, tt.rpm, float64(len(got))/tt.length.Minutes(), 0.15)

			input := sizes(got, func(r trace.Request) int64 { return r.Input })
			output := sizes(got, func(r trace.Request) int64 { return r.Output })
			require.InEpsilon(t, tt.inputMean, mean(input), 0.15)
			require.InEpsilon(t, tt.outputMean, mean(output), 0.15)
			require.InEpsilon(t, tt.inputP50, quantile(input, 0.50), 0.03)
			require.InEpsilon(t, tt.outputP50, quantile(output, 0.50), 0.03)
			require.InEpsilon(t, tt.inputP99, quantile(input, 0.99), 0.05)
			require.InEpsilon(t, tt.outputP99, quantile(output, 0.99), 0.10)
		})
	}
}

// Code comes in bursts: its busiest minutes are several times the mean, which
// chat's are not.
func TestCodeIsBurstyAndChatIsNot(t *testing.T) {
	busiest := func(w trace.Workload) float64 {
		perMinute := map[time.Duration]float64{}
		most := 0.0
		for _, r := range trace.Generate(1, 2*time.Hour, w) {
			perMinute[r.Arrival.Truncate(time.Minute)]++
			most = max(most, perMinute[r.Arrival.Truncate(time.Minute)])
		}
		return most / w.RPM
	}
	require.Greater(t, busiest(trace.Code()), 3.0)
	require.Less(t, busiest(trace.Chat()), 2.5)
}

func TestNameMaxOutput(t *testing.T) {
	tr := make(trace.Trace, 10_000)
	for i := range tr {
		tr[i].Output = 256
	}
	tr.NameMaxOutput(1)
	generous := 0
	for _, r := range tr {
		require.Contains(t, []int64{256, 1024}, r.MaxOutput)
		if r.MaxOutput == 1024 {
			generous++
		}
	}
	require.InDelta(t, 3000, generous, 150)

	edges := trace.Trace{{Output: 0}, {Output: 257}, {Output: 16385}, {Output: 32768}, {Output: 32769}, {Output: 1 << 20}}
	edges.NameMaxOutput(1)
	for _, r := range edges {
		require.GreaterOrEqual(t, r.MaxOutput, r.Output)
		require.Positive(t, r.MaxOutput)
	}
	require.Equal(t, int64(1<<20), edges[5].MaxOutput)
}

func sizes(t trace.Trace, of func(trace.Request) int64) []float64 {
	s := make([]float64, len(t))
	for i, r := range t {
		s[i] = float64(of(r))
	}
	slices.Sort(s)
	return s
}

func mean(sorted []float64) float64 {
	sum := 0.0
	for _, x := range sorted {
		sum += x
	}
	return sum / float64(len(sorted))
}

func quantile(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)))] }
