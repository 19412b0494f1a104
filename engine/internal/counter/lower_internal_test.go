package counter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// TestLoweredCapsTurnAwayEarlierLooks: a caller that loaded a word before a ceiling was
// lowered, and the cap before that as well, cannot count any more: what is read after the
// ceiling was lowered is all that is used under it.
func TestLoweredCapsTurnAwayEarlierLooks(t *testing.T) {
	at := At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	for _, r := range []Rule{{Shape: Minutes}, {Shape: Hours}, {Shape: Days}, {Shape: Days, Zone: window.Pacific}} {
		for _, dim := range []Dim{Input, Output, Tokens, Requests} {
			l := NewLimit(r, dim, 100, at)
			require.Equal(t, Taken, l.Take(0, at, 7))
			w := l.Window(at)
			h := &l.half[w&1]
			looked := h.word.Load()
			_, current := l.Absorb(at, w, Told{Others: 0, Ceiling: 7, Fresh: true})
			require.True(t, current)
			require.False(t, h.word.CompareAndSwap(looked, looked+1), "%+v, dimension %d", r, dim)
			require.EqualValues(t, 7, l.Own(w))
			require.Equal(t, Refused, l.Take(0, at, 1))
		}
	}
	var pair Hot
	pair.Limit(100, 100)
	p := pair.Of(at.Epoch)
	p.Open(at.Epoch, 0, 0, 100, 100)
	require.Equal(t, Taken, p.TakeTokens(0, at.Epoch, 7))
	tokens, requests := p.tokens.Load(), p.requests.Load()
	p.Shift(0, 0, 7, 0)
	require.False(t, p.tokens.CompareAndSwap(tokens, tokens+1))
	require.False(t, p.requests.CompareAndSwap(requests, requests+1))
}
