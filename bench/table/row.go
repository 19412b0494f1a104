// Package table holds ratios of measured times against goals, and prints them.
package table

import (
	"fmt"
	"math"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// Row is a ratio of two cases' times, Of / By, and what it should be.
type Row struct {
	ID   string
	Name string
	Of   measure.Case
	By   measure.Case
	Goal Goal
	// Loose rows are printed only. Two threads on two cores move by 2x with
	// where a hypervisor places them, so rows that use both are loose.
	Loose bool
	// Floor is the ID of a row with a floor in place of By or Of, "" for none. A row
	// that has one shows its goal and its verdict, and only its floor's row fails the run.
	Floor string
}

// number returns the digits the row's ID begins with; rows are printed by it.
func (r Row) number() (n int) {
	for _, c := range r.ID {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// Goal bounds a ratio from one side. The zero Goal is none.
type Goal struct {
	atLeast bool
	bound   float64
}

// AtMost returns the goal <= bound.
func AtMost(bound float64) Goal { return Goal{false, bound} }

// AtLeast returns the goal >= bound.
func AtLeast(bound float64) Goal { return Goal{true, bound} }

// String returns the goal as the table shows it.
func (g Goal) String() string {
	switch {
	case g.bound == 0:
		return ""
	case g.atLeast:
		return fmt.Sprintf(">= %g", g.bound)
	}
	return fmt.Sprintf("<= %g", g.bound)
}

// miss returns by which factor v misses the goal: 1 or less when it is met.
func (g Goal) miss(v float64) float64 {
	switch {
	case g.bound == 0:
		return 0
	case math.IsNaN(v):
		return math.Inf(1)
	case g.atLeast:
		return g.bound / v
	}
	return v / g.bound
}

// Verdict is how a row compares with its goal.
type Verdict string

// The verdicts.
const (
	None   Verdict = ""       // no goal
	Met    Verdict = "met"    // by the median
	Near   Verdict = "near"   // missed, but in median or p10 by no more than the tolerance
	Missed Verdict = "MISSED" // by more than the tolerance in both median and p10
)

// tolerance is the error of a row on a shared machine, as a factor.
const tolerance = 1.25

func judge(g Goal, median, p10 float64) Verdict {
	switch {
	case g == Goal{}:
		return None
	case g.miss(median) <= 1:
		return Met
	case min(g.miss(median), g.miss(p10)) <= tolerance:
		return Near
	}
	return Missed
}
