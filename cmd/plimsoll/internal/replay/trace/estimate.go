package trace

import (
	"math"
	"math/rand/v2"
)

// estimateError is how far routers misjudge prompts: the standard deviation of
// the logarithm of estimate / size.
const estimateError = 0.05

// NameEstimates gives every request what a router takes its prompt for, in
// place: its size and an error that is log-normal, drawn by seed, with a
// standard deviation of 5 %.
func (t Trace) NameEstimates(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, streamEstimate))
	for i := range t {
		t[i].Estimate = int64(math.Round(float64(t[i].Input) * math.Exp(estimateError*rng.NormFloat64())))
	}
}
