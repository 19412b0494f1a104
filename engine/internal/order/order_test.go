package order_test

import (
	"math/big"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
	"github.com/plimsoll-dev/plimsoll/engine/internal/order"
)

// TestRatio: the ratio by an inverse is that of a division, or little more.
func TestRatio(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		limit := 1 + r.Int64N(1<<r.IntN(42))
		used := r.Int64N(min(4*limit, counter.Max))
		exact := new(big.Int).Lsh(big.NewInt(used), 24)
		exact.Div(exact, big.NewInt(limit))
		got := order.Ratio(uint64(used), order.Invert(limit))
		require.LessOrEqual(t, exact.Uint64(), got, "%d of %d", used, limit)
		require.LessOrEqual(t, got, exact.Uint64()+1+uint64(used>>39), "%d of %d", used, limit)
	}
	require.Zero(t, order.Invert(0))
	require.Zero(t, order.Invert(counter.Max))
}

// TestDiffer: keys differ in all bits of the answer, or in none.
func TestDiffer(t *testing.T) {
	keys := []uint64{0, 1, 2, order.KeyTokenMax, 1 << 62, 1 << 63, order.FullKey, order.NoKey - 1, order.NoKey}
	for _, a := range keys {
		for _, b := range keys {
			require.Equal(t, a != b, order.Differ(a, b) == order.NoKey, "%x %x", a, b)
			require.Equal(t, a == b, order.Differ(a, b) == 0, "%x %x", a, b)
		}
	}
}

// TestScans: each scan finds the two lowest keys of the pairs with headroom, as a plain loop does.
func TestScans(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		n, demand := r.IntN(40), r.Int64N(60)
		pairs, inverses := make([]*counter.Pair, n), make([]order.Inverse, n)
		var byTokens, byRatio []uint64
		for i := range pairs {
			tokens, requests := r.Int64N(100), r.Int64N(10)
			tokenCap, requestCap := r.Int64N(160)-2, r.Int64N(14)
			pairs[i] = new(counter.Hot).Of(0)
			pairs[i].Open(0, tokens, requests, tokenCap, requestCap)
			inverses[i] = order.Inverse{Tokens: order.Invert(100), Requests: order.Invert(10)}
			if tokens+demand <= tokenCap && requests < requestCap {
				byTokens = append(byTokens, uint64(tokens)<<order.IndexBits|uint64(i))
				byRatio = append(byRatio, order.UtilKey(uint64(tokens), uint64(requests), inverses[i])<<order.IndexBits|uint64(i))
			}
		}
		k1, k2 := order.LowestTokens(demand, pairs)
		require.Equal(t, lowest(byTokens), [2]uint64{k1, k2})
		k1, k2 = order.LowestUtil(demand, pairs, inverses)
		require.Equal(t, lowest(byRatio), [2]uint64{k1, k2})
		bounds, all := make([]atomic.Uint64, n), make([]uint64, n)
		for i := range bounds {
			all[i] = r.Uint64N(30)<<order.IndexBits | uint64(i)
			bounds[i].Store(all[i])
		}
		k1, k2 = order.LowestBounds(bounds)
		require.Equal(t, lowest(all), [2]uint64{k1, k2})
	}
}

// lowest returns the two lowest of keys that are all different, NoKey where there is none.
func lowest(keys []uint64) [2]uint64 {
	two := [2]uint64{order.NoKey, order.NoKey}
	for _, k := range keys {
		if k < two[0] {
			two[0], two[1] = k, two[0]
		} else if k < two[1] {
			two[1] = k
		}
	}
	return two
}

// TestBlock: a bound rises for the sequence it was found at and for no other, and headroom is
// remembered as long as the sequence stays.
func TestBlock(t *testing.T) {
	blocks := make([]order.Block, 2)
	b, next := &blocks[0], &blocks[1]
	var bound, other atomic.Uint64
	b.Init(&bound, 5, false)
	next.Init(&other, 6, false)
	refusing := func(tokens int64) [3]uint64 {
		n, moves, why := order.Refusing(blocks, tokens)
		return [3]uint64{uint64(n), moves, uint64(why)}
	}
	require.False(t, b.Watched())
	seq := b.Watch()
	require.True(t, b.Watched())
	b.Raise(0, 70, seq)
	require.EqualValues(t, 70, b.Least())
	require.EqualValues(t, 70<<order.IndexBits|5, bound.Load())
	b.Lower(90)
	require.EqualValues(t, 70, b.Least())
	b.Remember(20, 3, seq)
	require.Equal(t, [3]uint64{1, seq, 3}, refusing(21))
	require.Equal(t, [3]uint64{}, refusing(20), "it fits")
	next.Move()
	next.Remember(-1, 2, next.Watch())
	require.Equal(t, [3]uint64{2, seq + next.Seq(), 3}, refusing(21))
	require.NotEqual(t, seq, next.Seq())
	b.Move()
	b.Lower(60)
	b.Raise(60, 80, seq)
	require.EqualValues(t, 60, b.Least())
	require.Equal(t, [3]uint64{}, refusing(21), "capacity may have been freed")
	b.Renew()
	require.Zero(t, b.Least())
}
