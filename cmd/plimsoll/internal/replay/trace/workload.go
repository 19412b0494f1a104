package trace

import (
	"math"
	"math/rand/v2"
	"time"
)

// Workload describes one kind of traffic.
type Workload struct {
	RPM        float64 // mean rate of arrivals, requests per minute
	Slow, Fast Wander  // how the rate wanders about its mean; the two multiply
	Input      Sizes   // prompts
	Output     Sizes   // answers; drawn independently of the prompts
}

// Wander is how far and how slowly a rate drifts.
type Wander struct {
	Sigma  float64       // standard deviation of the rate's logarithm
	Memory time.Duration // after which a deviation has faded to 1/e
}

// Sizes are the quantiles of a number of tokens at [quantiles].
type Sizes [len(quantiles)]float64

// quantiles are the shares of requests that are at most as large as the figure
// in the same place of a [Sizes].
var quantiles = [...]float64{0, 0.05, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.999, 1}

// Chat is people talking to a model: a steady stream, answers of a few hundred
// tokens.
func Chat() Workload {
	return Workload{
		RPM:    332,
		Slow:   Wander{Sigma: 0.22, Memory: 300 * time.Second},
		Fast:   Wander{Sigma: 0.12, Memory: 1500 * time.Millisecond},
		Input:  Sizes{2, 180, 400, 1020, 1190, 2735, 4080, 4140, 6200, 14000},
		Output: Sizes{7, 41, 85, 129, 395, 424, 451, 600, 950, 1000},
	}
}

// Code is completion in an editor: long prompts, short answers, sharp bursts.
func Code() Workload {
	return Workload{
		RPM:    154,
		Slow:   Wander{Sigma: 1.15, Memory: 40 * time.Second},
		Fast:   Wander{Sigma: 0.65, Memory: 1500 * time.Millisecond},
		Input:  Sizes{3, 75, 580, 1470, 2745, 5190, 7310, 7430, 7437, 7437},
		Output: Sizes{6, 6, 9, 13, 24, 55, 90, 252, 830, 1900},
	}
}

// Long is work on long documents: prompts of up to 126k tokens.
func Long() Workload {
	return Workload{
		RPM:    204,
		Slow:   Wander{Sigma: 0.10, Memory: 200 * time.Second},
		Fast:   Wander{Sigma: 0.30, Memory: 3 * time.Second},
		Input:  Sizes{890, 900, 2300, 6900, 15400, 27400, 39500, 85400, 121000, 126000},
		Output: Sizes{1, 10, 156, 350, 470, 600, 700, 1120, 2000, 2000},
	}
}

// Reason is models that think before they answer: short prompts, answers of up
// to 27k tokens.
func Reason() Workload {
	return Workload{
		RPM:    320,
		Slow:   Wander{Sigma: 0.22, Memory: 200 * time.Second},
		Fast:   Wander{Sigma: 0.30, Memory: 2 * time.Second},
		Input:  Sizes{4, 25, 165, 290, 510, 940, 1850, 12900, 29000, 38000},
		Output: Sizes{62, 220, 377, 525, 1020, 1490, 1650, 5570, 19000, 27700},
	}
}

// Draw returns a random size: between two quantiles its logarithm is uniform.
func (s *Sizes) Draw(rng *rand.Rand) int64 {
	u := rng.Float64()
	i := 1
	for u >= quantiles[i] {
		i++ // ends: the last quantile is 1, above any u
	}
	between := (u - quantiles[i-1]) / (quantiles[i] - quantiles[i-1])
	low, high := math.Log(s[i-1]), math.Log(s[i])
	return int64(math.Round(math.Exp(low + between*(high-low))))
}
