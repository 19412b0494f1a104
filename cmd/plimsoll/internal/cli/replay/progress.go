package replay

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

const (
	barWidth      = 30                     // characters
	redrawAfter   = 100 * time.Millisecond // at most ten times a second
	returnAndWipe = "\r\x1b[K"             // to the line's begin, and erase it
)

// progress is a bar on one line of a terminal, for one goroutine. It draws nothing before
// redrawAfter, so that short runs leave the terminal alone.
type progress struct {
	w     io.Writer // nil = no terminal, nothing is ever drawn
	total int
	label func(done, total int) string
	now   func() time.Time
	last  time.Time // when it was last drawn
	drawn bool
}

// newProgress returns a bar on stderr, if that is a terminal that can erase a line.
func newProgress(env cmdline.Environment, total int) *progress {
	p := &progress{total: total, label: requestsDone, now: time.Now}
	if f, ok := env.Stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && env.Getenv("TERM") != "dumb" {
		p.w = f
	}
	p.last = p.now()
	return p
}

// show draws the bar with done of the total, unless it was drawn a moment ago.
func (p *progress) show(done int) {
	now := p.now()
	if p.w == nil || p.total <= 0 || now.Sub(p.last) < redrawAfter {
		return
	}
	p.last, p.drawn = now, true
	full := barWidth * done / p.total
	p.write(fmt.Sprintf("%s[%s%s] %3d %%  %s", returnAndWipe,
		strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*done/p.total, p.label(done, p.total)))
}

func requestsDone(done, total int) string { return fmt.Sprintf("%d of %d requests", done, total) }

// clear removes the bar.
func (p *progress) clear() {
	if p.drawn {
		p.write(returnAndWipe)
		p.drawn = false
	}
}

// write ignores errors: a bar that cannot be drawn is no reason to stop.
func (p *progress) write(s string) { _, _ = io.WriteString(p.w, s) }
