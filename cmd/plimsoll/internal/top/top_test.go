package top_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/drive"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/top"
	"github.com/plimsoll-dev/plimsoll/engine"
)

func limits(list ...engine.LimitState) []engine.LimitState { return list }

func states() []engine.State {
	return []engine.State{
		{
			ID: "east", Group: "chat", Enabled: true, Utilization: 0.5, Limits: limits(
				engine.LimitState{Limit: engine.LimitRPM, Used: 3, Max: 600}, engine.LimitState{Limit: engine.LimitTPM, Used: 50_000, Max: 100_000, Held: 25_000},
				engine.LimitState{Limit: engine.LimitInFlight, Used: 2},
			),
		},
		{ID: "west", Group: "chat", Enabled: true, Utilization: 1.2, Limits: limits(engine.LimitState{Limit: engine.LimitTPM, Used: 120_000, Max: 100_000})},
		{ID: "off\x1b[2J", Group: "embed", Limits: limits(engine.LimitState{Limit: engine.LimitRPM, Used: 1, Max: -1})},
		{ID: "resting", Group: "embed", Enabled: true, CoolingFor: 7 * time.Second},
		{ID: "back", Group: "embed", Enabled: true, HalfOpen: true},
		{ID: "spent", Group: "embed", Enabled: true, Utilization: 1, Limits: limits(engine.LimitState{Limit: engine.LimitRPD, Used: 50, Max: 50})},
		{ID: "split", Group: "embed", Enabled: true, Utilization: 0.99, Limits: limits(
			engine.LimitState{Limit: engine.LimitInputTPM, Used: 299, Max: 300}, engine.LimitState{Limit: engine.LimitOutputTPM, Used: 1, Max: 50},
		)},
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
	got := top.Table("here", top.Shown{States: states()}, top.Look{ASCII: true})
	require.Equal(t, strings.ReplaceAll(want, "?", "\uFFFD"), got)
}

func TestTokens(t *testing.T) {
	tokens, err := (&fake{}).Tokens(t.Context())
	require.NoError(t, err)
	got := top.Table("here", top.Shown{States: states()[:1], Tokens: tokens}, top.Look{ASCII: true, Order: top.ByName})
	require.Equal(t, `plimsoll  here

  deployment  requests                                tokens                        in flight
  chat/east      3/600  ....................  50,000/100,000  #####=====..........          2
tokens, with their requests since the start
  gateway        60/60  ####################               0                              1/4  full  1,234 admitted, 5 refused, 6 failed
  free               0                                     0                                0    0 admitted, 0 refused, 0 failed
`, got)
}

func TestTableFitsTheScreen(t *testing.T) {
	for _, width := range []int{1, 40, 80, 200} {
		for _, height := range []int{1, 3, 6, 50} {
			got := strings.TrimSuffix(top.Table("a head", top.Shown{States: states()}, top.Look{Width: width, Height: height}), "\n")
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
	require.Contains(t, top.Table("", top.Shown{}, top.Look{}), "none")
}

func TestColour(t *testing.T) {
	got := top.Table("here", top.Shown{States: states()}, top.Look{Colour: true})
	require.Contains(t, got, "\x1b[31m120,000/100,000\x1b[0m", "beyond its limit")
	require.Contains(t, got, "\x1b[31mfull\x1b[0m")
	require.NotContains(t, top.Table("here", top.Shown{States: states()}, top.Look{}), "\x1b")
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

func (f *fake) Tokens(context.Context) ([]drive.Token, error) {
	return []drive.Token{
		{Name: "gateway", Admitted: 1234, Refused: 5, Failed: 6, Limits: limits(engine.LimitState{Limit: engine.LimitRPM, Used: 60, Max: 60}, engine.LimitState{Limit: engine.LimitInFlight, Used: 1, Max: 4})},
		{Name: "free"},
	}, nil
}

// many answers with 40 deployments, of which the last is the fullest.
type many struct{ fake }

func (m *many) Tokens(context.Context) ([]drive.Token, error) { return nil, nil }

func (m *many) States(context.Context) ([]engine.State, error) {
	var list []engine.State
	for i := range 40 {
		list = append(list, engine.State{ID: fmt.Sprintf("d-%02d", i), Group: "chat", Enabled: i != 7, Utilization: float64(i) / 100, Limits: limits(engine.LimitState{Limit: engine.LimitTPM, Used: int64(i), Max: 100})})
	}
	return list, nil
}

// terminal is a screen of the tests, and the Run on it.
type terminal struct {
	tcell.SimulationScreen
	ended chan error

	mu   sync.Mutex
	text string
}

// Show implements [tcell.Screen]: it keeps what is shown.
func (s *terminal) Show() {
	s.SimulationScreen.Show()
	cells, width, height := s.GetContents()
	var out []string
	for y := range height {
		var b strings.Builder
		for _, c := range cells[y*width : (y+1)*width] {
			b.WriteString(string(c.Runes))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = strings.Join(out, "\n")
}

func (s *terminal) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

func open(t *testing.T, source top.Source, width, height int) *terminal {
	t.Helper()
	term := &terminal{SimulationScreen: tcell.NewSimulationScreen("UTF-8"), ended: make(chan error, 1)}
	w := top.Watch{
		Source: source, Name: "here", Interval: time.Millisecond, Look: func() top.Look { return top.Look{Colour: true} },
		Screen: func() (tcell.Screen, error) { return term, nil },
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { term.ended <- w.Run(ctx) }()
	term.until(t, "here")
	term.SetSize(width, height)
	return term
}

// until waits until a pattern is on the screen, and returns what is there.
func (s *terminal) until(t *testing.T, pattern string) string {
	t.Helper()
	var text string
	require.Eventually(t, func() bool {
		text = s.shown()
		return regexp.MustCompile(pattern).MatchString(text)
	}, 20*time.Second, time.Millisecond, pattern)
	return text
}

func (s *terminal) key(k tcell.Key, r rune) { s.InjectKey(k, r, tcell.ModNone) }

// The table scrolls, is sorted, and ends on q.
func TestWatchKeys(t *testing.T) {
	s := open(t, &many{fake{1 << 30}}, 100, 14)
	text := s.until(t, `1-10 of 41  sorted by group`)
	require.Contains(t, text, "\nchat\n  d-00 ")
	require.NotContains(t, text, "d-09")
	s.key(tcell.KeyDown, 0)
	s.until(t, `2-11 of 41`)
	s.key(tcell.KeyPgDn, 0)
	s.until(t, `12-21 of 41`)
	s.key(tcell.KeyEnd, 0)
	require.Contains(t, s.until(t, `32-41 of 41`), "d-39")
	s.key(tcell.KeyPgDn, 0)
	s.key(tcell.KeyUp, 0)
	s.until(t, `31-40 of 41`)
	s.key(tcell.KeyRune, 's')
	require.Regexp(t, `deployment.*\n  chat/d-39 .*\n  chat/d-38 `, s.until(t, `1-10 of 40  sorted by fullest`))
	s.key(tcell.KeyRune, 's')
	require.Regexp(t, `deployment.*\n  chat/d-07 .* off\n  chat/d-39 `, s.until(t, `sorted by trouble`))
	s.SetSize(60, 30)
	s.until(t, `1-26 of 40`)
	s.key(tcell.KeyRune, 'q')
	require.NoError(t, <-s.ended)
}

// A source that fails leaves what is known on the screen, and says so. The end of the
// context ends the view.
func TestWatchOutlivesItsSource(t *testing.T) {
	s := open(t, &fake{left: 2}, 100, 20)
	require.Contains(t, s.until(t, "not live: it went away"), "east")
	s.key(tcell.KeyCtrlC, 0)
	require.NoError(t, <-s.ended)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := top.Watch{
		Source: &fake{left: 1}, Interval: time.Hour, Look: func() top.Look { return top.Look{} },
		Screen: func() (tcell.Screen, error) { return tcell.NewSimulationScreen(""), nil },
	}
	require.NoError(t, w.Run(ctx))
	w.Source = &fake{left: 1}
	w.Screen = func() (tcell.Screen, error) { return nil, errors.New("no terminal") }
	require.ErrorContains(t, w.Run(t.Context()), "--once writes the table once")
}

func TestWatchFailsAtFirst(t *testing.T) {
	var out strings.Builder
	w := top.Watch{Source: &fake{}, Interval: time.Second, Out: &out, Look: func() top.Look { return top.Look{} }}
	require.ErrorContains(t, w.Run(t.Context()), "it went away")
	require.ErrorContains(t, w.Once(t.Context()), "it went away")
	require.Empty(t, out.String())
}
