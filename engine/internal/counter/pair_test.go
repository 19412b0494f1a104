package counter_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/internal/counter"
)

// admit is one admission: all of it, or nothing.
func admit(c *counter.Pair, w, n int64) counter.Outcome {
	if o := c.TakeTokens(0, w, n); o != counter.Taken {
		return o
	}
	o := c.TakeRequest(0, w)
	if o != counter.Taken {
		c.AddTokens(w, -n)
		c.End(w)
	}
	return o
}

func TestPairAdmitsUpToItsCaps(t *testing.T) {
	for _, c := range []struct {
		name                 string
		tokens, requests     int64
		size, admitted, used int64
	}{
		{"tokens", 100, counter.Max, 7, 14, 98},
		{"tokens exactly", 105, counter.Max, 7, 15, 105},
		{"requests", counter.Max, 12, 7, 12, 84},
		{"no tokens", 0, counter.Max, 1, 0, 0},
		{"gated", counter.Cooling, counter.Max, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var hot counter.Hot
			p := hot.Of(8)
			p.Open(8, 0, 0, c.tokens, c.requests)
			var admitted atomic.Int64
			par(8, func(int) {
				for range 40 {
					if admit(p, 8, c.size) == counter.Taken {
						admitted.Add(1)
					}
				}
			})
			require.Equal(t, c.admitted, admitted.Load())
			require.Equal(t, []int64{c.used, c.admitted, 0}, []int64{p.Tokens(), p.Requests(), p.Half()})
		})
	}
}

// TestPairOfAnotherWindow: a writer that comes for a window that the half is not of changes
// nothing, however far apart the windows are.
func TestPairOfAnotherWindow(t *testing.T) {
	for _, apart := range []int64{2, 1024, 1 << 20} {
		var hot counter.Hot
		p := hot.Of(8)
		p.Open(8, 5, 1, 100, 10)
		require.Equal(t, counter.Taken, admit(p, 8, 7))
		w := 8 + apart
		used, requests, began := p.Open(w, 0, 0, 100, 10)
		require.Equal(t, []int64{12, 2, 1}, []int64{used, requests, began})
		require.Equal(t, counter.Moved, p.TakeTokens(0, 8, 1))
		require.Equal(t, counter.Moved, p.TakeRequest(0, 8))
		require.Equal(t, counter.Moved, p.CountRequest(0, 8))
		require.False(t, p.TryRequest(8, 0) || p.AddTokens(8, 1) || p.AddRequests(8, 1) || p.End(8) || p.Begin(8))
		require.Zero(t, p.Tokens()|p.Requests()|p.Half())
	}
}

// TestPairCountsThroughTurns: what 8 goroutines count in whatever window is open is in
// what the folds return, or was refused to them.
func TestPairCountsThroughTurns(t *testing.T) {
	var hot counter.Hot
	var epoch, folded, counted atomic.Int64
	hot.Of(0).Open(0, 0, 0, counter.Max, counter.Max)
	hot.Of(1).Open(1, 0, 0, counter.Max, counter.Max)
	epoch.Store(1)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			w := epoch.Load() + 1
			used, _, _ := hot.Of(w).Open(w, 0, 0, counter.Max, counter.Max)
			folded.Add(used)
			epoch.Store(w)
		}
	}()
	par(8, func(k int) {
		for i := range 20_000 {
			if n := int64(1 + (i+k)%7); hot.Of(epoch.Load()).AddTokens(epoch.Load(), n) {
				counted.Add(n)
			}
		}
	})
	stop.Store(true)
	<-done
	require.Equal(t, counted.Load(), folded.Load()+hot[0].Tokens()+hot[1].Tokens())
}

func TestPairSaturates(t *testing.T) {
	var hot counter.Hot
	p := hot.Of(0)
	p.Open(0, 0, 0, counter.Max, counter.Max)
	require.True(t, p.AddTokens(0, counter.Max-1) && p.AddTokens(0, 5))
	require.Equal(t, counter.Max, p.Tokens())
	require.True(t, p.AddTokens(0, -3*counter.Max))
	require.Zero(t, p.Tokens())
	require.True(t, p.AddRequests(0, 2*counter.MaxRequests))
	require.Equal(t, counter.MaxRequests, p.Requests())
}

// TestShut: a half is closed only if nothing of its own is counted in it.
func TestShut(t *testing.T) {
	var hot counter.Hot
	p := hot.Of(4)
	p.Open(4, 30, 2, 100, 10)
	require.True(t, p.AddTokens(4, 1))
	require.False(t, p.Shut(4, 30, 2))
	require.True(t, p.AddTokens(4, -1), "still open")
	require.True(t, p.Shut(4, 30, 2))
	require.False(t, p.AddTokens(4, 1))
	p.Reopen(4)
	require.True(t, p.AddTokens(4, 1))
}

// TestPairShifts: shifting leaves no attempt half way, counts as an attempt that has ended,
// and makes a word that comes back to an old value a new one.
func TestPairShifts(t *testing.T) {
	var hot counter.Hot
	p := hot.Of(8)
	p.Open(8, 0, 0, 100, 10)
	require.Equal(t, counter.Taken, admit(p, 8, 7))
	for i := range int64(5) {
		p.Shift(3, 1, 100, 10)
		p.Shift(-3, -1, 100, 10)
		require.Equal(t, []int64{7, 1, 0}, []int64{p.Tokens(), p.Requests(), p.Half()})
		require.Equal(t, 1+2*(i+1), p.Began())
	}
	require.False(t, p.Shift(0, 0, 200, 11), "caps that only rise move no tag")
	require.EqualValues(t, 11, p.Began())
	tokens, requests := p.Caps()
	require.Equal(t, []int64{200, 11}, []int64{tokens, requests})
	require.True(t, p.Shift(0, 0, 200, 10))
	require.EqualValues(t, 12, p.Began())
}

// TestAttemptsHalfWayModulo1024: 1,023 attempts half way are seen, 1,024 are not, and one more is.
// What they have taken is counted all the same, and given back.
func TestAttemptsHalfWayModulo1024(t *testing.T) {
	const n = 1025
	var hot counter.Hot
	p := hot.Of(8)
	p.Open(8, 0, 0, n, counter.Max)
	for k := range int64(n) {
		require.Equal(t, []int64{k % 1024, k % 1024, k}, []int64{p.Half(), p.Room(0).Half, p.Tokens()})
		require.Equal(t, counter.Taken, p.TakeTokens(0, 8, 1))
	}
	half, _ := p.Since(p.Ended())
	require.Equal(t, int64(1), half)
	require.Equal(t, counter.Refused, p.TakeTokens(0, 8, 1))
	for k := range int64(n) {
		require.True(t, p.AddTokens(8, -1))
		require.True(t, p.End(8))
		require.Equal(t, (n-1-k)%1024, p.Half())
	}
	require.Equal(t, []int64{0, 0, 8}, []int64{p.Tokens(), p.Requests(), p.Window()})
}
