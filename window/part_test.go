package window_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
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
		{0.1, window.Max, window.Max},
		{0.1, window.CapCooling, window.CapCooling},
		{0.1, window.CapDisabled, window.CapDisabled},
		{1, window.Max - 1, window.Max - 1},
	} {
		require.Equal(t, c.want, window.PartOf(c.share).Of(c.limit), "%v of %d", c.share, c.limit)
	}
	require.Zero(t, window.PartOf(1))
}

// TestPartExact compares with exact fractions.
func TestPartExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		billionths, limit := 1+r.Int64N(1e9), 1+r.Int64N(int64(1)<<r.IntN(52))
		want := big.NewInt(billionths)
		want.Mul(want, big.NewInt(limit)).Div(want, big.NewInt(1e9))
		require.Equal(t, want.Int64(), window.PartOf(float64(billionths)/1e9).Of(limit), "%d billionths of %d", billionths, limit)
	}
}

// TestCellIn: within a part, a cell takes as if its caps were lower.
func TestCellIn(t *testing.T) {
	half := window.PartOf(0.5)
	var c window.Cell
	c.SetCaps(101, 7)
	require.True(t, c.FitsIn(half, 50))
	require.False(t, c.FitsIn(half, 51))
	require.True(t, c.FitsIn(0, 101))
	require.Equal(t, window.Refused, c.TakeTokensIn(half, 51))
	require.Equal(t, window.Taken, c.TakeTokensIn(half, 40))
	require.Equal(t, window.Room{Tokens: 10, Half: 1}, c.RoomIn(half))
	require.Equal(t, window.Taken, c.TakeRequestIn(half))
	require.Equal(t, window.Taken, c.CountRequestIn(half))
	require.Equal(t, window.Taken, c.CountRequestIn(half))
	require.Equal(t, window.Refused, c.CountRequestIn(half))
	require.Equal(t, window.Refused, c.TakeRequestIn(half))
	require.Equal(t, window.Refused, c.TakeTokensIn(half, 0))
	require.True(t, c.RoomIn(half).Full)
	require.Equal(t, c.Room(), c.RoomIn(0))
	require.Equal(t, window.Taken, c.CountRequestIn(0))
	c.Seal()
	require.Equal(t, window.Sealed, c.TakeTokensIn(half, 0))
	require.Equal(t, window.Sealed, c.TakeRequestIn(half))

	m := window.NewMeter(5, 11)
	require.EqualValues(t, 5, m.RoomIn(half))
	require.Equal(t, window.Refused, m.TakeIn(half, 5, 6))
	require.Equal(t, window.Taken, m.TakeIn(half, 5, 5))
	require.Equal(t, window.Refused, m.TakeIn(half, 5, 1))
	require.Equal(t, window.Taken, m.TakeIn(0, 5, 6))
	require.Equal(t, window.Sealed, m.TakeIn(half, 6, 1))
	require.EqualValues(t, -6, m.RoomIn(half))
}
