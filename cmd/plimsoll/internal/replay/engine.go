package replay

import (
	"math/rand/v2"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// group is the name of the one group that a pool's deployments serve.
const group = "replay"

// Engine returns the policy of an application that embeds plimsoll: it takes a
// lease of the group for each attempt, with the prompt's size, the client's cap and
// the output that the engine has learned to expect. The engine is configured for the
// providers' rule, if the replay has one, and observes their answers.
func Engine(strategy engine.Strategy) NewPolicy {
	return func(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
		cfg := engine.Config{Strategy: strategy}
		for _, d := range pool {
			e := engine.Deployment{
				ID:     d.ID,
				Group:  group,
				Limits: engine.Limits{RPM: d.RPM, TPM: d.TPM},
				Weight: float64(max(0, d.TPM)),
			}
			if d.Kind != nil {
				e.Profile = d.Kind.Profile
			}
			cfg.Deployments = append(cfg.Deployments, e)
		}
		return newEnginePolicy(cfg, group, pool, now, seed)
	}
}

// ConfiguredEngine is [Engine] as a configuration sets it up, for the
// deployments of one of its groups. The pool it is given must hold those that
// are not disabled, under the same IDs.
func ConfiguredEngine(cfg engine.Config, group string) NewPolicy {
	return func(pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
		return newEnginePolicy(cfg, group, pool, now, seed)
	}
}

func newEnginePolicy(cfg engine.Config, group string, pool []provider.Deployment, now func() time.Time, seed uint64) (Policy, error) {
	if now == nil {
		cfg.Clock = window.NewClock()
		now = func() time.Time { return time.Unix(0, cfg.Clock.Now()) }
	} else {
		cfg.Clock = window.NewClockFrom(now)
	}
	cfg.Rand = rand.NewPCG(seed, 0).Uint64 // one goroutine, so it need not be safe for more
	p := &enginePolicy{clock: cfg.Clock, now: now, place: make(map[string]int, len(pool)), refs: make([]engine.Ref, len(pool)), kinds: make([]*provider.Kind, len(pool))}
	var err error
	if p.engine, err = engine.New(cfg); err != nil {
		return nil, err
	}
	if p.group, err = p.engine.Group(group); err != nil {
		return nil, err
	}
	for i, d := range pool {
		p.kinds[i] = d.Kind
		p.place[d.ID] = i
		if p.refs[i], err = p.engine.Ref(d.ID); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type enginePolicy struct {
	clock  *window.Clock // the engine's
	engine *engine.Engine
	group  *engine.Group
	now    func() time.Time
	place  map[string]int // ID to place in the pool
	refs   []engine.Ref   // by place in the pool
	kinds  []*provider.Kind
}

// Admit implements [Policy].
func (p *enginePolicy) Admit(r trace.Request, tried []int) (Attempt, bool) {
	d := engine.Demand{InputTokens: r.Prompt(), MaxOutputTokens: r.MaxOutput}
	for _, i := range tried {
		d.Exclude = append(d.Exclude, p.refs[i])
	}
	a := &engineAttempt{policy: p}
	var ok bool
	if a.lease, ok = p.group.TryAcquire(d); !ok {
		return nil, false
	}
	a.place = p.place[a.lease.Ref().ID()]
	return a, true
}

type engineAttempt struct {
	policy   *enginePolicy
	place    int
	lease    engine.Lease
	reported bool // Headers has reported the refusal
}

func (a *engineAttempt) Deployment() int { return a.place }

func (a *engineAttempt) Reserved() int64 { return a.lease.Reserved() }

func (a *engineAttempt) Served(r trace.Request) {
	a.lease.Settle(engine.Usage{InputTokens: r.Input, OutputTokens: r.Output})
}
