package top_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/top"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func states() []engine.State {
	return []engine.State{
		{
			ID: "east", Group: "chat", Enabled: true, Requests: 3, RequestLimit: 600, Tokens: 50_000, TokenLimit: 100_000,
			HeldTokens: 25_000, InFlight: 2, Utilization: 0.5,
		},
		{ID: "west", Group: "chat", Enabled: true, Tokens: 120_000, TokenLimit: 100_000, Utilization: 1.2},
		{ID: "off\x1b[2J", Group: "embed", Requests: 1, RequestLimit: -1},
		{ID: "resting", Group: "embed", Enabled: true, CoolingFor: 7 * time.Second},
		{ID: "back", Group: "embed", Enabled: true, HalfOpen: true},
		{ID: "spent", Group: "embed", Enabled: true, DayRequests: 50, DayRequestLimit: 50, Utilization: 1},
		{ID: "split", Group: "embed", Enabled: true, InputTokens: 299, InputTokenLimit: 300, OutputTokens: 1, OutputTokenLimit: 50, Utilization: 0.99},
	}
}

func TestTable(t *testing.T) {
	want := `plimsoll  here

  deployment  requests                                 tokens                        in flight
chat
  east           3/600  ....................   50,000/100,000  #####=====..........          2
  west               0                        120,000/100,000  ####################          0  full
embed
  off?[2J          1/0  ####################                0                                0  off
  resting            0                                      0                                0  cooling 7s
  back               0                                      0                                0  half open
  spent              0                                      0                                0  full  day's requests 100 %
  split              0                                      0                                0  input 99 %, output 2 %
`
	got := top.Table("here", states(), top.Look{ASCII: true})
	require.Equal(t, strings.ReplaceAll(want, "?", "\uFFFD"), got)
}

func TestTableFitsTheScreen(t *testing.T) {
	for _, width := range []int{1, 40, 80, 200} {
		for _, height := range []int{1, 3, 6, 50} {
			got := strings.TrimSuffix(top.Table("a head", states(), top.Look{Width: width, Height: height}), "\n")
			lines := strings.Split(got, "\n")
			require.LessOrEqual(t, len(lines), height, got)
			for _, l := range lines {
				require.LessOrEqual(t, len([]rune(l)), width, l)
			}
			if height == 6 && width >= 40 {
				require.Contains(t, got, "more lines")
			}
		}
	}
	require.Contains(t, top.Table("", nil, top.Look{}), "none")
}

func TestColour(t *testing.T) {
	got := top.Table("here", states(), top.Look{Colour: true})
	require.Contains(t, got, "\x1b[31m120,000/100,000\x1b[0m", "beyond its limit")
	require.Contains(t, got, "\x1b[31mfull\x1b[0m")
	require.NotContains(t, top.Table("here", states(), top.Look{}), "\x1b")
}

// fake answers a number of times, and fails from then on.
type fake struct{ left int }

func (f *fake) States(context.Context) ([]engine.State, error) {
	if f.left--; f.left < 0 {
		return nil, errors.New("it went away")
	}
	return states(), nil
}

func (f *fake) Store(context.Context) (string, error) { return "alone", nil }

func TestWatchDrawsUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		ctx, stop := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer stop()
		w := top.Watch{Source: &fake{left: 2}, Name: "here", Interval: time.Second, Out: &out, Look: func() top.Look { return top.Look{} }}
		require.NoError(t, w.Run(ctx))
		got := out.String()
		require.Equal(t, 4, strings.Count(got, "east"), "at once, and each second")
		require.Equal(t, 2, strings.Count(got, "not live: it went away"))
		require.True(t, strings.HasPrefix(got, "\x1b[?1049h") && strings.HasSuffix(got, "\x1b[?1049l"), "the terminal is left as it was")
	})
}

func TestWatchFailsAtFirst(t *testing.T) {
	var out strings.Builder
	w := top.Watch{Source: &fake{}, Interval: time.Second, Out: &out, Look: func() top.Look { return top.Look{} }}
	require.ErrorContains(t, w.Run(t.Context()), "it went away")
	require.ErrorContains(t, w.Once(t.Context()), "it went away")
	require.Empty(t, out.String())
}
