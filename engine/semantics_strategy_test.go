package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// used is one deployment with what other nodes have used of it.
type used struct {
	limits           engine.Limits
	requests, tokens int64
}

// TestRanking wants exactly the deployments picked that the strategy ranks
// lowest. They are named a, b, c and so on.
func TestRanking(t *testing.T) {
	tests := []struct {
		name        string
		strategy    engine.Strategy
		deployments []used
		want        []string
	}{
		{"lowest tpm: absolute tokens", engine.LowestTPM, []used{{engine.Limits{TPM: 100}, 0, 60}, {engine.Limits{TPM: 10_000}, 0, 70}}, []string{"a"}},
		{"lowest tpm: requests break no ties", engine.LowestTPM, []used{{engine.Limits{RPM: 10}, 9, 5}, {engine.Limits{RPM: 10}, 0, 5}}, []string{"a", "b"}},
		{"lowest tpm: full is skipped", engine.LowestTPM, []used{{engine.Limits{RPM: 1}, 1, 0}, {engine.Limits{}, 0, 5}}, []string{"b"}},
		{"lowest tpm: all unused", engine.LowestTPM, []used{{}, {}, {}}, []string{"a", "b", "c"}},
		{"least utilized: share of the tokens", engine.LeastUtilized, []used{{engine.Limits{TPM: 100}, 0, 60}, {engine.Limits{TPM: 10_000}, 0, 70}}, []string{"b"}},
		{"least utilized: share of the requests", engine.LeastUtilized, []used{{engine.Limits{RPM: 10}, 6, 0}, {engine.Limits{RPM: 10}, 5, 900}}, []string{"b"}},
		{"least utilized: largest share decides", engine.LeastUtilized, []used{{engine.Limits{RPM: 10, TPM: 1000}, 1, 700}, {engine.Limits{RPM: 10, TPM: 1000}, 6, 10}}, []string{"b"}},
		{"least utilized: no limits are no share", engine.LeastUtilized, []used{{engine.Limits{}, 900, 900_000}, {engine.Limits{TPM: 1_000_000}, 0, 1000}}, []string{"a"}},
		{"least utilized: equal shares, fewer tokens", engine.LeastUtilized, []used{{engine.Limits{TPM: 1024}, 0, 512}, {engine.Limits{TPM: 2048}, 0, 1024}}, []string{"a"}},
		{"least utilized: equal thirds, fewer tokens", engine.LeastUtilized, []used{{engine.Limits{TPM: 999}, 0, 333}, {engine.Limits{TPM: 3}, 0, 1}}, []string{"b"}},
		{"least utilized: equal requests, fewer tokens", engine.LeastUtilized, []used{{engine.Limits{RPM: 10}, 5, 31}, {engine.Limits{RPM: 10}, 5, 30}}, []string{"b"}},
		{"least utilized: no limits, fewer tokens", engine.LeastUtilized, []used{{engine.Limits{}, 1, 8}, {engine.Limits{}, 9, 7}}, []string{"b"}},
		{"least utilized: equal in all", engine.LeastUtilized, []used{{engine.Limits{TPM: 100}, 3, 50}, {engine.Limits{TPM: 100}, 7, 50}, {engine.Limits{TPM: 100}, 0, 51}}, []string{"a", "b"}},
		{"power of two: never the worst", engine.PowerOfTwo, []used{{engine.Limits{TPM: 100}, 0, 10}, {engine.Limits{TPM: 100}, 0, 90}, {engine.Limits{TPM: 100}, 0, 50}}, []string{"a", "c"}},
		{"power of two: two distinct ones", engine.PowerOfTwo, []used{{engine.Limits{TPM: 100}, 0, 50}, {engine.Limits{TPM: 100}, 0, 49}}, []string{"b"}},
		{"power of two: one", engine.PowerOfTwo, []used{{engine.Limits{TPM: 100}, 0, 50}}, []string{"a"}},
		{"weighted: whatever was used", engine.Weighted, []used{{engine.Limits{TPM: 100}, 0, 98}, {engine.Limits{TPM: 100}, 0, 0}}, []string{"a", "b"}},
		{"weighted: full is skipped", engine.Weighted, []used{{engine.Limits{TPM: 100}, 0, 99}, {engine.Limits{TPM: 100}, 0, 100}}, []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := engine.Config{Strategy: test.strategy}
			for i, d := range test.deployments {
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: string(rune('a' + i)), Group: "chat", Limits: d.limits})
			}
			e, _ := start(t, cfg)
			for i, d := range test.deployments {
				others(e, firstMinute, string(rune('a'+i)), d.requests, d.tokens)
			}
			g := group(t, e, "chat")
			require.ElementsMatch(t, test.want, picked(countPicks(g, exactly(1), 200)))
			for range 50 {
				lease := acquire(t, g, exactly(1))
				require.Contains(t, test.want, lease.Ref().ID())
				lease.Release()
			}
		})
	}
}

// TestRankingSeesReservations: leases held count like usage, and in flight
// like any other limit.
func TestRankingSeesReservations(t *testing.T) {
	e, _ := start(t, engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: engine.Limits{TPM: 100}},
		{ID: "b", Group: "chat", Limits: engine.Limits{TPM: 100}},
	}})
	g := group(t, e, "chat")
	others(e, firstMinute, "b", 0, 1)
	require.Equal(t, "a", acquire(t, g, exactly(50)).Ref().ID())
	require.Equal(t, "b", acquire(t, g, exactly(20)).Ref().ID())
	require.Equal(t, map[string]int{"b": 50}, countPicks(g, exactly(1), 50))

	e, _ = start(t, engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: engine.Limits{MaxInFlight: 2}},
		{ID: "b", Group: "chat", Limits: engine.Limits{TPM: 100}},
	}})
	g = group(t, e, "chat")
	others(e, firstMinute, "b", 0, 10)
	require.Equal(t, "a", acquire(t, g, exactly(0)).Ref().ID())
	require.InDelta(t, 0.5, state(t, e, "a").Utilization, 1e-6)
	require.Equal(t, map[string]int{"b": 50}, countPicks(g, exactly(1), 50))
}

// TestTiesAreEven: ±5 % up to 64 tied candidates, above each within 0.4 to 2.6
// times its share.
func TestTiesAreEven(t *testing.T) {
	const perMember = 10_000
	sizes := []int{2, 3, 7, 10, 33, 64, 65, 128, 300}
	if raceEnabled { // one goroutine: nothing to find but time to lose
		sizes = []int{3}
	}
	for _, strategy := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%d", strategy, n), func(t *testing.T) {
				e, _ := start(t, tied(strategy, n, n/2))
				picks := perMember * min(n, 64)
				least, most := 0.95, 1.05
				if n > 64 {
					picks, least, most = 1000*n, 0.4, 2.6
				}
				counts := countPicks(group(t, e, "chat"), exactly(1), picks)
				require.Len(t, counts, n)
				for id, got := range counts {
					share := float64(got) * float64(n) / float64(picks)
					require.GreaterOrEqual(t, share, least, id)
					require.LessOrEqual(t, share, most, id)
				}
			})
		}
	}
}

// tied is a group of n equal deployments, and as many others that are full,
// scattered among them.
func tied(strategy engine.Strategy, n, full int) engine.Config {
	cfg := engine.Config{Strategy: strategy}
	for i := 0; n+full > 0; i++ {
		d := engine.Deployment{ID: id(i), Group: "chat", Limits: engine.Limits{TPM: 1000}}
		if full > 0 && i%3 == 1 || n == 0 {
			d.Limits.TPM = engine.Blocked
			full--
		} else {
			n--
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	return cfg
}

func TestPowerOfTwoShares(t *testing.T) {
	e, _ := start(t, engine.Config{Strategy: engine.PowerOfTwo, Deployments: []engine.Deployment{
		{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}, {ID: "c", Group: "chat"},
	}})
	others(e, firstMinute, "b", 0, 10)
	others(e, firstMinute, "c", 0, 20)
	counts := countPicks(group(t, e, "chat"), exactly(1), 60_000)
	require.InEpsilon(t, 40_000, counts["a"], 0.05, "in two of three pairs, and the better")
	require.InEpsilon(t, 20_000, counts["b"], 0.05, "the better in one of three pairs")
	require.Zero(t, counts["c"])
}

// TestPowerOfTwoFullScan: one deployment of many has headroom and is always found.
func TestPowerOfTwoFullScan(t *testing.T) {
	for _, n := range []int{2, 50, 500} {
		cfg := tied(engine.PowerOfTwo, 1, n-1)
		e, _ := start(t, cfg)
		g := group(t, e, "chat")
		require.Equal(t, map[string]int{id(0): 300}, countPicks(g, exactly(1), 300), "%d deployments", n)
		for range 300 {
			require.Equal(t, id(0), acquire(t, g, exactly(1)).Ref().ID())
		}
	}
}

func TestWeightedShares(t *testing.T) {
	tests := []struct {
		name    string
		weights []float64
		full    int // index of one that has no headroom, -1: none
		want    []float64
	}{
		{"equal by default", []float64{0, 0, 0, 1}, -1, []float64{0.25, 0.25, 0.25, 0.25}},
		{"proportional", []float64{1, 2, 5}, -1, []float64{0.125, 0.25, 0.625}},
		{"below one", []float64{0.1, 0.3}, -1, []float64{0.25, 0.75}},
		{"default is one", []float64{0, 3}, -1, []float64{0.25, 0.75}},
		{"shares of a full one go to the rest", []float64{1, 2, 5}, 2, []float64{1. / 3, 2. / 3, 0}},
		{"huge and small", []float64{1e9, 1e9, 1e-9}, -1, []float64{0.5, 0.5, 0}},
	}
	const picks = 40_000
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := engine.Config{Strategy: engine.Weighted}
			for i, w := range test.weights {
				d := engine.Deployment{ID: id(i), Group: "chat", Weight: w, Limits: engine.Limits{RPM: 10}}
				if i == test.full {
					d.Limits.RPM = engine.Blocked
				}
				cfg.Deployments = append(cfg.Deployments, d)
			}
			e, _ := start(t, cfg)
			counts := countPicks(group(t, e, "chat"), exactly(1), picks)
			for i, share := range test.want {
				require.InDelta(t, share*picks, counts[id(i)], 0.05*share*picks, id(i))
			}
		})
	}
}

// TestSameSeedSameChoices: choices at random come from Config.Rand alone.
func TestSameSeedSameChoices(t *testing.T) {
	for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted} {
		var runs [2][]string
		for run := range runs {
			e, _ := start(t, tied(strategy, 20, 5))
			g := group(t, e, "chat")
			for range 200 {
				runs[run] = append(runs[run], acquire(t, g, exactly(1)).Ref().ID())
			}
		}
		require.Equal(t, runs[0], runs[1], "%s", strategy)
	}
}
