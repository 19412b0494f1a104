package replay

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// LiteLLM is the policy of LiteLLM's usage-based-routing-v2 alone: choose,
// pre-check, and record the tokens when the call ends. It ignores refusals by the
// provider.
func LiteLLM(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
	return baselinePolicy{newRouter(pool, now, seed)}, nil
}

// LiteLLMCooldown is [LiteLLM] with its router's cooldown around it: a
// deployment that refuses is left out for the Retry-After it sent, unless it is
// the only one.
func LiteLLMCooldown(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
	p := newRouter(pool, now, seed)
	if len(pool) > 1 {
		p.coolUntil = make([]time.Time, len(pool))
	}
	return baselinePolicy{p}, nil
}

type router struct {
	strategy  *litellm.Strategy
	now       func() time.Time
	rng       *rand.Rand
	coolUntil []time.Time // by place; nil = no cooldowns

	without, candidates []int // kept for their memory
}

func newRouter(pool []provider.Deployment, now func() time.Time, seed uint64) *router {
	if now == nil {
		now = time.Now
	}
	known := make([]litellm.Deployment, len(pool))
	for i, d := range pool {
		known[i] = litellm.Deployment{ID: d.ID, RPM: pythonLimit(d.RPM), TPM: pythonLimit(d.TPM)}
	}
	return &router{strategy: litellm.New(known), now: now, rng: rand.New(rand.NewPCG(seed, streamLiteLLM))}
}

// pythonLimit turns a limit of ours into one of LiteLLM's: absent is infinite,
// and blocked is 0.
func pythonLimit(limit int64) float64 {
	if limit == 0 {
		return math.Inf(1)
	}
	return float64(max(0, limit))
}

// choose is a selection and the pre-check of what it drew.
func (p *router) choose(r trace.Request, tried []int) (place int, ok bool) {
	now := p.now()
	p.without = append(p.without[:0], tried...)
	for i, until := range p.coolUntil {
		if now.Before(until) {
			p.without = append(p.without, i)
		}
	}
	p.candidates = p.strategy.AppendCandidates(p.candidates[:0], now, r.Prompt(), p.without)
	if len(p.candidates) == 0 {
		return 0, false
	}
	place = p.candidates[p.rng.IntN(len(p.candidates))]
	return place, p.strategy.PreCheck(now, place)
}

func (p *router) served(place int, r trace.Request) { p.strategy.Record(p.now(), place, r.Tokens()) }

// refused leaves the request counted, as the original does.
func (p *router) refused(place int, retryAfter time.Duration) {
	if p.coolUntil != nil {
		p.coolUntil[place] = p.now().Add(retryAfter)
	}
}
