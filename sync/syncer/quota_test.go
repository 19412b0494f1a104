package syncer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQuota: of requests that come by chance, a node with a quota admits what it is to
// admit on average.
func TestQuota(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	poisson := func(mean float64) (n float64) {
		for at := rng.ExpFloat64(); at < mean; at += rng.ExpFloat64() {
			n++
		}
		return n
	}
	for _, offered := range []float64{0.05, 0.4, 1, 3, 10, 49, 51, 400} {
		for _, part := range []float64{0.1, 0.5, 0.8} {
			rounds := int(20000 / max(1, offered/5)) // larger means vary less
			sum, q := 0.0, quota(part*offered, offered)
			for range rounds {
				sum += min(tokens(q, 1, 1e9, rng.Float64()), poisson(offered))
			}
			require.InDelta(t, part*offered, sum/float64(rounds), 0.02+0.06*offered*part, "%v of %v", part, offered)
		}
	}
	require.True(t, math.IsInf(quota(2, 1), 1), "more than comes")
	require.Zero(t, tokens(0, 1, 10, 0.5))
	require.InDelta(t, 7, tokens(3, 4, 7, 0.5), 0, "no more than is left")
}
