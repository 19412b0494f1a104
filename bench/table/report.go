package table

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// Report is one run: every case's time, every row, every check.
type Report struct {
	Machine    Machine     `json:"machine"`
	Operations []Operation `json:"operations"`
	Ratios     []Ratio     `json:"ratios"`
	Checks     []Outcome   `json:"checks"`
}

// Operation is the time of one case.
type Operation struct {
	Name        string `json:"name"`
	Threads     int    `json:"threads"`
	MedianNanos Number `json:"median_ns"`
	P10Nanos    Number `json:"p10_ns"`
	Allocs      Number `json:"allocs"`
	Bytes       Number `json:"bytes"`
	Kept        int    `json:"kept"`
	Tried       int    `json:"tried"`
}

// Ratio is one row with its figures; see [measure.Results.Ratio].
type Ratio struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Of      string  `json:"of"`
	By      string  `json:"by"`
	Median  Number  `json:"median"`
	P10     Number  `json:"p10"`
	Goal    string  `json:"goal,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"`
	Loose   bool    `json:"loose,omitempty"`
	Floor   string  `json:"floor,omitempty"`
}

// Number is a figure that may be missing: NaN becomes null.
type Number float64

// MarshalJSON implements [json.Marshaler].
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// cases returns what to run: each row's two, next to each other in time, then
// what is measured besides.
func cases(rows []Row, extra []measure.Case) []measure.Case {
	var cs []measure.Case
	for _, r := range rows {
		cs = append(cs, r.Of, r.By)
	}
	return append(cs, extra...)
}

// fill computes the report's operations and ratios from a run of cases.
func (rep *Report) fill(cs []measure.Case, rows []Row, results *measure.Results) {
	for _, c := range cs {
		if slices.ContainsFunc(rep.Operations, func(o Operation) bool { return o.Name == c.Name }) {
			continue
		}
		r := results.Case(c.Name)
		rep.Operations = append(rep.Operations, Operation{
			Name: c.Name, Threads: max(c.Threads, 1),
			MedianNanos: Number(r.Median), P10Nanos: Number(r.P10),
			Allocs: Number(r.Allocs), Bytes: Number(r.Bytes), Kept: r.Kept, Tried: r.Tried,
		})
	}
	for i, r := range rows {
		median, p10 := results.Ratio(2*i, 2*i+1)
		rep.Ratios = append(rep.Ratios, Ratio{
			ID: r.ID, Name: r.Name, Of: r.Of.Name, By: r.By.Name,
			Median: Number(median), P10: Number(p10),
			Goal: r.Goal.String(), Verdict: judge(r.Goal, median, p10), Loose: r.Loose, Floor: r.Floor,
		})
	}
}

// Missed returns the IDs of the rows and checks that fail the run.
func (rep *Report) Missed() []string {
	var ids []string
	for _, r := range rep.Ratios {
		if r.Verdict == Missed && !r.Loose && r.Floor == "" {
			ids = append(ids, r.ID)
		}
	}
	for _, c := range rep.Checks {
		if !c.OK {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
