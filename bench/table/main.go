package table

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// Plan is the rows, cases and checks of a run.
type Plan struct {
	Rows   []Row
	Extra  []measure.Case // measured and printed, but in no row
	Checks []Check
}

// only keeps what matches: rows and checks by ID and name, cases by name.
func (p Plan) only(re *regexp.Regexp) Plan {
	return Plan{
		Rows:   slices.DeleteFunc(slices.Clone(p.Rows), func(r Row) bool { return !re.MatchString(r.ID + " " + r.Name) }),
		Extra:  slices.DeleteFunc(slices.Clone(p.Extra), func(c measure.Case) bool { return !re.MatchString(c.Name) }),
		Checks: slices.DeleteFunc(slices.Clone(p.Checks), func(c Check) bool { return !re.MatchString(c.ID + " " + c.Name) }),
	}
}

// Main is a command that runs the plan and prints its table. It returns the
// exit status: 1 when a row or a check missed its goal, 2 when it could not run.
func Main(plan Plan, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 100, "`turns` each row gets, at least 10")
	run := flags.String("run", "", "only rows, checks and operations that match this `regexp`")
	asJSON := flags.Bool("json", false, "print JSON")
	quiet := flags.Bool("q", false, "no progress on standard error")
	if flags.Parse(args) != nil {
		return 2
	}
	re, err := regexp.Compile(*run)
	if err != nil || *rounds < 10 || flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "bench: -run must be a regular expression, -rounds at least 10, and there are no other arguments")
		return 2
	}
	plan = plan.only(re)
	slices.SortStableFunc(plan.Rows, func(a, b Row) int { return a.number() - b.number() })
	report := Report{Machine: thisMachine()}
	progress := func(round int) {
		if !*quiet {
			_, _ = fmt.Fprintf(stderr, "\rround %d of %d ", round, *rounds)
		}
	}
	cs := cases(plan.Rows, plan.Extra)
	report.fill(cs, plan.Rows, measure.Run(cs, measure.Options{Rounds: *rounds, Round: progress}))
	for _, c := range plan.Checks {
		report.Checks = append(report.Checks, c.outcome())
	}
	if !*quiet {
		_, _ = fmt.Fprint(stderr, "\r")
	}
	if *asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.Print(stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if missed := report.Missed(); len(missed) > 0 {
		_, _ = fmt.Fprintln(stderr, "bench: missed by more than 25 % in median and p10:", strings.Join(missed, ", "))
		return 1
	}
	return 0
}
