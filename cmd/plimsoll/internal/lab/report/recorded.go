package report

import (
	"fmt"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// Recorded are goals that are missed by the table of goals of a Markdown text. The zero value
// has none.
type Recorded map[string]bool

// ReadRecorded reads the table of goals of a Markdown text that belongs to a [lab.Plan.Set]. A
// text without one is an error.
func ReadRecorded(text []byte, set string) (Recorded, error) {
	begin, end := "<!-- lab:"+set+"goals -->", "<!-- /lab:"+set+"goals -->"
	_, rest, begins := strings.Cut(string(text), begin+"\n")
	rows, _, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return nil, fmt.Errorf("no table of goals: want the marks %s and %s around it", begin, end)
	}
	r := Recorded{}
	for line := range strings.Lines(rows) {
		cells := strings.Split(line, " | ")
		if len(cells) == 5 && strings.HasPrefix(cells[4], "MISSED") {
			r[strings.TrimPrefix(cells[0], "| ")+"|"+cells[1]+"|"+cells[2]] = true
		}
	}
	return r, nil
}

// Missed returns the goals that are missed and are not recorded as missed: those that have
// become worse.
func (r Recorded) Missed(s *lab.Summary) (missed []string) {
	for _, v := range s.Verdicts {
		if !v.Met && !r[v.Goal+"|"+v.World+"|"+v.Wanted] {
			missed = append(missed, v.Goal+", "+v.World+": want "+v.Wanted+", found "+v.Found)
		}
	}
	return missed
}
