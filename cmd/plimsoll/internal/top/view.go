package top

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// view is the content of the screen.
type view struct {
	screen tcell.Screen
	look   Look
	shown  Shown
	head   string
	first  int // row at the top
	rows   int // that there are
	height int // rows that fit
}

// frame is how many lines are no rows: the head, the heading and the help.
const frame = 4

// draw draws all of the screen; tcell sends the terminal what has changed.
func (v *view) draw() {
	width, lines := v.screen.Size()
	v.look.Width, v.look.Height = width, 0
	heading, rows := body(v.shown, v.look)
	v.rows, v.height = len(rows), max(lines-frame, 1)
	v.first = max(min(v.first, v.rows-v.height), 0)
	v.screen.Clear()
	v.put(0, line{{"plimsoll  ", bold}, {clean(v.head), plain}})
	v.put(2, heading)
	last := min(v.first+v.height, v.rows)
	for i, row := range rows[v.first:last] {
		v.put(3+i, row)
	}
	v.put(lines-1, line{{fmt.Sprintf("%d-%d of %d  sorted by %s   q quit  s sort  ↑ ↓ PgUp PgDn scroll", v.first+1, last, v.rows, v.look.Order), dim}})
	v.screen.Show()
}

// put writes a line. What is longer than the screen is cut.
func (v *view) put(y int, l line) {
	x := 0
	for _, p := range l {
		text := p.text
		if v.look.ASCII {
			text = strings.NewReplacer("↑", "up", "↓", "down", "…", "~").Replace(text)
		}
		for _, r := range text {
			v.screen.SetContent(x, y, r, nil, v.styled(p.style))
			x++
		}
	}
}

func (v *view) styled(s style) tcell.Style {
	out := tcell.StyleDefault
	switch {
	case s == bold:
		return out.Bold(true)
	case s == dim:
		return out.Dim(true)
	case !v.look.Colour:
		return out
	case s == trouble:
		return out.Foreground(tcell.ColorMaroon)
	case s == accent:
		return out.Foreground(tcell.ColorTeal)
	}
	return out
}

// handle takes an event in, and reports whether it is the end.
func (v *view) handle(event tcell.Event) (end bool) {
	switch e := event.(type) {
	case *tcell.EventResize:
		v.screen.Sync()
	case *tcell.EventKey:
		switch e.Key() {
		case tcell.KeyCtrlC, tcell.KeyEscape:
			return true
		case tcell.KeyDown:
			v.first++
		case tcell.KeyUp:
			v.first--
		case tcell.KeyPgDn:
			v.first += v.height
		case tcell.KeyPgUp:
			v.first -= v.height
		case tcell.KeyHome:
			v.first = 0
		case tcell.KeyEnd:
			v.first = v.rows
		case tcell.KeyRune:
			return v.letter(e.Rune())
		default:
		}
	}
	return false
}

// letter is handle for a key that is a letter.
func (v *view) letter(r rune) (end bool) {
	switch r {
	case 'q', 'Q':
		return true
	case 's':
		v.look.Order, v.first = (v.look.Order+1)%orders, 0
	case 'j':
		v.first++
	case 'k':
		v.first--
	case ' ':
		v.first += v.height
	case 'g':
		v.first = 0
	case 'G':
		v.first = v.rows
	}
	return false
}
