package fuzz

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// anything is a signal that no provider might send: all kinds, sizes and signs.
func anything(r *rand.Rand) provider.Signal {
	number := func() int64 {
		n := []int64{0, 1, -1, 10, 999, 1000, 5000, -27_689, 1 << 42, math.MaxInt64, math.MinInt64}
		return n[r.IntN(len(n))]
	}
	span := func() time.Duration {
		d := []time.Duration{0, 0, 0, 1, time.Second, 700 * time.Millisecond, 20 * time.Second, time.Minute, 9 * time.Minute, 3 * time.Hour, -1, math.MinInt64, math.MaxInt64}
		return d[r.IntN(len(d))]
	}
	s := provider.Signal{Kind: provider.Kind(r.IntN(9)), Weak: r.IntN(8) == 0}
	if r.IntN(3) == 0 {
		s.RetryAfter = span()
	}
	for l := range provider.AllLimits() {
		if r.IntN(3) == 0 {
			s = s.With(l, provider.Reading{Limit: number(), Remaining: number(), HasRemaining: r.IntN(3) != 0, Grain: number(), Reset: span()})
		}
	}
	return s
}

// TestNothingRefusesLongerThanItSays: whatever answers came, in whatever order, a
// deployment takes a request that fits its configured limits after the longest wait
// that any of them named, and what docs/PROVIDERS.md adds to it.
func TestNothingRefusesLongerThanItSays(t *testing.T) {
	const backOff = 10*time.Minute + 5*time.Minute + 2*time.Minute + time.Minute // no money, a reported limit, a figure's debt, the rest
	shapes := []provider.Profile{
		{},
		{LearnPhase: true, RequestWindow: 10 * time.Second},
		{Shape: provider.Bucket},
		{Phase: 7 * time.Second},
		{Shape: provider.Bucket, Admit: provider.AdmitLarger},
		{Pool: "p"},
		{Pool: "q", Shape: provider.Bucket},
	}
	configured := []engine.Limits{
		{},
		{RPM: 100, TPM: 10_000},
		{InputTPM: 5000, OutputTPM: 5000, RPM: 60},
		{RPM: 100, RPD: 5000, TPD: 1_000_000},
		{MaxInFlight: 4, TPM: 2000},
	}
	for seed := range uint64(scale(2000)) {
		r := rand.New(rand.NewPCG(seed, 3))
		v := newVirtual()
		v.add(time.Duration(r.Int64N(int64(24 * time.Hour))))
		d := engine.Deployment{ID: "a", Group: "g", Limits: configured[r.IntN(len(configured))], Profile: shapes[r.IntN(len(shapes))]}
		e, err := engine.New(engine.Config{Clock: v.clock(), PriorityShare: []float64{1, 0.5}, Deployments: []engine.Deployment{d}})
		require.NoError(t, err)
		g := group(t, e, "g")
		wait := backOff
		named := func(s *provider.Signal) {
			wait = max(wait, backOff+min(s.RetryAfter, provider.MaxReset))
			for l := range provider.AllLimits() {
				wait = max(wait, backOff+min(s.Reading(l).Reset, provider.MaxReset))
				if s.Reading(l).HasRemaining && l.Per() != provider.PerMinute {
					wait = max(wait, backOff+24*time.Hour) // a figure of a day holds for the day
				}
			}
		}
		for range r.IntN(60) {
			q := engine.Demand{InputTokens: r.Int64N(50), OutputTokens: 1 + r.Int64N(50), Priority: r.IntN(2)}
			l, ok := g.TryAcquire(q)
			for range r.IntN(3) {
				s := anything(r)
				named(&s)
				if ok && r.IntN(3) != 0 {
					l.Observe(s)
				} else {
					require.NoError(t, e.Observe("a", s))
				}
			}
			if r.IntN(2) == 0 {
				l.Settle(engine.Usage{InputTokens: q.InputTokens})
			} else {
				l.Release()
			}
			v.add(time.Duration(r.Int64N(int64(20 * time.Second))))
		}
		from := v.ns.Load()
		for _, class := range []int{1, 0} {
			for {
				l, err := g.Acquire(engine.Demand{InputTokens: 20, OutputTokens: engine.NoOutput, Priority: class})
				if err == nil {
					l.Settle(engine.Usage{InputTokens: 20})
					break
				}
				var le *engine.LimitError
				require.True(t, errors.As(err, &le) && !le.Never && le.RetryAfter > 0, "seed %d: %+v: %v", seed, d, err)
				v.add(le.RetryAfter)
				require.LessOrEqual(t, time.Duration(v.ns.Load()-from), wait, "seed %d: %+v: %v", seed, d, err)
			}
		}
	}
}
