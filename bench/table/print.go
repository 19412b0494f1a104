package table

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// Print writes the report as text.
func (rep *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }
	m := rep.Machine
	p("%s, %d cores, %s %s\n\n", m.CPU, m.Cores, m.Go, m.OS)
	p("operation\tmedian ns\tp10 ns\tallocs\tbytes\tsamples\n")
	for _, o := range rep.Operations {
		p("%s\t%s\t%s\t%.0f\t%.0f\t%d/%d\n", o.Name,
			nanos(o.MedianNanos), nanos(o.P10Nanos), o.Allocs, o.Bytes, o.Kept, o.Tried)
	}
	_ = t.Flush()
	p("\n#\tratio\tmedian\tp10\tgoal\t\n")
	for _, r := range rep.Ratios {
		verdict := string(r.Verdict)
		if r.Loose && r.Verdict == Missed {
			verdict = "missed"
		} else if r.Floor != "" && r.Verdict != Met {
			verdict += ", floor: " + r.Floor
		}
		p("%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, ratio(r.Median), ratio(r.P10), r.Goal, verdict)
	}
	_ = t.Flush()
	if len(rep.Checks) > 0 {
		p("\n#\tcheck\tfound\tgoal\t\n")
	}
	for _, c := range rep.Checks {
		verdict := Met
		if !c.OK {
			verdict = Missed
		}
		p("%s\t%s\t%s\t%s\t%s\n", c.ID, c.Name, c.Found, c.Goal, verdict)
	}
	return t.Flush()
}

func nanos(n Number) string {
	switch v := float64(n); {
	case math.IsNaN(v):
		return "-"
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

func ratio(n Number) string {
	switch v := float64(n); {
	case math.IsNaN(v):
		return "-"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
