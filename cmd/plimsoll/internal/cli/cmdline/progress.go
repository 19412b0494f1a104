package cmdline

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows how far a command has come, on one line of a terminal. Where stderr is
// none, as in a pipe, nothing is ever written. It is for one goroutine.
type Progress struct {
	bar   *progressbar.ProgressBar // nil = nothing is written
	begun time.Time
}

// redrawAfter is how long a command runs before a bar is drawn, so that short ones leave
// the terminal alone, and the time between two drawings.
const redrawAfter = 100 * time.Millisecond

// NewProgress returns the progress of a command with a number of things to do, of which
// the bar names the unit: "requests". More options of the bar may change it.
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

// Show says that done of the total are done.
func (p *Progress) Show(done int) {
	if p.bar != nil && time.Since(p.begun) >= redrawAfter {
		_ = p.bar.Set(done) // a terminal that is gone needs no progress
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
