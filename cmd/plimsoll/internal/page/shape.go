package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// fullScale is the value at the end of a bar and at the top of a chart, as a multiple
// of the limit. It is above 1, so that usage beyond the limit is visible.
const fullScale = 1.1

// bar shows usage against a limit. Own, Held and Others are drawn one after the other;
// positions and widths are percentages of the bar.
type bar struct {
	Name, Used, Limit, Text string
	Kind                    string // in, out or today; "" = of the minute
	Limited, Over           bool
	Percent                 int64 // of the limit
	Own, Held, Others       span
}

type span struct{ From, Width string }

func newBar(name string, used, others, held, limit int64) bar {
	b := bar{Name: name, Used: grouped(used), Limited: limit != 0}
	if !b.Limited {
		b.Text = b.Used + " " + name + ", no limit"
		return b
	}
	if limit == engine.Blocked {
		limit = 0
	}
	b.Limit, b.Over = grouped(limit), used > limit
	b.Percent = 100
	if limit > 0 {
		b.Percent = int64(100 * float64(used) / float64(limit))
	}
	b.Text = fmt.Sprintf("%s of %s %s, %d %%", b.Used, b.Limit, name, b.Percent)
	if held > 0 {
		b.Text += ", " + grouped(held) + " reserved"
	}
	if others > 0 {
		b.Text += ", " + grouped(others) + " by other nodes"
	}
	others, held = min(max(others, 0), used), max(held, 0)
	held = min(held, used-others)
	at := 0.0
	part := func(n int64) span {
		to := 100.0
		if limit > 0 {
			to = min(100, at+100*float64(n)/(fullScale*float64(limit)))
		} else if n == 0 {
			to = at
		}
		s := span{percent(at), percent(to - at)}
		at = to
		return s
	}
	b.Others, b.Own, b.Held = part(others), part(used-others-held), part(held)
	return b
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// chart returns the SVG paths and a description of values, one for each ten seconds, the
// last at the right edge. The box is 60 by 22; the value 1 is at height 2.
func chart(values []float32) (line, area, tale string) {
	if len(values) == 0 {
		return "", "", ""
	}
	var b strings.Builder
	first := seconds - len(values) + 1
	low, high := values[0], values[0]
	for i, v := range values {
		low, high = min(low, v), max(high, v)
		fmt.Fprintf(&b, "%d,%.1f ", first+i, 22-min(max(float64(v), 0), fullScale)/fullScale*22)
	}
	line = strings.TrimSpace(b.String())
	area = fmt.Sprintf("%d,22 %s %d,22", first, line, seconds)
	last := values[len(values)-1]
	return line, area, fmt.Sprintf("last 10 minutes: from %.0f %% to %.0f %%, now %.0f %%", 100*low, 100*high, 100*last)
}

// grouped writes 12345 as 12,345.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// wait returns a duration for people, rounded up.
func wait(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	if s < 120 {
		return strconv.FormatInt(s, 10) + " s"
	}
	return strconv.FormatInt((s+59)/60, 10) + " min"
}
