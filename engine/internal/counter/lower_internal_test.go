package counter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/window"
)

// TestLoweredCapsRefusePlannedSteps: an admission that loaded a word and its cap before a ceiling
// was lowered is refused: what is read after the ceiling was lowered is all that is used under
// it.
func TestLoweredCapsRefusePlannedSteps(t *testing.T) {
	at := At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	for _, r := range []Rule{{Shape: Minutes}, {Shape: Hours}, {Shape: Days}, {Shape: Days, Zone: window.Pacific}} {
		for _, dim := range []Dim{Input, Output, Tokens, Requests} {
			l := NewLimit(r, dim, 100, at)
			require.Equal(t, Taken, l.Take(0, at, 7))
			w := l.Window(at)
			h := &l.half[w&1]
			planned, o := l.Plan(0, at, 1)
			require.Equal(t, Taken, o)
			loaded := h.word.Load()
			_, current := l.Absorb(at, w, Received{Others: 0, Ceiling: 7, Fresh: true})
			require.True(t, current)
			require.NotEqual(t, loaded, h.word.Load(), "%+v, dimension %d", r, dim)
			require.Equal(t, Refused, l.Do(planned, 0, at, 1), "%+v, dimension %d", r, dim)
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

// TestLoweredGrantsRefusePlannedSteps: an admission under a granted limit that loaded
// what is granted before that was lowered takes back what it counted: what the owner reads
// after it lowered a cap is all that is used under it.
func TestLoweredGrantsRefusePlannedSteps(t *testing.T) {
	at := At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	for _, r := range []Rule{
		{Shape: Spans, Length: window.Minute, Phase: 7, Granted: true},
		{Shape: Spans, Length: window.Minute / 6, Granted: true},
		{Shape: Dates, Granted: true},
		{Shape: Dates, Zone: window.Pacific, Granted: true},
	} {
		for _, dim := range []Dim{Input, Output, Tokens, Requests} {
			l := NewLimit(r, dim, 0, at)
			w := l.Window(at)
			require.Equal(t, Refused, l.Take(0, at, 1), "nothing is granted")
			l.Grant(w, 100, 0)
			require.Equal(t, Taken, l.Take(0, at, 7))
			planned, o := l.Plan(0, at, 5) // an admission of 5 has loaded the cap and the word
			require.Equal(t, Taken, o)
			l.Grant(w, 7, 0)
			require.EqualValues(t, 7, l.UsedIn(w), "the owner reads what it does not return")
			require.Equal(t, Refused, l.Do(planned, 0, at, 5), "the second load of the cap refuses it")
			require.Equal(t, Refused, l.Take(0, at, 1))
			require.EqualValues(t, 7, l.UsedIn(w))
		}
	}
}

// TestGrantsNameTheirWindow: what is granted in a window holds in no other, whichever caller opens it,
// and a window that none names admits nothing or as much as comes.
func TestGrantsNameTheirWindow(t *testing.T) {
	at := At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	later := func(minutes int64) At { return At{Epoch: at.Epoch + minutes, Now: at.Now + minutes*window.Minute} }
	l := NewLimit(Rule{Shape: Spans, Length: window.Minute, Granted: true, In: window.KindPhased}, Tokens, 0, at)
	w := l.Window(at)
	l.Grant(w, 10, 0)
	l.Grant(w+1, 5, 0)
	require.Equal(t, Taken, l.Take(0, at, 10))
	require.Equal(t, Refused, l.Take(0, at, 1))
	require.Equal(t, Refused, l.Take(0, later(1), 6))
	require.Equal(t, Taken, l.Take(0, later(1), 5))
	require.Equal(t, Refused, l.Take(0, later(2), 1), "the cap of its half is of two windows ago")
	require.Equal(t, Refused, l.Take(0, later(2+tagMask+1), 1), "and does not come again")
	l.Turn(later(tagMask), nil)
	require.Equal(t, Refused, l.Take(0, later(tagMask+2), 1), "a turn forgets caps of long ago, whose tag comes again")
	l.GrantUnnamed(Max)
	require.Equal(t, Taken, l.Take(0, later(tagMask+7), 1<<20))
	require.False(t, l.HeldByGrants())
}

// TestOthersOfTheNextWindow: the reservations of other nodes that are received for the next
// window begin its book, and stay when the window begins.
func TestOthersOfTheNextWindow(t *testing.T) {
	at := At{Epoch: 29_000_000, Now: window.Start(29_000_000)}
	l := NewLimit(Rule{Shape: Spans, Length: window.Minute, Granted: true, In: window.KindPhased}, Tokens, 0, at)
	w := l.Window(at)
	l.NoteOthers(w, 3)
	l.NoteOthers(w+1, 9)
	require.EqualValues(t, 3, l.OthersIn(w))
	require.Zero(t, l.Book(w+1).Counted)
	require.EqualValues(t, 9, l.OthersIn(w+1))
	require.Zero(t, l.OthersIn(w+3), "a window of the same half")
}
