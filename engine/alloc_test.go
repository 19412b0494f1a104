//go:build !race

package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// allocating is the most a refusal with its reason may allocate: the error with its states,
// and their limits.
const allocating = 2

// pool is n deployments of one group with these limits. Half of them are
// tagged, and a tenth stand in a second tier.
func pool(strategy engine.Strategy, n int, limits engine.Limits) engine.Config {
	cfg := engine.Config{PriorityShare: []float64{1, 0.999}, Strategy: strategy, Aliases: map[string]string{"default": "chat"}}
	for i := range n {
		d := engine.Deployment{ID: id(i), Group: "chat", Model: "gpt-4o", Limits: limits, Weight: 1 + float64(i%3)}
		if i%2 == 0 {
			d.Tags = []string{"eu", "fast"}
		}
		if i%10 == 9 {
			d.Order = 1
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	return cfg
}

// TestAllocations: admitted paths allocate nothing, nor do refusals without a
// reason; a refusal with a reason allocates twice at most.
func TestAllocations(t *testing.T) {
	const room = 1 << 40
	kinds := []struct {
		name   string
		limits engine.Limits
		admits bool
		shaped bool // a profile that is not plain
	}{
		{"no limits", engine.Limits{}, true, false},
		{"tokens", engine.Limits{TPM: room}, true, false},
		{"all limits", engine.Limits{RPM: room, TPM: room, MaxInFlight: 1 << 20}, true, false},
		{"every limit", engine.Limits{RPM: room, TPM: room, InputTPM: room, OutputTPM: room, RPD: room, TPD: room, MaxInFlight: 1 << 20}, true, false},
		{"days used up", engine.Limits{RPM: room, RPD: engine.Blocked, TPD: room}, false, false},
		{"input too small for the demand", engine.Limits{InputTPM: 1, OutputTPM: 1}, false, false},
		{"buckets", engine.Limits{RPM: room, TPM: room, InputTPM: room, RPD: room}, true, true},
		{"buckets too small for the demand", engine.Limits{RPM: room, TPM: 9}, false, true},
		{"pool", engine.Limits{RPM: room, TPM: room, RPD: room, TPD: room}, true, true},
		{"requests blocked", engine.Limits{RPM: engine.Blocked, TPM: room}, false, false},
		{"tokens blocked", engine.Limits{TPM: engine.Blocked}, false, false},
		{"too small for the demand", engine.Limits{RPM: room, TPM: 99}, false, false},
		{"leases blocked", engine.Limits{TPM: room, MaxInFlight: engine.Blocked}, false, false},
	}
	pools := map[string]string{"pool": "account"}
	for _, n := range []int{10, 200} {
		for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy} {
			for _, kind := range kinds {
				t.Run(fmt.Sprintf("%d/%s/%s", n, strategy, kind.name), func(t *testing.T) {
					cfg := pool(strategy, n, kind.limits)
					if kind.shaped {
						for i := range cfg.Deployments {
							cfg.Deployments[i].Profile = provider.Profile{
								Pool: pools[kind.name], Shape: provider.Bucket, RequestWindow: 10 * time.Second, Weights: provider.Weights{Input: 1, Output: 5}, Day: provider.DayPacific,
							}
						}
					}
					e, _ := start(t, cfg)
					// A limit on leases stops no pre-check.
					requireAllocations(t, e, kind.admits, kind.admits || kind.limits.MaxInFlight == engine.Blocked)
				})
			}
		}
	}
}

// requireAllocations measures every way in; acquires and checks say whether
// there is headroom for a lease and for a pre-check.
func requireAllocations(t *testing.T, e *engine.Engine, acquires, checks bool) {
	t.Helper()
	withReason := func(ok bool) float64 {
		if ok {
			return 0
		}
		return allocating
	}
	g, r := group(t, e, "chat"), ref(t, e, id0)
	for name, d := range map[string]engine.Demand{
		"unnamed output": {InputTokens: 100},
		"named output":   {InputTokens: 100, OutputTokens: 50, MaxOutputTokens: 60},
		"no output":      exactly(100),
		"tags":           {InputTokens: 100, Tags: []string{"fast", "eu"}},
		"exclude":        {InputTokens: 100, Exclude: []engine.Ref{ref(t, e, id(2)), ref(t, e, id(4))}},
		"affinity":       {InputTokens: 100, Affinity: 7},
		"class 1":        {InputTokens: 100, Priority: 1},
		"affinity, tags": {InputTokens: 100, Affinity: 7, Tags: []string{"eu"}},
		"tags, exclude":  {InputTokens: 100, Tags: []string{"eu"}, Exclude: []engine.Ref{ref(t, e, id(2))}},
	} {
		atMost(t, name+": Group.Pick", 0, acquires, func() bool {
			_, ok := g.Pick(d)
			return ok
		})
		atMost(t, name+": TryAcquire, Settle", 0, acquires, func() bool {
			lease, ok := g.TryAcquire(d)
			defer lease.Release()
			lease.Add(3)
			lease.Settle(engine.Usage{InputTokens: 100, OutputTokens: 20})
			return ok
		})
		atMost(t, name+": TryAcquire, Release", 0, acquires, func() bool {
			lease, ok := g.TryAcquire(d)
			lease.Release()
			return ok
		})
		if acquires {
			atMost(t, name+": Wait", 0, true, func() bool {
				lease, err := g.Wait(t.Context(), d)
				lease.SettleReserved()
				return err == nil
			})
		}
		atMost(t, name+": Acquire", withReason(acquires), acquires, func() bool {
			lease, err := g.Acquire(d)
			lease.SettleReserved()
			return err == nil
		})
		atMost(t, name+": Ref.PreCheck", 0, checks, func() bool { return r.PreCheck(d) })
		atMost(t, name+": Pick by name", withReason(acquires), acquires, func() bool {
			_, err := e.Pick("chat", d)
			return err == nil
		})
		atMost(t, name+": Pick by alias", withReason(acquires), acquires, func() bool {
			_, err := e.Pick("default", d)
			return err == nil
		})
		atMost(t, name+": PreCheck by name", withReason(checks), checks, func() bool { return e.PreCheck(id0, d) == nil })
	}
	atMost(t, "Ref.Record", 0, true, func() bool {
		r.Record(engine.Usage{InputTokens: 1})
		return true
	})
	atMost(t, "Record by name", 0, true, func() bool { return e.Record(id0, engine.Usage{InputTokens: 1}) == nil })
}

// atMost runs f often and fails if it allocates more, or ever says anything but ok.
func atMost(t *testing.T, name string, allocs float64, ok bool, f func() bool) {
	t.Helper()
	got := testing.AllocsPerRun(20, func() {
		if f() != ok {
			t.Fatalf("%s: ok = %t, want %t", name, !ok, ok)
		}
	})
	require.LessOrEqual(t, got, allocs, name)
}

// TestAllocationsWhenNotOrdinary: cooling and disabled deployments, others'
// usage, ceilings, full tiers and new minutes cost no memory either.
func TestAllocationsWhenNotOrdinary(t *testing.T) {
	const n = 1000
	for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy} {
		t.Run(strategy.String(), func(t *testing.T) {
			e, _ := start(t, pool(strategy, n, engine.Limits{RPM: 1 << 30, TPM: 100_000}))
			g := group(t, e, "chat")
			for i := range n {
				r := ref(t, e, id(i))
				switch i % 5 {
				case 0:
					r.Record(engine.Usage{InputTokens: 100_000}) // full
				case 1:
					r.Cooldown(1 << 36)
				case 2:
					r.SetEnabled(false)
				case 3:
					others(e, firstMinute, r.ID(), 5, int64(i))
				}
			}
			for name, d := range map[string]engine.Demand{"small": {InputTokens: 1}, "large": exactly(99_990), "affinity": {InputTokens: 1, Affinity: 3}, "too large": exactly(100_001)} {
				ok := name != "too large"
				atMost(t, name+": Pick", 0, ok, func() bool {
					_, ok := g.Pick(d)
					return ok
				})
				atMost(t, name+": TryAcquire", 0, ok, func() bool {
					lease, ok := g.TryAcquire(d)
					lease.Release()
					return ok
				})
			}
			states := e.AppendStates(nil)
			atMost(t, "AppendStates", 0, true, func() bool {
				states = e.AppendStates(states[:0])
				return len(states) == n
			})
		})
	}
}

// TestAllocationsWhileListening: marks, and what answers say, allocate nothing
// either, unless a limit or a phase comes into force.
func TestAllocationsWhileListening(t *testing.T) {
	for name, p := range map[string]provider.Profile{
		"minute": {}, "phase": {Phase: 20 * time.Second}, "bucket": {Shape: provider.Bucket},
	} {
		t.Run(name, func(t *testing.T) {
			const room = 1 << 40
			e, _ := start(t, profiled(engine.Limits{RPM: room, TPM: room, InputTPM: room, RPD: room}, p))
			g, r := group(t, e, "chat"), ref(t, e, "a")
			var s provider.Signal
			for l := range provider.AllLimits() {
				s = s.With(l, provider.Reading{Limit: room, Remaining: room / 2, HasRemaining: true, Reset: 30 * time.Second})
			}
			r.Observe(s, r.Mark()) // OutputTPM and TPD come into force
			require.Zero(t, testing.AllocsPerRun(100, func() {
				l, ok := g.TryAcquire(exactly(10))
				require.True(t, ok)
				l.Observe(s)
				l.Settle(engine.Usage{InputTokens: 5, OutputTokens: 3})
			}))
			require.Zero(t, testing.AllocsPerRun(100, func() { r.Observe(s, r.Mark()) }))
		})
	}
}

// TestAllocationsOfCallers: a demand that names a caller allocates no more than another.
func TestAllocationsOfCallers(t *testing.T) {
	const room = 1 << 40
	every := engine.Limits{RPM: room, TPM: room, InputTPM: room, OutputTPM: room, RPD: room, TPD: room, MaxInFlight: 1 << 20}
	for name, c := range map[string]struct {
		deployments, caller engine.Limits
		admits              bool
	}{
		"plain":                {engine.Limits{TPM: room}, engine.Limits{RPM: room, TPM: room}, true},
		"every limit":          {every, every, true},
		"caller refuses":       {engine.Limits{TPM: room}, engine.Limits{TPM: 9}, false},
		"deployments refuse":   {engine.Limits{TPM: 9}, engine.Limits{TPM: room, MaxInFlight: 10}, false},
		"both refuse requests": {engine.Limits{RPM: engine.Blocked}, engine.Limits{RPD: engine.Blocked}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pool(engine.LeastUtilized, 10, c.deployments)
			cfg.Callers = []engine.Caller{{ID: "team", Limits: c.caller, Groups: []string{"cha*"}}}
			e, _ := start(t, cfg)
			g, r, team := group(t, e, "chat"), ref(t, e, id0), callerRef(t, e, "team")
			usage := engine.Usage{InputTokens: 100, OutputTokens: 20}
			for name, d := range map[string]engine.Demand{
				"unnamed output": {InputTokens: 100, Caller: team},
				"tags, exclude":  {InputTokens: 100, Tags: []string{"eu"}, Exclude: []engine.Ref{ref(t, e, id(2))}, Caller: team},
			} {
				atMost(t, name+": Group.Pick", 0, c.admits, func() bool {
					_, ok := g.Pick(d)
					return ok
				})
				atMost(t, name+": TryAcquire, Settle", 0, c.admits, func() bool {
					lease, ok := g.TryAcquire(d)
					lease.Add(3)
					lease.Settle(usage)
					return ok
				})
				atMost(t, name+": TryAcquire, Release", 0, c.admits, func() bool {
					lease, ok := g.TryAcquire(d)
					lease.Release()
					return ok
				})
				reason := 0.0
				if !c.admits {
					reason = allocating
				}
				atMost(t, name+": Acquire", reason, c.admits, func() bool {
					lease, err := g.Acquire(d)
					lease.Release()
					return err == nil
				})
				atMost(t, name+": Ref.PreCheck, Record", 0, c.admits, func() bool {
					ok := r.PreCheck(d)
					team.Record(engine.Usage{})
					return ok
				})
			}
		})
	}
}
