package table

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		goal        Goal
		median, p10 float64
		want        Verdict
	}{
		{AtMost(2), 2, 3, Met},
		{AtMost(2), 3, 2, Near},
		{AtMost(2), 2.5, 9, Near},
		{AtMost(2), 2.6, 2.6, Missed},
		{AtLeast(4), 4, 1, Met},
		{AtLeast(4), 3.3, 1, Near},
		{AtLeast(4), 3, 3.1, Missed},
		{AtMost(2), math.NaN(), math.NaN(), Missed},
		{Goal{}, 5, 5, None},
	} {
		if got := judge(c.goal, c.median, c.p10); got != c.want {
			t.Errorf("judge(%s, %g, %g) = %q, want %q", c.goal, c.median, c.p10, got, c.want)
		}
	}
}

// spin is a case that takes a time in proportion to work.
func spin(name string, work int) measure.Case {
	var sink int
	return measure.Case{Name: name, Setup: func() measure.Op {
		return func(_, n int) {
			for i := range n * work {
				sink ^= i
			}
		}
	}}
}

func TestExitStatus(t *testing.T) {
	small, large := spin("small", 100), spin("large", 1000)
	plan := Plan{
		Rows: []Row{
			{ID: "1", Name: "large by small", Of: large, By: small, Goal: AtLeast(2)},
			{ID: "2", Name: "wrong way round", Of: large, By: small, Goal: AtMost(1)},
			{ID: "3", Name: "loose", Of: large, By: small, Goal: AtMost(1), Loose: true},
			{ID: "5", Name: "decided by its floor", Of: large, By: small, Goal: AtMost(1), Floor: "1"},
		},
		Checks: []Check{{ID: "4", Name: "broken", Run: func() (string, bool) { return "no", false }}},
	}
	for run, want := range map[string]int{"^1": 0, "^2": 1, "^3": 0, "^4": 1, "^5": 0, "(": 2} {
		var out, log bytes.Buffer
		if got := Main(plan, []string{"-q", "-rounds", "10", "-json", "-run", run}, &out, &log); got != want {
			t.Errorf("-run %q: exit status %d, want %d\n%s%s", run, got, want, &out, &log)
		}
		if want < 2 && !json.Valid(out.Bytes()) {
			t.Errorf("-run %q: not JSON: %s", run, &out)
		}
	}
	var out, log bytes.Buffer
	if Main(plan, []string{"-q", "-rounds", "10"}, &out, &log) != 1 || !strings.HasSuffix(log.String(), ": 2, 4\n") {
		t.Errorf("all rows: %s%s", &out, &log)
	}
	t.Logf("\n%s", &out)
}
