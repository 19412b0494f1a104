package lab

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// failureCooldown is for how long a policy with a cooldown leaves a deployment alone that
// failed: LiteLLM's default.
const failureCooldown = 5 * time.Second

// baseline returns a policy of package replay, with a cooldown around it if asked: a
// deployment that refuses is left out for its Retry-After, or failureCooldown where it sent
// none.
func baseline(of replay.NewPolicy, cool bool) NewPolicy {
	return func(s *Setting) (Policy, error) {
		p, err := of(s.Pool, s.Now, s.Seed)
		if err != nil {
			return nil, err
		}
		return &basePolicy{policy: p, cool: cool, now: s.Now, until: make([]time.Time, len(s.Pool))}, nil
	}
}

type basePolicy struct {
	policy replay.Policy
	cool   bool
	now    func() time.Time
	until  []time.Time // by place
	skip   []int
}

// Admit implements [Policy].
func (p *basePolicy) Admit(_ uint64, r trace.Request, tried []int, answer func(Attempt)) {
	p.skip = append(p.skip[:0], tried...)
	if p.cool {
		now := p.now()
		for i, until := range p.until {
			if now.Before(until) && !slices.Contains(p.skip, i) {
				p.skip = append(p.skip, i)
			}
		}
	}
	a, ok := p.policy.Admit(r, p.skip)
	if !ok {
		answer(nil)
		return
	}
	answer(&baseAttempt{Attempt: a, policy: p})
}

type baseAttempt struct {
	withoutHeaders
	replay.Attempt
	policy *basePolicy
}

// Served implements [Attempt].
func (a *baseAttempt) Served(r trace.Request, _ int64) { a.Attempt.Served(r) }

// Refused implements [Attempt].
func (a *baseAttempt) Refused(retryAfter time.Duration) {
	if retryAfter == 0 {
		retryAfter = failureCooldown
	}
	a.end(retryAfter)
}

// Failed implements [Attempt].
func (a *baseAttempt) Failed(int) { a.end(failureCooldown) }

func (a *baseAttempt) end(cooldown time.Duration) {
	a.policy.until[a.Deployment()] = a.policy.now().Add(cooldown)
	a.Attempt.Refused(cooldown)
}

// adaptive draws deployments by weights that follow their failures, as Bifrost's adaptive
// load balancing does: every five seconds the weight of each is its TPM, less its share of
// refused or failed calls, and at least a twentieth of that. What it learned halves with
// each step.
type adaptive struct {
	now     func() time.Time
	rng     *rand.Rand
	tpm     []float64
	weights []float64
	sent    []float64
	bad     []float64
	next    time.Time
}

func newAdaptive(s *Setting) (Policy, error) {
	p := &adaptive{now: s.Now, rng: rand.New(rand.NewPCG(s.Seed, forPolicy)), next: s.Now()}
	for _, d := range s.Pool {
		p.tpm = append(p.tpm, float64(d.TPM))
	}
	n := len(p.tpm)
	p.weights, p.sent, p.bad = make([]float64, n), make([]float64, n), make([]float64, n)
	return p, nil
}

// Admit implements [Policy].
func (p *adaptive) Admit(_ uint64, _ trace.Request, tried []int, answer func(Attempt)) {
	if now := p.now(); !now.Before(p.next) {
		p.next = now.Add(5 * time.Second)
		for i := range p.weights {
			p.weights[i] = p.tpm[i] * max(1-p.bad[i]/max(p.sent[i], 1), 0.05)
			p.sent[i] /= 2
			p.bad[i] /= 2
		}
	}
	place := drawn(p.rng, p.weights, tried)
	if place < 0 {
		answer(nil)
		return
	}
	p.sent[place]++
	answer(&adaptiveAttempt{policy: p, place: place})
}

type adaptiveAttempt struct {
	withoutHeaders
	policy *adaptive
	place  int
}

// Deployment implements [Attempt].
func (a *adaptiveAttempt) Deployment() int { return a.place }

// Served implements [Attempt].
func (a *adaptiveAttempt) Served(trace.Request, int64) {}

// Refused implements [Attempt].
func (a *adaptiveAttempt) Refused(time.Duration) { a.policy.bad[a.place]++ }

// Failed implements [Attempt].
func (a *adaptiveAttempt) Failed(int) { a.policy.bad[a.place]++ }

// twoChoices draws two deployments by TPM and takes the one with fewer calls in flight for
// its TPM.
type twoChoices struct {
	rng      *rand.Rand
	tpm      []float64
	inFlight []float64
}

func newTwoChoices(s *Setting) (Policy, error) {
	p := &twoChoices{rng: rand.New(rand.NewPCG(s.Seed, forPolicy)), inFlight: make([]float64, len(s.Pool))}
	for _, d := range s.Pool {
		p.tpm = append(p.tpm, float64(d.TPM))
	}
	return p, nil
}

// Admit implements [Policy].
func (p *twoChoices) Admit(_ uint64, _ trace.Request, tried []int, answer func(Attempt)) {
	a := drawn(p.rng, p.tpm, tried)
	if a < 0 {
		answer(nil)
		return
	}
	if b := drawn(p.rng, p.tpm, tried); p.inFlight[b]/p.tpm[b] < p.inFlight[a]/p.tpm[a] {
		a = b
	}
	p.inFlight[a]++
	answer(&twoAttempt{policy: p, place: a})
}

// drawn draws a place by weights among those that were not tried; -1 if all were.
func drawn(rng *rand.Rand, weights []float64, tried []int) int {
	sum := 0.0
	for i, w := range weights {
		if !slices.Contains(tried, i) {
			sum += w
		}
	}
	x, place := rng.Float64()*sum, -1
	for i, w := range weights {
		if slices.Contains(tried, i) {
			continue
		}
		place = i
		if x -= w; x < 0 {
			break
		}
	}
	return place
}

type twoAttempt struct {
	withoutHeaders
	policy *twoChoices
	place  int
}

// Deployment implements [Attempt].
func (a *twoAttempt) Deployment() int { return a.place }

// Served implements [Attempt].
func (a *twoAttempt) Served(trace.Request, int64) { a.policy.inFlight[a.place]-- }

// Refused implements [Attempt].
func (a *twoAttempt) Refused(time.Duration) { a.policy.inFlight[a.place]-- }

// Failed implements [Attempt].
func (a *twoAttempt) Failed(int) { a.policy.inFlight[a.place]-- }
