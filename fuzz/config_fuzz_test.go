package fuzz

import (
	"math"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// FuzzConfig throws configurations at Validate: it never panics, New succeeds
// if and only if it finds nothing, Apply agrees with New, and an engine made
// from what it lets pass works.
func FuzzConfig(f *testing.F) {
	for seed := range uint64(24) {
		f.Add(noise(seed+100, 40))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		cfg := s.config()
		v := newVirtual()
		cfg.Clock = v.clock()
		invalid := cfg.Validate()
		e, err := engine.New(cfg)
		if (err == nil) != (invalid == nil) {
			t.Fatalf("Validate: %v; New: %v", invalid, err)
		}
		running, err := engine.New(engine.Config{
			Deployments: []engine.Deployment{{ID: "only", Group: "one", Limits: engine.Limits{RPM: 1}}},
			Clock:       cfg.Clock, LeaseTTL: legalTTL(cfg.LeaseTTL),
		})
		if err != nil {
			t.Fatal(err)
		}
		g, err := running.Group("one")
		if err != nil {
			t.Fatal(err)
		}
		if err := running.Apply(cfg); (err == nil) != (invalid == nil) {
			t.Fatalf("Validate: %v; Apply: %v", invalid, err)
		} else if err != nil {
			if l, ok := g.TryAcquire(plain(1)); !ok || l.Ref().ID() != "only" {
				t.Fatal("a configuration refused has changed something")
			}
		}
		if invalid != nil {
			if invalid.Error() == "" {
				t.Fatal("an error without a text")
			}
			return
		}
		use(t, e, cfg)
	})
}

// legalTTL is d where an engine can be made with it.
func legalTTL(d time.Duration) time.Duration {
	if d < time.Minute || d > 24*time.Hour {
		return 0
	}
	return d
}

// use asks a new engine for everything once.
func use(t *testing.T, e *engine.Engine, cfg engine.Config) {
	t.Helper()
	for name := range cfg.Aliases {
		if _, err := e.Group(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range cfg.Deployments {
		g, err := e.Group(d.Group)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := e.Ref(d.ID); err != nil || r.ID() != d.ID {
			t.Fatal(r.ID(), err)
		}
		q := engine.Demand{InputTokens: 10}
		g.Pick(q)
		if l, err := g.Acquire(q); err == nil {
			l.Settle(engine.Usage{InputTokens: 9, OutputTokens: 3})
		}
	}
	if n := len(e.AppendStates(nil)); n != len(cfg.Deployments) {
		t.Fatalf("%d states of %d deployments", n, len(cfg.Deployments))
	}
	for _, s := range e.AppendStates(nil) {
		if over(s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitRPM).Max) {
			t.Fatalf("over its limit: %+v", s)
		}
	}
}

// config draws a configuration that is sound more often than not.
func (s *script) config() engine.Config {
	cfg := engine.Config{
		Strategy:       engine.Strategy(of[uint8](s, 0, 0, 1, 2, 3, 4, 255)),
		ExpectedOutput: of[int64](s, 0, 0, 0, 1, 256, -1, engine.MaxCount, engine.MaxCount+1, math.MinInt64, math.MaxInt64),
		LeaseTTL:       of[time.Duration](s, 0, 0, 0, time.Minute, time.Minute-1, 24*time.Hour, 24*time.Hour+1, -1, math.MaxInt64, math.MinInt64),
	}
	for range s.int(6) {
		cfg.Deployments = append(cfg.Deployments, s.deployment())
	}
	if s.byte()%3 == 0 {
		cfg.Aliases = map[string]string{}
		for range s.int(5) {
			cfg.Aliases[s.name()] = s.name()
		}
	}
	return cfg
}

func (s *script) deployment() engine.Deployment {
	return engine.Deployment{
		ID: s.name() + s.name() + s.name(), Group: s.name(), Model: s.name(),
		Limits:   engine.Limits{RPM: s.limit(), TPM: s.limit(), MaxInFlight: s.limit()},
		Weight:   of(s, 0, 0, 0, 0, 1, 1e-9, math.MaxFloat64, math.SmallestNonzeroFloat64, -1, math.NaN(), math.Inf(1), math.Copysign(0, -1)),
		Disabled: s.byte()%4 == 1,
		Order:    of(s, 0, 0, 0, 1, -1, math.MinInt, math.MaxInt),
		Tags:     of(s, nil, nil, []string{"a"}, []string{"a", "a"}, []string{""}),
	}
}

func (s *script) name() string {
	return of(s, "a", "b", "c", "d", "e:f", "g", "h", "", "a", "b", "\xff\x00", "c", "d", "g", "h", "日本")
}

func (s *script) limit() int64 {
	return of[int64](s, 0, 0, 0, 0, 1, 10, 1000, engine.Blocked, 1<<42, 0, 1, 10, 100, -2, 1<<42+1, math.MinInt64, math.MaxInt64)
}
