package counter_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

func TestPart(t *testing.T) {
	for _, c := range []struct {
		share       float64
		limit, want int64
	}{
		{1, 100, 100},
		{0.8, 100, 80},
		{0.29, 100, 29}, // 28.999999999999996 as a product of floats
		{0.7, 10, 7},
		{0.5, 1, 0},
		{0.999999999, 1_000_000_000, 999_999_999},
		{0.999999999, 1, 0},
		{1e-9, 1 << 42, 4398},
		{1.0 / 3, 3_000_000_000, 999_999_999},
		{0.1, 0, 0},
		{0, 100, 0},
		{0.1, counter.Max, counter.Max},
		{0.1, counter.Cooling, counter.Cooling},
		{0.1, counter.Disabled, counter.Disabled},
		{1, counter.Max - 1, counter.Max - 1},
	} {
		require.Equal(t, c.want, counter.PartOf(c.share).Of(c.limit), "%v of %d", c.share, c.limit)
	}
	require.Zero(t, counter.PartOf(1))
}

// TestPartExact compares with exact fractions.
func TestPartExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		billionths, limit := 1+r.Int64N(1e9), 1+r.Int64N(int64(1)<<r.IntN(43))
		want := big.NewInt(billionths)
		want.Mul(want, big.NewInt(limit)).Div(want, big.NewInt(1e9))
		require.Equal(t, want.Int64(), counter.PartOf(float64(billionths)/1e9).Of(limit), "%d billionths of %d", billionths, limit)
	}
}
