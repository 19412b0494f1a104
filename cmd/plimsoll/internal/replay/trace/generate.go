package trace

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Streams of one seed, so that one consumer's draws never move another's.
const (
	streamMaxOutput uint64 = 1 + iota
	streamTraffic          // and one more for each workload

	streamEstimate = 1 << 32
)

// step is how long the rate of arrivals stays the same.
const step = 100 * time.Millisecond

// Generate makes traffic of that length, the workloads mixed. Requests arrive
// by a Poisson process whose rate wanders (see [Workload]). Equal arguments
// give equal traces.
func Generate(seed uint64, length time.Duration, workloads ...Workload) Trace {
	var mixed Trace
	for i, w := range workloads {
		rng := rand.New(rand.NewPCG(seed, streamTraffic+uint64(i)))
		mixed = w.appendRequests(mixed, rng, length)
	}
	slices.SortStableFunc(mixed, func(a, b Request) int { return cmp.Compare(a.Arrival, b.Arrival) })
	if len(mixed) > 0 {
		first := mixed[0].Arrival
		for i := range mixed {
			mixed[i].Arrival -= first
		}
	}
	return mixed
}

// appendRequests appends the workload's requests, in order of arrival. The next
// one arrives when the expected number of arrivals, which is the rate summed
// over time, has grown by an exponential draw.
func (w Workload) appendRequests(dst Trace, rng *rand.Rand, length time.Duration) Trace {
	slow, fast := newWander(w.Slow, rng), newWander(w.Fast, rng)
	toNext := rng.ExpFloat64()
	for start := time.Duration(0); start < length; start += step {
		expected := w.RPM * slow.next() * fast.next() * step.Minutes()
		passed := 0.0
		for ; passed+toNext <= expected; toNext = rng.ExpFloat64() {
			passed += toNext
			at := start + time.Duration(passed/expected*float64(step))
			dst = append(dst, Request{
				Arrival: at.Truncate(time.Millisecond),
				Input:   w.Input.Draw(rng),
				Output:  w.Output.Draw(rng),
			})
		}
		toNext -= expected - passed
	}
	return dst
}

// wander multiplies a rate by the exponential of a first-order autoregressive
// process; its mean is 1.
type wander struct {
	rng   *rand.Rand
	x     float64 // the process; normal with mean 0 and standard deviation sigma
	keep  float64 // share of x that the next step keeps
	noise float64 // standard deviation of what it adds
	bias  float64 // makes the mean of exp(x-bias) 1
}

func newWander(w Wander, rng *rand.Rand) *wander {
	keep := math.Exp(-step.Seconds() / w.Memory.Seconds())
	return &wander{
		rng:   rng,
		x:     w.Sigma * rng.NormFloat64(),
		keep:  keep,
		noise: w.Sigma * math.Sqrt(1-keep*keep),
		bias:  w.Sigma * w.Sigma / 2,
	}
}

// next returns the factor for the next step.
func (w *wander) next() float64 {
	factor := math.Exp(w.x - w.bias)
	w.x = w.keep*w.x + w.noise*w.rng.NormFloat64()
	return factor
}
