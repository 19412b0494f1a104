package measure

import (
	"math"
	"slices"
)

// Result is the measured cost of a case. Nanoseconds are wall time per operation over
// all threads: two threads that do not disturb each other have half the figure of one.
// They are NaN if no quantum counted.
type Result struct {
	Median, P10   float64 // nanoseconds per operation
	Allocs, Bytes float64 // per operation
	Kept, Tried   int     // quanta
}

// Results are the figures of one run.
type Results struct {
	turns [][]float64 // of each case, in the order given to Run, by round
	cases map[string]Result
}

func newResults(turns [][]float64, subjects map[string]*subject) *Results {
	r := &Results{turns: turns, cases: map[string]Result{}}
	for name, s := range subjects {
		slices.Sort(s.nanos)
		r.cases[name] = Result{
			Median: quantile(s.nanos, 0.5), P10: quantile(s.nanos, 0.1),
			Allocs: s.allocs, Bytes: s.bytes,
			Kept: len(s.nanos), Tried: s.tried,
		}
	}
	return r
}

// Case returns what the case of that name took, over all its turns.
func (r *Results) Case(name string) Result { return r.cases[name] }

// Ratio compares the a-th with the b-th case given to Run: the median of the
// ratios of their turns in the same round, and the ratio of their tenth
// percentiles. NaN: too few quanta counted.
func (r *Results) Ratio(a, b int) (median, p10 float64) {
	var ratios, as, bs []float64
	for round, v := range r.turns[a] {
		if w := r.turns[b][round]; v > 0 && w > 0 { // neither is NaN
			ratios, as, bs = append(ratios, v/w), append(as, v), append(bs, w)
		}
	}
	for _, s := range [][]float64{ratios, as, bs} {
		slices.Sort(s)
	}
	return quantile(ratios, 0.5), quantile(as, 0.1) / quantile(bs, 0.1)
}

// quantile returns the value at p of a sorted slice, by nearest rank; NaN if
// there is none.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Round(p*float64(len(sorted)-1)))]
}
