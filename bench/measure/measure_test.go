package measure

import (
	"math"
	"testing"
	"time"
)

// spin is an operation of about a nanosecond times size.
func spin(size int) Op {
	var words [8][8]int // a line for each thread
	return func(thread, n int) {
		for i := range n * size {
			words[thread][0] ^= i
		}
	}
}

func TestRun(t *testing.T) {
	setups := 0
	small := Case{Name: "small", Setup: func() Op { setups++; return spin(100) }}
	large := Case{Name: "large", Threads: 2, Setup: func() Op { return spin(1000) }}
	rounds := 0
	results := Run([]Case{small, large, small}, Options{
		Rounds: 10, Tries: 50, Quantum: 200 * time.Microsecond, Round: func(int) { rounds++ },
	})
	if setups != 1 || rounds != 10 {
		t.Errorf("%d set-ups, %d rounds; want 1, 10", setups, rounds)
	}
	s := results.Case("small")
	if s.Kept == 0 || s.Kept > s.Tried || s.Kept > 20 {
		t.Errorf("kept %d of %d quanta, want at most 20", s.Kept, s.Tried)
	}
	if s.Median <= 0 || s.P10 > s.Median || s.Allocs != 0 {
		t.Errorf("small: %+v", s)
	}
	if l := results.Case("large"); l.Kept > 0 && l.Median < 2*s.Median {
		t.Errorf("ten times the work on two threads took %.0f ns, the work %.0f ns", l.Median, s.Median)
	}
}

func TestRatio(t *testing.T) {
	r := Results{turns: [][]float64{{20, math.NaN(), 60}, {10, 10, 20}, {math.NaN(), math.NaN(), math.NaN()}}}
	if median, p10 := r.Ratio(0, 1); median != 3 || p10 != 2 {
		t.Errorf("median %v, p10 %v; want 3, 2", median, p10)
	}
	if median, _ := r.Ratio(0, 2); !math.IsNaN(median) {
		t.Errorf("by nothing: %v", median)
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 3, 4, 5}
	if got := quantile(v, 0.5); got != 3 {
		t.Errorf("median %v", got)
	}
	if got := quantile(v, 0.1); got != 1 {
		t.Errorf("p10 %v", got)
	}
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}
