package replay

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// baseline is a rule that plimsoll is compared with: it chooses a deployment that
// was not tried, reserves nothing, and receives the outcome of its attempts.
type baseline interface {
	choose(r trace.Request, tried []int) (place int, ok bool)
	served(place int, r trace.Request)
	refused(place int, retryAfter time.Duration)
}

// baselinePolicy makes a [Policy] of a baseline.
type baselinePolicy struct{ baseline }

// Admit implements [Policy].
func (p baselinePolicy) Admit(r trace.Request, tried []int) (Attempt, bool) {
	place, ok := p.choose(r, tried)
	if !ok {
		return nil, false
	}
	return &baselineAttempt{p.baseline, place, r.Prompt()}, true
}

// baselineAttempt stands in the accounts with the call's prompt, which is the
// least that it can cost.
type baselineAttempt struct {
	baseline baseline
	place    int
	input    int64
}

func (a *baselineAttempt) Deployment() int { return a.place }

func (a *baselineAttempt) Reserved() int64 { return a.input }

func (a *baselineAttempt) Served(r trace.Request) { a.baseline.served(a.place, r) }

func (a *baselineAttempt) Refused(retryAfter time.Duration) { a.baseline.refused(a.place, retryAfter) }

// withoutFeedback is the part of a baseline that ignores the outcome of attempts.
type withoutFeedback struct{}

func (withoutFeedback) served(int, trace.Request) {}

func (withoutFeedback) refused(int, time.Duration) {}

// RoundRobin sends calls to one deployment after the other, whatever their
// limits.
func RoundRobin(pool []provider.Deployment, _ func() time.Time, _ uint64) (Policy, error) {
	return baselinePolicy{&roundRobin{size: len(pool)}}, nil
}

type roundRobin struct {
	withoutFeedback
	size, next int
}

func (p *roundRobin) choose(_ trace.Request, tried []int) (place int, ok bool) {
	for range p.size {
		place, p.next = p.next, (p.next+1)%p.size
		if !slices.Contains(tried, place) {
			return place, true
		}
	}
	return 0, false
}

// Random draws a deployment for each call, with chances in proportion to TPM
// limits. A deployment without one has the chance of the largest; one that is
// blocked has none.
func Random(pool []provider.Deployment, _ func() time.Time, seed uint64) (Policy, error) {
	p := &weightedRandom{weights: make([]int64, len(pool)), rng: rand.New(rand.NewPCG(seed, streamRandom))}
	largest := int64(1)
	for _, d := range pool {
		largest = max(largest, d.TPM)
	}
	for i, d := range pool {
		p.weights[i] = max(0, d.TPM)
		if d.TPM == 0 {
			p.weights[i] = largest
		}
	}
	return baselinePolicy{p}, nil
}

type weightedRandom struct {
	withoutFeedback
	weights []int64
	rng     *rand.Rand
}

func (p *weightedRandom) choose(_ trace.Request, tried []int) (place int, ok bool) {
	var sum int64
	for i, w := range p.weights {
		if !slices.Contains(tried, i) {
			sum += w
		}
	}
	if sum == 0 {
		return 0, false
	}
	drawn := p.rng.Int64N(sum)
	for i, w := range p.weights {
		if slices.Contains(tried, i) {
			continue
		}
		if drawn -= w; drawn < 0 {
			return i, true
		}
	}
	panic("a draw below the sum of the weights falls on one of them")
}

// LeastInFlight sends a call to the deployment with the fewest calls under
// way, whatever its limits; equals are drawn at random.
func LeastInFlight(pool []provider.Deployment, _ func() time.Time, seed uint64) (Policy, error) {
	return baselinePolicy{&leastInFlight{inFlight: make([]int, len(pool)), rng: rand.New(rand.NewPCG(seed, streamInFlight))}}, nil
}

type leastInFlight struct {
	inFlight []int
	rng      *rand.Rand
}

func (p *leastInFlight) choose(_ trace.Request, tried []int) (place int, ok bool) {
	equals := 0
	for i, n := range p.inFlight {
		switch {
		case slices.Contains(tried, i):
			continue
		case equals == 0 || n < p.inFlight[place]:
			place, equals = i, 1
		case n == p.inFlight[place]:
			if equals++; p.rng.IntN(equals) == 0 { // the kth of k equals takes over once in k
				place = i
			}
		}
	}
	if equals > 0 {
		p.inFlight[place]++
	}
	return place, equals > 0
}

func (p *leastInFlight) served(place int, _ trace.Request) { p.inFlight[place]-- }

func (p *leastInFlight) refused(place int, _ time.Duration) { p.inFlight[place]-- }
