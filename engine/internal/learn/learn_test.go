package learn

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMeanOfFewIsTheirAverage: within the rounding of a sixteenth for each sample.
func TestMeanOfFewIsTheirAverage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var m Mean
		sum, n := int64(0), int64(1+r.IntN(steady))
		for range n {
			x := r.Int64N(400)
			sum += x
			m.Learn(x, 1<<20)
		}
		if n < known {
			require.EqualValues(t, -1, m.Value())
			continue
		}
		require.InDelta(t, float64(sum)/float64(n), float64(m.Value()), 3)
	}
}

// TestMeanFollows: of samples that change it has moved half the way after 22 of them.
func TestMeanFollows(t *testing.T) {
	var m Mean
	for range 2_000 { // the number of samples has gone round
		m.Learn(100, 100)
	}
	require.EqualValues(t, 100, m.Value())
	for range 22 {
		m.Learn(500, 100)
	}
	require.InDelta(t, 300, float64(m.Value()), 5)
}

// TestOneAnswerDecidesNothing: an outlier counts as outlier times what was known.
func TestOneAnswerDecidesNothing(t *testing.T) {
	var m Mean
	for range 64 {
		m.Learn(100, 100)
	}
	m.Learn(1<<40, 100)
	require.InDelta(t, 100+float64(outlier-1)*100/steady, float64(m.Value()), 1)
}

// TestAGroupLearnsFromEveryKnown: from all samples at first, then from every 16th.
func TestAGroupLearnsFromEveryKnown(t *testing.T) {
	var m Mean
	taught := 0
	for range known + 10*shared {
		if m.Learn(1, 1) {
			taught++
		}
	}
	require.Equal(t, known+10, taught)
}

// TestQuantileRests where a share p of the samples is not above it.
func TestQuantileRests(t *testing.T) {
	for _, p := range []float64{0.5, 0.9, 0.95} {
		var q Quantile
		r := rand.New(rand.NewPCG(3, 4))
		below, sum := 0, 0
		for i := range 60_000 {
			x := r.Int64N(1_000)
			if i >= 5_000 {
				if sum++; x <= q.Value() {
					below++
				}
			}
			q.Learn(x, 100, p)
		}
		require.InDelta(t, p, float64(below)/float64(sum), 0.03, "p %v", p)
	}
}

// TestManyTeachers: no sample of any goroutine is lost.
func TestManyTeachers(t *testing.T) {
	var m Mean
	var q Quantile
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				m.Learn(40, 40)
				q.Learn(40, 40, 0.5)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 800, m.w.Load()&sampleMax)
	require.EqualValues(t, 40, m.Value())
	require.InDelta(t, 40, float64(q.Value()), 3)
}
