package lab

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

// progress shows how many runs are finished and how long the others will take: on one line
// of a terminal, else in a line every half minute.
type progress struct {
	w        io.Writer
	terminal bool
	begun    time.Time
	last     time.Time
}

func newProgress(env cmdline.Environment) *progress {
	p := &progress{w: env.Stderr, begun: time.Now()}
	f, ok := env.Stderr.(*os.File)
	p.terminal = ok && term.IsTerminal(int(f.Fd())) && env.Getenv("TERM") != "dumb"
	p.last = p.begun
	return p
}

// show is called with every finished run.
func (p *progress) show(finished, of int) {
	now := time.Now()
	every := 30 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	left := time.Duration(float64(now.Sub(p.begun)) / float64(finished) * float64(of-finished)).Round(time.Second)
	line := fmt.Sprintf("%d of %d runs, about %v left", finished, of, left)
	if p.terminal {
		line = "\r\x1b[K" + line
	} else {
		line += "\n"
	}
	_, _ = io.WriteString(p.w, line) // a terminal that is gone needs no progress
}

// clear wipes the line.
func (p *progress) clear() {
	if p.terminal {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
	}
}
