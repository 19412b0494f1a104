// Package top shows a daemon's deployments in a terminal: a line for each, with
// bars of its usage against its limits.
package top

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/drive"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Look is the format of lines.
type Look struct {
	Width  int  // characters of a line, what is longer is cut; 0 = no end
	Height int  // lines, of which those too many are left out; 0 = no end
	Colour bool // by escape sequences
	ASCII  bool // for terminals that show nothing else
	Order  Order
}

// style is the number of an escape sequence; 0 = as it is.
type style int

const (
	plain   style = 0
	bold    style = 1
	dim     style = 2
	trouble style = 31 // red
	accent  style = 36 // cyan
)

// part is text of one style.
type part struct {
	text  string
	style style
}

type line []part

// Shown is the reported state of a daemon.
type Shown struct {
	States []engine.State
	Tokens []drive.Token // shown below, if there are any
}

// Table writes the deployments, group by group, and then the tokens, below a head.
func Table(head string, shown Shown, look Look) string {
	lines := []line{{{"plimsoll  ", bold}, {clean(head), plain}}}
	if look.Height == 0 || look.Height > 3 {
		lines = append(lines, nil)
	}
	heading, rows := body(shown, look)
	lines = append(append(lines, heading), rows...)
	if over := len(lines) - look.Height; look.Height > 0 && over > 0 {
		lines = append(lines[:look.Height-1], line{{fmt.Sprintf("… %d more lines", over+1), dim}})
	}
	var b strings.Builder
	for _, l := range lines {
		l.write(&b, look)
		b.WriteByte('\n')
	}
	return b.String()
}

// columns are the widths of the columns without a fixed one.
type columns struct{ name, requests, tokens, flight, bar int }

// body returns the heading of the columns, and the rows.
func body(shown Shown, look Look) (heading line, rows []line) {
	states, tokens := sorted(shown.States, look.Order), tokenStates(shown.Tokens)
	c := widths(slices.Concat(states, tokens), look)
	pad := func(n int) string { return strings.Repeat(" ", n) }
	heading = line{{fmt.Sprintf("  %-*s  %*s  %s  %*s  %s  %*s", c.name, "deployment",
		c.requests, "requests", pad(c.bar), c.tokens, "tokens", pad(c.bar), c.flight, "in flight"), dim}}
	for i := range states {
		s := &states[i]
		if look.Order == ByGroup && (i == 0 || s.Group != states[i-1].Group) {
			rows = append(rows, line{{clean(s.Group), bold}})
		}
		rows = append(rows, c.row(s, look))
	}
	if len(states) == 0 {
		rows = append(rows, line{{"  none", plain}})
	}
	if len(tokens) > 0 {
		rows = append(rows, line{{tokensHeading, bold}})
	}
	for i := range tokens {
		t := &shown.Tokens[i]
		row := c.row(&tokens[i], look)
		rows = append(rows, append(row[:len(row)-1], part{fmt.Sprintf("  %s admitted, %s refused, %s failed", grouped(t.Admitted), grouped(t.Refused), grouped(t.Failed)), dim}))
	}
	return heading, rows
}

// tokensHeading is above the tokens, as a group's name above its deployments.
const tokensHeading = "tokens, with their requests since the start"

// tokenStates are the tokens as rows of deployments.
func tokenStates(tokens []drive.Token) []engine.State {
	list := make([]engine.State, len(tokens))
	for i, t := range tokens {
		list[i] = engine.State{ID: t.Name, Enabled: true, Limits: t.Limits}
		for _, l := range t.Limits {
			list[i].Utilization = max(list[i].Utilization, l.Utilization())
		}
	}
	return list
}

// widths fits the columns to what they show and to the screen.
func widths(states []engine.State, look Look) columns {
	c := columns{name: len("deployment"), requests: len("requests"), tokens: len("tokens"), flight: len("in flight")}
	for i := range states {
		s := &states[i]
		c.name = max(c.name, utf8.RuneCountInString(name(s, look)))
		c.requests = max(c.requests, len(usage(s.Limit(engine.LimitRPM))))
		c.tokens = max(c.tokens, len(usage(s.Limit(engine.LimitTPM))))
		c.flight = max(c.flight, len(usage(s.Limit(engine.LimitInFlight))))
	}
	c.bar = 20
	if look.Width > 0 { // the bars give way first, then long names
		const gaps, state = 12, 14
		room := func() int { return look.Width - c.name - c.requests - c.tokens - c.flight - gaps - state }
		if room() < 2*8 {
			c.name = max(min(c.name, 12), c.name+room()-2*8)
		}
		c.bar = min(max(room()/2, 4), 30)
	}
	return c
}

// name returns a row's name of its deployment, with the group if no heading has it.
func name(s *engine.State, look Look) string {
	if look.Order == ByGroup || s.Group == "" { // of a token
		return clean(s.ID)
	}
	return clean(s.Group + "/" + s.ID)
}

func (c columns) row(s *engine.State, look Look) line {
	requests, tokens := s.Limit(engine.LimitRPM), s.Limit(engine.LimitTPM)
	figure := func(width int, l engine.LimitState) part {
		p := part{fmt.Sprintf("%*s", width, usage(l)), plain}
		if l.Max != 0 && l.Used > max(l.Max, 0) {
			p.style = trouble
		}
		return p
	}
	gap := part{"  ", plain}
	return line{
		gap,
		{fit(name(s, look), c.name), plain},
		gap,
		figure(c.requests, requests), gap,
		{bar(c.bar, requests.Used, 0, requests.Max, look.ASCII), accent},
		gap,
		figure(c.tokens, tokens), gap,
		{bar(c.bar, tokens.Used, max(int64(tokens.Held), 0), tokens.Max, look.ASCII), accent},
		gap,
		figure(c.flight, s.Limit(engine.LimitInFlight)), gap,
		{state(s), trouble},
		{others(s), dim},
	}
}

// others are the limits that have no column, as far as they are used up.
func others(s *engine.State) string {
	var list []string
	for _, l := range s.Limits {
		if l.Max > 0 && !hasColumn(l.Limit) {
			list = append(list, fmt.Sprintf("%s %d %%", shortName(l.Limit), int64(100*l.Utilization())))
		}
	}
	if len(list) == 0 {
		return ""
	}
	text := strings.Join(list, ", ")
	if state(s) != "" {
		text = "  " + text
	}
	return text
}

// state returns why a deployment cannot be picked; "" = it can.
func state(s *engine.State) string {
	switch {
	case !s.Enabled:
		return "off"
	case s.CoolingFor > 0:
		return "cooling " + s.CoolingFor.Round(time.Second).String()
	case s.HalfOpen:
		return "half open"
	case s.Utilization >= 1:
		return "full"
	}
	return ""
}

// hasColumn reports whether a limit has a column of its own.
func hasColumn(l engine.Limit) bool {
	return l == engine.LimitRPM || l == engine.LimitTPM || l == engine.LimitInFlight
}

// shortName names a limit without a column: "input" for its tokens per minute, "day's
// tokens".
func shortName(l engine.Limit) string {
	counts, per := l.Counts().String(), strings.TrimPrefix(l.Per().String(), "per ")
	if l.Per() == provider.PerMinute {
		return strings.TrimSuffix(counts, " tokens")
	}
	return per + "'s " + counts
}

// bar fills width characters in proportion to used/limit; held, the last part
// of it, is lighter. Without a limit there is no bar.
func bar(width int, used, held, limit int64, ascii bool) string {
	if limit == 0 {
		return strings.Repeat(" ", width)
	}
	glyphs := [3]string{"█", "▒", "·"}
	if ascii {
		glyphs = [3]string{"#", "=", "."}
	}
	cells := func(n int64) int {
		if limit < 0 {
			return width
		}
		return int(float64(width)*min(max(float64(n)/float64(limit), 0), 1) + 0.5)
	}
	full := cells(used)
	own := min(cells(used-held), full)
	return strings.Repeat(glyphs[0], own) + strings.Repeat(glyphs[1], full-own) + strings.Repeat(glyphs[2], width-full)
}

func usage(l engine.LimitState) string {
	if l.Max == 0 {
		return grouped(l.Used)
	}
	return grouped(l.Used) + "/" + grouped(max(l.Max, 0))
}

// grouped writes 12345 as 12,345.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// clean removes control characters, which could be commands of the terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}

// fit makes a text width characters long.
func fit(text string, width int) string {
	runes := []rune(text)
	if len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text + strings.Repeat(" ", width-len(runes))
}

// write writes a line, no longer than it may be and without blanks at its end.
func (l line) write(b *strings.Builder, look Look) {
	left := look.Width
	for len(l) > 0 && strings.TrimSpace(l[len(l)-1].text) == "" {
		l = l[:len(l)-1]
	}
	for i, p := range l {
		text := p.text
		if i == len(l)-1 {
			text = strings.TrimRight(text, " ")
		}
		if look.Width > 0 {
			runes := []rune(text)
			text = string(runes[:min(len(runes), left)])
			left -= min(len(runes), left)
		}
		if look.Colour && p.style != plain && text != "" {
			text = fmt.Sprintf("\x1b[%dm%s\x1b[0m", p.style, text)
		}
		b.WriteString(text)
	}
}
