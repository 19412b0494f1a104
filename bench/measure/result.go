package measure

import (
	"math"
	"slices"
)

// Result is what a case took. Nanoseconds are wall time per operation over all
// threads: with two threads that do not hinder each other, half of what one
// takes. They are NaN when no quantum counted.
type Result struct {
	Median, P10   float64 // nanoseconds per operation
	Allocs, Bytes float64 // per operation
	Kept, Tried   int     // quanta
}

func (s *subject) result() Result {
	slices.Sort(s.nanos)
	return Result{
		Median: quantile(s.nanos, 0.5), P10: quantile(s.nanos, 0.1),
		Allocs: s.allocs, Bytes: s.bytes,
		Kept: len(s.nanos), Tried: s.tried,
	}
}

// quantile returns the value at p of a sorted slice, by nearest rank; NaN if
// there is none.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Round(p*float64(len(sorted)-1)))]
}
