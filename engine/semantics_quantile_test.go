package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestOutputQuantile: once learned, about the share asked for of a deployment's
// outputs stays within what was reserved for them, whatever they look like; and
// again after they have changed.
func TestOutputQuantile(t *testing.T) {
	shapes := map[string]func(r *rand.Rand) float64{
		"exponential": func(r *rand.Rand) float64 { return 300 * r.ExpFloat64() },
		"log-normal":  func(r *rand.Rand) float64 { return 200 * math.Exp(r.NormFloat64()) },
		"uniform":     func(r *rand.Rand) float64 { return 1000 * r.Float64() },
		"two kinds":   func(r *rand.Rand) float64 { return 20 + 2000*float64(r.IntN(2)) + 50*r.Float64() },
	}
	quantiles := []float64{0.5, 0.9, 0.95, 0.99}
	if raceEnabled { // one goroutine: nothing to find but time to lose
		quantiles = []float64{0.9}
	}
	for name, draw := range shapes {
		if raceEnabled && name != "exponential" {
			continue
		}
		for _, p := range quantiles {
			t.Run(fmt.Sprint(name, "/", p), func(t *testing.T) {
				cfg := one(engine.Limits{})
				cfg.OutputQuantile = p
				e, _ := start(t, cfg)
				g, r := group(t, e, "chat"), rand.New(rand.NewPCG(1, 2))
				for _, scale := range []float64{1, 8, 0.25} {
					within := 0
					const learning, counted = 3000, 20_000
					for i := range learning + counted {
						out := int64(scale * draw(r))
						l := acquire(t, g, engine.Demand{})
						require.GreaterOrEqual(t, l.Reserved(), int64(0))
						if i >= learning && out <= l.Reserved() {
							within++
						}
						l.Settle(engine.Usage{InputTokens: 1, OutputTokens: out})
					}
					require.InDelta(t, p, float64(within)/counted, 0.02, "outputs %g times as long", scale)
				}
			})
		}
	}
}

// TestOutputQuantileOverruns: with outputs that vary, a soft cap is overrun less
// by the quantile than by the mean, and less used.
func TestOutputQuantileOverruns(t *testing.T) {
	run := func(p float64) (overrun, used int64) {
		cfg := one(engine.Limits{TPM: 20_000})
		cfg.OutputQuantile = p
		e, clock := start(t, cfg)
		g, r := group(t, e, "chat"), rand.New(rand.NewPCG(3, 4))
		for range 300 {
			var leases []*engine.Lease
			for {
				l, ok := g.TryAcquire(engine.Demand{InputTokens: 50})
				if !ok {
					break
				}
				leases = append(leases, &l)
			}
			for _, l := range leases {
				l.Settle(engine.Usage{InputTokens: 50, OutputTokens: int64(150 * math.Exp(r.NormFloat64()))})
			}
			used += state(t, e, "a").Limit(engine.LimitTPM).Used
			clock.Advance(60e9)
		}
		return e.Stats().Overrun, used
	}
	meanOver, meanUsed := run(0)
	highOver, highUsed := run(0.95)
	t.Logf("overrun, used: mean %d, %d; p95 %d, %d", meanOver, meanUsed, highOver, highUsed)
	require.Less(t, highOver, meanOver/10)
	require.Less(t, highUsed, meanUsed)
	require.NotZero(t, meanOver)
}

// TestOutputQuantileStart: nothing is known before eight calls; the group's is
// used before the deployment's own; Apply changes to the mean and back.
func TestOutputQuantileStart(t *testing.T) {
	cfg := chat(engine.LeastUtilized, 2, engine.Limits{})
	cfg.OutputQuantile, cfg.ExpectedOutput = 0.95, 11
	e, _ := start(t, cfg)
	g := group(t, e, "chat")
	only := func(i int) engine.Demand { return engine.Demand{Exclude: []engine.Ref{ref(t, e, id(1-i))}} }
	for i := range 8 {
		require.EqualValues(t, 11, state(t, e, id(1)).ExpectedOutput)
		l := acquire(t, g, only(0))
		require.EqualValues(t, 11, l.Reserved())
		l.Settle(engine.Usage{OutputTokens: int64(10 * (i + 1))})
	}
	require.EqualValues(t, 80, state(t, e, id(0)).ExpectedOutput, "the largest of the first eight")
	require.EqualValues(t, 80, state(t, e, id(1)).ExpectedOutput, "from the group")
	l := acquire(t, g, only(1))
	require.EqualValues(t, 80, l.Reserved())
	l.Release()
	capped := only(1)
	capped.MaxOutputTokens = 30
	l = acquire(t, g, capped)
	require.EqualValues(t, 30, l.Reserved())

	cfg.OutputQuantile = 0
	require.NoError(t, e.Apply(cfg))
	require.EqualValues(t, 45, state(t, e, id(0)).ExpectedOutput)
	cfg.OutputQuantile = 0.5
	require.NoError(t, e.Apply(cfg))
	require.EqualValues(t, 80, state(t, e, id(0)).ExpectedOutput)
}
