package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// table is rows of cells, the first of which is the head.
type table [][]string

// goals returns the table of goals.
func goals(s *lab.Summary) table {
	t := table{{"goal", "world", "wanted", "found", ""}}
	for _, v := range s.Verdicts {
		met := "MISSED"
		if v.Met {
			met = "met"
		}
		t = append(t, []string{v.Goal, v.World, v.Wanted, v.Found, met})
	}
	return t
}

// cell returns goodput and refusals of a row as "98.1/2.5".
func cell(s *lab.Summary, world, policy string) string {
	for _, r := range s.Rows {
		if r.World == world && r.Policy == policy {
			return fmt.Sprintf("%.1f/%.1f", 100*r.Goodput, r.Refusals)
		}
	}
	return "–"
}

// policies returns the table of worlds by policies.
func policies(s *lab.Summary) table {
	var names, worlds []string
	seen := map[string]bool{}
	for _, r := range s.Rows {
		if !seen["p"+r.Policy] {
			names = append(names, r.Policy)
		}
		if !seen["w"+r.World] {
			worlds = append(worlds, r.World)
		}
		seen["p"+r.Policy], seen["w"+r.World] = true, true
	}
	t := table{append([]string{"world"}, names...)}
	for _, w := range worlds {
		row := []string{w}
		for _, p := range names {
			row = append(row, cell(s, w, p))
		}
		t = append(t, row)
	}
	return t
}

// ours returns the table of what our policy did in each world.
func ours(s *lab.Summary) table {
	t := table{{"world", "goodput %", "worst traffic", "spread", "429s per 1000", "Jain", "served of offered %", "over %", "failed per 1000", "wait p99 s", "more than LiteLLM, points"}}
	for _, r := range s.Rows {
		if r.Policy != lab.OursName {
			continue
		}
		t = append(t, []string{
			r.World, fmt.Sprintf("%.1f", 100*r.Goodput), fmt.Sprintf("%.1f %s", 100*r.Worst, r.WorstTraffic), fmt.Sprintf("%.1f", 100*r.Spread),
			fmt.Sprintf("%.1f", r.Refusals), fmt.Sprintf("%.3f", r.Jain), fmt.Sprintf("%.1f", 100*r.OfOffered), fmt.Sprintf("%.2f", 100*r.Overrun),
			fmt.Sprintf("%.1f", r.Failed), fmt.Sprintf("%.1f", r.WaitP99), fmt.Sprintf("%+.1f ± %.1f", 100*r.Gain, 100*r.GainError),
		})
	}
	return t
}

// without returns the table of what changes when a kind of traffic is left out.
func without(s *lab.Summary) table {
	t := table{{"world", "lowest goodput %, without", "highest, without", "least more than LiteLLM, without", "goal"}}
	for _, w := range s.Without {
		goal := "–"
		if w.Judged {
			if goal = "MISSED"; w.Met {
				goal = "met"
			}
			if len(w.Changes) > 0 {
				goal += ", other without " + strings.Join(w.Changes, ", ")
			}
		}
		t = append(t, []string{
			w.World, fmt.Sprintf("%.1f %s", 100*w.Low, w.LowTraffic), fmt.Sprintf("%.1f %s", 100*w.High, w.HighTraffic),
			fmt.Sprintf("%+.1f %s", 100*w.LowGain, w.LowGainTraffic), goal,
		})
	}
	return t
}

// overall returns the table of policies over the worlds that all of them play.
func below(s *lab.Summary) table {
	t := table{{"world", "traffic", "points", "429s per 1000", "LiteLLM's"}}
	for _, b := range s.Below {
		t = append(t, []string{b.World, b.Traffic, fmt.Sprintf("%.1f", 100*b.Points), fmt.Sprintf("%.1f", b.Refusals), fmt.Sprintf("%.1f", b.Theirs)})
	}
	return t
}

func overall(s *lab.Summary) table {
	t := table{{"policy", "goodput %", "lowest, in world", "429s per 1000", "most, in world"}}
	for _, o := range s.Overall {
		t = append(t, []string{
			o.Policy, fmt.Sprintf("%.1f", 100*o.Goodput), fmt.Sprintf("%.1f %s", 100*o.Worst, o.WorstWorld),
			fmt.Sprintf("%.1f", o.Refusals), fmt.Sprintf("%.1f %s", o.Most, o.MostWorld),
		})
	}
	return t
}

// Overall writes the table of policies over worlds as text.
func Overall(w io.Writer, s *lab.Summary) error {
	if len(s.Overall) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%smean over %s of one node whose calls do not wait\n\n", overall(s).text(), plural(s.Overall[0].Worlds, "world"))
	return err
}

// plan returns the table of what ran.
func plan(s *lab.Summary) table {
	met := 0
	for _, v := range s.Verdicts {
		if v.Met {
			met++
		}
	}
	return table{{"worlds", "traffic", "seeds", "runs", "goals met"}, {
		fmt.Sprint(len(worldsOf(s))), strings.Join(s.Traffic, ", "), fmt.Sprint(s.Seeds), fmt.Sprint(len(s.Results)), fmt.Sprintf("%d of %d", met, len(s.Verdicts)),
	}}
}

// Goals writes the table of goals as text.
func Goals(w io.Writer, s *lab.Summary) error {
	met := 0
	for _, v := range s.Verdicts {
		if v.Met {
			met++
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%d of %d goals are met (%d kinds of traffic, seeds: %d; goodput is of the best greedy clairvoyant,\nrefusals are provider 429s per 1000 calls, load 95 %%)\n",
		goals(s).text(), met, len(s.Verdicts), len(s.Traffic), s.Seeds)
	return err
}

// Policies writes the table of worlds by policies as text.
func Policies(w io.Writer, s *lab.Summary) error {
	_, err := io.WriteString(w, "goodput in % of the best greedy clairvoyant / provider 429s per 1000 calls\n\n"+policies(s).text())
	return err
}

// text lays a table out in columns.
func (t table) text() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, row := range t {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// markdown lays a table out for Markdown.
func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}
