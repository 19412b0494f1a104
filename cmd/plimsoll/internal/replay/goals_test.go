package replay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// tracesBesideCheckout is where samples of real traffic lie on some machines;
// elsewhere their tests are skipped.
const tracesBesideCheckout = "../../../../../shared/traces"

// traffic is something the goals are tested on.
type traffic struct {
	name    string
	file    string  // "" = generated
	goodput float64 // least share of the tokens that could be served, the smaller of those offered and the quota
}

var traffics = []traffic{
	{"generated", "", 0.85},
	{"code", "azure_code_2023.csv", 0.75},
	{"chat", "azure_conv_2023.csv", 0.85},
	{"reasoning", "servegen_r1_synth.csv", 0.85},
}

// load returns the traffic's trace, or skips the test.
func (tr traffic) load(t *testing.T) trace.Trace {
	t.Helper()
	requests := trace.Generate(1, time.Hour, trace.Chat(), trace.Code())
	if tr.file != "" {
		path := filepath.Join(filepath.FromSlash(tracesBesideCheckout), tr.file)
		if _, err := os.Stat(path); err != nil {
			t.Skip("no traces beside the checkout")
		}
		var err error
		requests, err = trace.ReadFile(t.Context(), path)
		require.NoError(t, err)
	}
	requests.NameMaxOutput(1)
	return requests
}

var strategies = []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted}

// run replays requests, whose arrivals it warps, and requires that no limit was
// passed.
func run(t *testing.T, requests trace.Trace, poolName string, load float64, strategy engine.Strategy, seed uint64) *replay.Report {
	t.Helper()
	pool, err := provider.Pool(poolName)
	require.NoError(t, err)
	require.NoError(t, replay.FitLoad(requests, pool, load))
	report, err := replay.Run(t.Context(), replay.Options{
		Trace: requests, Pool: pool, Policy: replay.Engine(strategy), Seed: seed,
	})
	require.NoError(t, err)
	requireConsistent(t, report)
	for _, d := range report.Deployments {
		require.LessOrEqual(t, d.PeakRPM, d.RPMLimit, d.ID)
		require.LessOrEqual(t, d.PeakReservedTPM, d.TPMLimit, d.ID)
	}
	return report
}

func TestGoalsNearFullLoad(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			r := run(t, tr.load(t), "standard", 0.95, engine.LeastUtilized, 1)
			possible := min(r.TokensOffered, r.QuotaTokens)
			require.GreaterOrEqual(t, float64(r.TokensServed), tr.goodput*float64(possible))
			require.LessOrEqual(t, 1000*r.Provider429, 10*r.Offered)
			t.Logf("goodput %.2f %%, %d provider 429s", 100*float64(r.TokensServed)/float64(possible), r.Provider429)
		})
	}
}

func TestLimitsHoldUnderOverload(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			run(t, tr.load(t), "standard", 1.5, engine.LeastUtilized, 1)
		})
	}
	for _, strategy := range strategies {
		for _, pool := range provider.PoolNames {
			t.Run(strategy.String()+" on "+pool, func(t *testing.T) {
				run(t, generated(t, 1), pool, 1.5, strategy, 1)
			})
		}
	}
}

func TestEveryRequestOfALimitIsUsed(t *testing.T) {
	for _, tr := range traffics {
		t.Run(tr.name, func(t *testing.T) {
			r := run(t, tr.load(t), "rpm-bound", 1.5, engine.LeastUtilized, 1)
			atLimit := 0
			for _, d := range r.Deployments {
				if d.PeakRPM == d.RPMLimit {
					atLimit++
				}
			}
			require.Positive(t, atLimit)
		})
	}
}

func TestSameSeedSameReport(t *testing.T) {
	encoded := func(seed uint64, strategy engine.Strategy) string {
		r := run(t, generated(t, seed), "standard", 1.2, strategy, seed)
		r.WallMS, r.DecisionsPerS = 0, 0
		out, err := json.Marshal(r)
		require.NoError(t, err)
		return string(out)
	}
	for _, strategy := range strategies {
		first := encoded(1, strategy)
		require.Equal(t, first, encoded(1, strategy))
		require.NotEqual(t, first, encoded(2, strategy))
	}
}
