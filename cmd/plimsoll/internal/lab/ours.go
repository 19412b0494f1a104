package lab

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
	engineprovider "github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// knowledge is what the engine knows of the providers' rule.
type knowledge uint8

const (
	configured knowledge = iota // the right profile
	unknown                     // none
	wrong                       // that of another provider
)

const group = "lab"

// ours returns the policy of an application with the engine in it.
func ours(k knowledge) NewPolicy {
	return func(s *Setting) (Policy, error) { return newEngine(s, k, s.Now, s.Seed) }
}

// enginePolicy is one node.
type enginePolicy struct {
	setting *Setting
	clock   *window.Clock
	engine  *engine.Engine
	group   *engine.Group
	now     func() time.Time
	vendor  string
	place   map[string]int // ID to place in the pool
	refs    []engine.Ref   // by place
	// short is called when a demand was refused for lack of a share of the limits; nil =
	// the nodes have no shares.
	short func()
	open  int // calls that wait
}

func newEngine(s *Setting, k knowledge, now func() time.Time, seed uint64) (*enginePolicy, error) {
	p := &enginePolicy{setting: s, now: now, place: map[string]int{}, vendor: s.World.Vendor}
	profile := s.World.Profile
	switch k {
	case unknown:
		profile, p.vendor = engineprovider.Unknown(), ""
	case wrong:
		profile, p.vendor = s.World.Wrong, ""
	case configured:
	}
	p.clock = window.NewClockFrom(now)
	cfg := engine.Config{Rand: safeRand(seed)}
	if s.Virtual {
		p.clock, cfg.Wake = window.NewClock(), s.sim.wakeLater()
	}
	cfg.Clock = p.clock
	if s.World.Batch > 0 {
		cfg.PriorityShare = classShares
	}
	daily := engineprovider.LimitOf(engineprovider.Tokens, engineprovider.PerDay)
	for i, d := range s.Pool {
		p.place[d.ID] = i
		own := limits(d)
		limits := engine.Limits{RPM: own.RPM, TPM: own.TPM, InputTPM: own.InputTPM, OutputTPM: own.OutputTPM}
		*limits.Of(daily) = s.World.perDay(d, i, s.Length)
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{
			ID: d.ID, Group: group, Limits: limits,
			Margin: s.World.Margin, Profile: profile, Weight: float64(d.TPM),
		})
	}
	var err error
	if p.engine, err = engine.New(cfg); err != nil {
		return nil, err
	}
	if p.group, err = p.engine.Group(group); err != nil {
		return nil, err
	}
	p.refs = make([]engine.Ref, len(s.Pool))
	for i, d := range s.Pool {
		if p.refs[i], err = p.engine.Ref(d.ID); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// safeRand returns a source for several goroutines.
func safeRand(seed uint64) func() uint64 {
	var mu sync.Mutex
	source := rand.NewPCG(seed, 0)
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return source.Uint64()
	}
}

// Admit implements [Policy].
func (p *enginePolicy) Admit(number uint64, r trace.Request, tried []int, answer func(Attempt)) {
	d := engine.Demand{InputTokens: r.Prompt(), MaxOutputTokens: r.MaxOutput}
	w, draws := p.setting.World, p.setting.sim.draws
	if w.batch(draws, number) {
		d.Priority = 1
	}
	if w.Cached > 0 {
		d.Affinity = conversation(draws, number)
	}
	for _, i := range tried {
		d.Exclude = append(d.Exclude, p.refs[i])
	}
	a := &engineAttempt{policy: p}
	if p.setting.World.Wait > 0 {
		admit := p.group.Wait
		if p.setting.World.Mode == syncer.Auto {
			admit = p.group.AcquireGranted
		}
		p.open++
		p.setting.sim.wait(number, func(ctx context.Context) Attempt {
			var err error
			if a.lease, err = admit(ctx, d); err != nil {
				return nil
			}
			return a.placed()
		}, func(a Attempt) {
			p.open--
			answer(a)
		})
		return
	}
	var ok bool
	if a.lease, ok = p.group.TryAcquire(d); !ok {
		p.ask()
		answer(nil)
		return
	}
	answer(a.placed())
}

// ask lets the node exchange early if the engine has said that it is short of a share.
func (p *enginePolicy) ask() {
	if p.short == nil {
		return
	}
	select {
	case <-p.engine.Short():
		p.short()
	default: // not since the last exchange
	}
}

// placed returns the attempt once it has a lease.
func (a *engineAttempt) placed() *engineAttempt {
	a.place = a.policy.place[a.lease.Ref().ID()]
	return a
}

type engineAttempt struct {
	policy *enginePolicy
	lease  engine.Lease
	place  int
}

// Deployment implements [Attempt].
func (a *engineAttempt) Deployment() int { return a.place }

// Headers implements [Attempt].
func (a *engineAttempt) Headers(status int, header func(name string) string, body []byte) {
	a.lease.Observe(engineprovider.Read(engineprovider.Answer{
		Provider: a.policy.vendor, Status: status, Header: header, Body: body, At: a.policy.now(),
	}))
	a.policy.setting.sim.settle()
}

// Served implements [Attempt].
func (a *engineAttempt) Served(r trace.Request, cached int64) {
	a.end(engine.Usage{InputTokens: r.Input, OutputTokens: r.Output, CachedInputTokens: min(cached, r.Input)})
}

// Refused implements [Attempt].
func (a *engineAttempt) Refused(time.Duration) { a.end(engine.Usage{}) }

// Failed implements [Attempt].
func (a *engineAttempt) Failed(status int) {
	if status == 0 {
		a.lease.Observe(engineprovider.Signal{Kind: engineprovider.Other, Worked: true})
	}
	a.end(engine.Usage{})
}

func (a *engineAttempt) end(u engine.Usage) {
	a.lease.Settle(u)
	a.policy.setting.sim.settle()
}
