package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab/logs"
)

// Log writes the outcome of policies on the traffic of a log as text: the records read, the
// calibration, a warning where it disagrees, and a table.
func Log(w io.Writer, l *logs.Log, g *lab.Logged, observed bool, r *lab.LogResult) error {
	n := len(g.Traffic.Calls)
	copies := ""
	if l.Copies > 0 {
		copies = fmt.Sprintf(", %d copies dropped", l.Copies)
	}
	text := fmt.Sprintf("%s: %d records, %d skipped%s, %d retries merged; model %s: %d calls\n", l.Format, l.Records, l.Skipped, copies, l.Retries, g.Model, n)
	if g.Imputed > 0 {
		text += fmt.Sprintf("imputed: tokens of %d calls that failed or have none, by the medians of the model\n", g.Imputed)
	}
	if g.Capped > 0 {
		text += fmt.Sprintf("imputed: max_tokens of %d calls, as clients usually name it\n", g.Capped)
	}
	if observed {
		text += fmt.Sprintf("imputed: the limits of %s, the most each served in a minute; give the real ones by --config FILE\n", plural(len(g.Observed), "deployment"))
	}
	c := &r.Calibration
	text += fmt.Sprintf("calibration: %s is refused %.1f times per 1000 calls in simulation, %.1f in the log\n", r.Policies[0].Policy, c.Simulated, c.Logged)
	switch {
	case !g.Statuses:
		text += "WARNING: the log has no statuses, so the simulation cannot be checked against it; the figures below are a guess\n"
	case !c.Agrees:
		text += "WARNING: that differs by more than 20 % and 2 per 1000: limits, provider or the operator's policy are not as assumed\n(see --config, --operator); the figures below are a guess\n"
	}
	t := table{{"policy", "served %", "tokens served %", "429s per 1000", "refused per 1000"}}
	for _, p := range r.Policies {
		t = append(t, []string{
			p.Policy, percent(p.Served, p.Offered), percent(p.TokensServed, p.TokensOffered),
			fmt.Sprintf("%.1f", p.PerThousand()), perThousand(p.RefusedLocal+p.RefusedProvider, p.Offered),
		})
	}
	_, err := io.WriteString(w, text+"\n"+t.text())
	return err
}

// LogJSON writes the same as JSON.
func LogJSON(w io.Writer, r *lab.LogResult) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.1f", 100*float64(part)/float64(max(whole, 1)))
}

func perThousand(part, whole int64) string {
	return fmt.Sprintf("%.1f", 1000*float64(part)/float64(max(whole, 1)))
}
