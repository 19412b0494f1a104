package cmdline

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows the progress of a command on one line of a terminal. If stderr is no
// terminal, it writes nothing. It is not safe for concurrent use.
type Progress struct {
	bar   *progressbar.ProgressBar // nil = nothing is written
	begun time.Time
}

// redrawAfter is the time between two drawings of the bar, and before the first, so that
// short commands draw none.
const redrawAfter = 100 * time.Millisecond

// NewProgress returns the progress of a command with total things to do. Unit names them,
// such as "requests"; more are further options of the bar.
func NewProgress(env Environment, total int, unit string, more ...progressbar.Option) *Progress {
	f, ok := env.Stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || env.Getenv("TERM") == "dumb" {
		return &Progress{}
	}
	return &Progress{begun: time.Now(), bar: progressbar.NewOptions(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(f), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(redrawAfter),
		progressbar.OptionShowCount(), progressbar.OptionSetDescription(unit), progressbar.OptionSetPredictTime(true),
		progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(false),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}),
	}, more...)...)}
}

// Show draws done of the total.
func (p *Progress) Show(done int) {
	if p.bar != nil && time.Since(p.begun) >= redrawAfter {
		_ = p.bar.Set(done) // an error means that the terminal has gone
	}
}

// ShowOf is Show with another total.
func (p *Progress) ShowOf(done, total int) {
	if p.bar != nil && p.bar.GetMax() != total {
		p.bar.ChangeMax(total)
	}
	p.Show(done)
}

// Clear removes the bar from the terminal. Show may draw it again.
func (p *Progress) Clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
