package report

import (
	"errors"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// Missed returns the goals that are missed and that the table of goals in a Markdown text
// does not record as missed: those that have become worse. A text without that table is an
// error; nil text records nothing.
func Missed(s *lab.Summary, text []byte) (missed []string, err error) {
	recorded := map[string]bool{}
	if text != nil {
		_, rest, begins := strings.Cut(string(text), "<!-- lab:goals -->\n")
		rows, _, ends := strings.Cut(rest, "<!-- /lab:goals -->")
		if !begins || !ends {
			return nil, errors.New("no table of goals: want the marks <!-- lab:goals --> and <!-- /lab:goals --> around it")
		}
		for line := range strings.Lines(rows) {
			cells := strings.Split(line, " | ")
			if len(cells) == 5 && strings.HasPrefix(cells[4], "MISSED") {
				recorded[strings.TrimPrefix(cells[0], "| ")+"|"+cells[1]+"|"+cells[2]] = true
			}
		}
	}
	for _, v := range s.Verdicts {
		if !v.Met && !recorded[v.Goal+"|"+v.World+"|"+v.Wanted] {
			missed = append(missed, v.Goal+", "+v.World+": want "+v.Wanted+", found "+v.Found)
		}
	}
	return missed, nil
}
