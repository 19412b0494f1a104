package window_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

func cell(tokens, requests int64) *window.Cell {
	c := &window.Cell{}
	c.SetCaps(tokens, requests)
	return c
}

func admit(c *window.Cell, n int64) window.Outcome {
	if o := c.TakeTokens(n); o != window.Taken {
		return o
	}
	if o := c.TakeRequest(); o != window.Refused {
		return o
	}
	c.AddTokens(-n)
	c.EndAttempt()
	return window.Refused
}

func TestCellAdmitsUpToItsCaps(t *testing.T) {
	for _, c := range []struct {
		name             string
		tokens, requests int64
		size             int64
		want             int64
	}{
		{"tokens", 100, window.Max, 7, 14},
		{"tokens exactly", 105, window.Max, 7, 15},
		{"requests", window.Max, 12, 7, 12},
		{"both", 50, 12, 7, 7},
		{"no tokens", 0, 12, 0, 12},
		{"a cap of zero", 0, 12, 1, 0},
		{"cooling", window.CapCooling, 12, 0, 0},
		{"disabled", window.CapDisabled, 12, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := cell(c.tokens, c.requests)
			n := int64(0)
			for x.Fits(c.size) {
				require.Equal(t, window.Taken, admit(x, c.size))
				n++
			}
			require.Equal(t, c.want, n)
			require.Equal(t, window.Refused, admit(x, c.size))
			require.Equal(t, n, x.Requests())
			require.Equal(t, n*c.size, x.Tokens())
		})
	}
}

func TestCellCountsWithinRange(t *testing.T) {
	x := cell(0, 0)
	require.True(t, x.AddTokens(5))
	require.True(t, x.AddTokens(-7))
	require.Zero(t, x.Tokens(), "never below zero")
	for range 5000 {
		require.True(t, x.AddTokens(1<<42))
	}
	require.Equal(t, window.Max, x.Tokens(), "saturates")
	require.True(t, x.AddTokens(-1))
	require.Equal(t, window.Max-1, x.Tokens())
	require.Zero(t, x.Requests())
	for _, n := range []int64{1, 1 << 43, 1 << 52, 1<<63 - 1} {
		require.True(t, x.AddTokens(n))
		require.Equal(t, window.Max, x.Tokens(), "stays there")
	}
	require.True(t, x.CountTokens(1<<43))
	require.Equal(t, window.Max, x.Tokens())
	require.True(t, x.AddTokens(-1<<63))
	require.Zero(t, x.Tokens())
}

func TestRequestsBesideTokensThatMustFit(t *testing.T) {
	for _, c := range []struct {
		name             string
		tokens, requests int64
		beside           int64
		want             bool
	}{
		{"no limit", window.Max, window.Max, 5, true},
		{"tokens exactly", 5, window.Max, 5, true},
		{"one token too many", 5, window.Max, 6, false},
		{"no tokens", 0, 1, 0, true},
		{"the last request", window.Max, 1, 5, true},
		{"no request left", window.Max, 0, 5, false},
		{"cooling", window.CapCooling, 1, 0, false},
		{"disabled", window.CapDisabled, 1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := cell(c.tokens, c.requests)
			require.Equal(t, c.want, x.TryRequest(c.beside))
			require.Equal(t, c.want, x.Requests() == 1)
			require.Zero(t, x.Tokens())
			x.Seal()
			require.False(t, x.TryRequest(c.beside))
		})
	}
}

func TestRoomSeesAttemptsHalfWay(t *testing.T) {
	x := cell(100, 3)
	require.Equal(t, window.Room{Tokens: 100, Ample: true}, x.Room())
	require.Equal(t, window.Taken, x.TakeTokens(60))
	require.Equal(t, window.Room{Tokens: 40, Half: 1, Ample: true}, x.Room())
	require.Equal(t, window.Taken, x.TakeRequest())
	require.Equal(t, window.Room{Tokens: 40, Ample: true}, x.Room())
	require.Equal(t, window.Taken, x.TakeTokens(1))
	require.Equal(t, window.Taken, x.TakeTokens(1))
	require.Equal(t, window.Room{Tokens: 38, Half: 2, Ample: true}, x.Room())
	require.Equal(t, window.Taken, x.CountRequest())
	require.Equal(t, window.Room{Tokens: 38, Half: 2}, x.Room(), "one of the two will not get a request")
	require.Equal(t, window.Taken, x.TakeRequest())
	require.Equal(t, window.Refused, x.TakeRequest())
	require.Equal(t, window.Room{Tokens: 38, Half: 1, Full: true}, x.Room())
	require.True(t, x.AddTokens(-1))
	require.True(t, x.EndAttempt())
	require.Equal(t, window.Room{Tokens: 39, Full: true, Ample: true}, x.Room())
	for range 3000 { // the tags wrap without touching anything
		x.AddRequests(-1)
		require.Equal(t, window.Taken, admit(x, 0))
		require.Zero(t, x.Room().Half)
	}
	require.Equal(t, []int64{61, 3}, []int64{x.Tokens(), x.Requests()})
}

func TestSealedCellTakesNothing(t *testing.T) {
	x := cell(window.Max, window.Max)
	require.Equal(t, window.Taken, admit(x, 30))
	require.Equal(t, window.Taken, x.TakeTokens(12)) // half way

	y := cell(window.Max, window.Max)
	y.CopyFrom(x)
	require.Equal(t, window.Sealed, x.TakeTokens(1))
	require.Equal(t, window.Sealed, x.TakeRequest())
	require.Equal(t, window.Sealed, x.CountRequest())
	require.False(t, x.AddTokens(1))
	require.False(t, x.AddTokens(-1))
	require.False(t, x.AddRequests(1))
	require.False(t, x.EndAttempt())

	require.Equal(t, int64(1), y.Room().Half, "the attempt goes on in the copy")
	require.Equal(t, window.Taken, y.TakeRequest())
	require.Zero(t, y.Room().Half)
	tokens, requests := y.Seal()
	require.Equal(t, []int64{42, 2}, []int64{tokens, requests})
}

// TestShiftNeverOverAdmits: while others' usage and the ceiling move, own usage
// stays below the highest ceiling and the sum below the limit of its moment.
func TestShiftNeverOverAdmits(t *testing.T) {
	const limit, ceiling = 10_000, 400
	x := cell(ceiling, window.Max)
	var own atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if admit(x, 1) == window.Taken {
					own.Add(1)
				}
			}
		})
	}
	others := int64(0)
	for range 500 {
		next := rand.Int64N(limit)
		x.Shift(next-others, 0, min(limit, ceiling+next), window.Max)
		others = next
	}
	wg.Wait()
	require.LessOrEqual(t, own.Load(), int64(ceiling))
	require.Equal(t, own.Load(), x.Tokens()-others)
	x.Shift(-others, 0, ceiling, window.Max)
	for admit(x, 1) == window.Taken {
		own.Add(1)
	}
	require.Equal(t, int64(ceiling), own.Load(), "at rest the ceiling is reached")
}

// TestCellIsReplacedWithoutLoss: writers that move from cell to cell as they are
// sealed lose no count.
func TestCellIsReplacedWithoutLoss(t *testing.T) {
	var cur atomic.Pointer[window.Cell]
	cur.Store(cell(window.Max, window.Max))
	var want atomic.Int64
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(k)))
			held := int64(0)
			for range 5000 {
				n := 1 + r.Int64N(50)
				if held > 100 {
					n = -held
				}
				for !cur.Load().AddTokens(n) {
				}
				held += n
				want.Add(n)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for swaps := 0; ; swaps++ {
		next := cell(window.Max, window.Max)
		next.CopyFrom(cur.Load())
		cur.Store(next)
		select {
		case <-done:
			require.Equal(t, want.Load(), cur.Load().Tokens())
			require.Positive(t, swaps)
			return
		default:
		}
	}
}
