package engine_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestExplainAgrees compares Explain with what Pick and TryAcquire go on to do,
// in states and with demands drawn at random.
func TestExplainAgrees(t *testing.T) {
	states := 80
	if raceEnabled {
		states = 5
	}
	for _, strategy := range []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy} {
		for seed := range states {
			t.Run(fmt.Sprintf("%s/%d", strategy, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(seed), uint64(strategy)))
				e := randomState(t, r, strategy)
				for range 6 {
					requireExplained(t, e, strategy, randomDemand(t, r, e))
				}
			})
		}
	}
}

func randomState(t *testing.T, r *rand.Rand, strategy engine.Strategy) *engine.Engine {
	t.Helper()
	oneOf := func(values ...int64) int64 { return values[r.IntN(len(values))] }
	cfg := engine.Config{Strategy: strategy, ExpectedOutput: oneOf(0, 5)}
	n := 1 + r.IntN(12)
	if r.IntN(4) == 0 {
		n = 65 + r.IntN(100) // searched in another way
	}
	for i := range n {
		d := engine.Deployment{ID: id(i), Group: "chat", Order: int(oneOf(0, 0, 0, 1, 2)), Weight: float64(oneOf(0, 1, 3)), Limits: engine.Limits{
			RPM: oneOf(0, 0, 3, 10, -1), TPM: oneOf(0, 0, 40, 100, 3000, -1), MaxInFlight: oneOf(0, 0, 1, 4),
		}}
		for _, tag := range []string{"eu", "fast"} {
			if r.IntN(3) > 0 {
				d.Tags = append(d.Tags, tag)
			}
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	e, clock := start(t, cfg)
	g := group(t, e, "chat")
	var leases []*engine.Lease
	for range 3 * n {
		a := ref(t, e, id(r.IntN(n)))
		switch r.IntN(12) {
		case 0:
			a.SetEnabled(r.IntN(3) == 0)
		case 1:
			a.Cooldown(time.Duration(r.IntN(90)) * time.Second)
		case 2, 3:
			a.Record(engine.Usage{InputTokens: r.Int64N(60)})
		case 4:
			a.PreCheck(engine.Demand{})
		case 5, 6:
			if lease, ok := g.TryAcquire(engine.Demand{InputTokens: r.Int64N(30)}); ok {
				leases = append(leases, &lease)
			}
		case 7:
			if len(leases) > 0 {
				leases[r.IntN(len(leases))].Settle(engine.Usage{InputTokens: r.Int64N(30), OutputTokens: r.Int64N(30)})
			}
		case 8, 9:
			others(e, clock.Now(), a.ID(), r.Int64N(6), r.Int64N(60))
		case 10:
			e.Absorb([]window.Share{{Tally: tally(clock.Now(), a.ID(), r.Int64N(3), r.Int64N(30)), CeilingRequests: oneOf(-1, 0, 2), CeilingTokens: oneOf(-1, 0, 20)}})
		case 11:
			clock.Advance(time.Duration(r.IntN(20)) * time.Second)
		}
	}
	return e
}

func randomDemand(t *testing.T, r *rand.Rand, e *engine.Engine) engine.Demand {
	t.Helper()
	d := engine.Demand{InputTokens: r.Int64N(40), OutputTokens: r.Int64N(10) - 1, MaxOutputTokens: r.Int64N(2) * r.Int64N(20)}
	if r.IntN(8) == 0 {
		d.InputTokens = 2000
	}
	if r.IntN(4) == 0 {
		d.Tags = append(d.Tags, "eu")
	}
	if r.IntN(6) == 0 {
		d.Tags = append(d.Tags, "fast")
	}
	if r.IntN(4) == 0 {
		d.Affinity = r.Uint64()
	}
	for _, s := range e.AppendStates(nil) {
		if r.IntN(10) == 0 {
			d.Exclude = append(d.Exclude, ref(t, e, s.ID))
		}
	}
	return d
}

func requireExplained(t *testing.T, e *engine.Engine, strategy engine.Strategy, d engine.Demand) {
	t.Helper()
	g := group(t, e, "chat")
	before, stats := e.AppendStates(nil), e.Stats()
	got := e.Explain("chat", d)
	require.Equal(t, "chat", got.Group)
	require.Equal(t, before, e.AppendStates(nil), "Explain changes nothing")
	require.Equal(t, stats, e.Stats(), "Explain counts nothing")
	require.Len(t, got.Candidates, len(before), "every deployment of the group is listed")
	states := map[string]engine.State{}
	for _, s := range before {
		states[s.ID] = s
	}
	costs := map[string]int64{}
	for _, c := range got.Candidates {
		require.Equal(t, states[c.ID], c.State)
		costs[c.ID] = c.Cost
		if slices.Contains(got.Acquire, c.ID) {
			require.Equal(t, engine.LimitNone, c.Refused, "%s is chosen among", c.ID)
			require.Empty(t, c.Skipped, "%s is chosen among", c.ID)
		}
	}

	// Of a few equals, this many draws find every one. The other strategies draw
	// some of those they choose among too seldom.
	const draws = 300
	equals := (strategy == engine.LeastUtilized || strategy == engine.LowestTPM) && max(len(got.Pick), len(got.Acquire)) <= 12
	picks := countPicks(g, d, draws)
	if len(got.Pick) == 0 {
		require.Equal(t, map[string]int{"": draws}, picks)
	} else if require.Subset(t, got.Pick, picked(picks)); equals {
		require.ElementsMatch(t, got.Pick, picked(picks))
	}

	acquired := map[string]int{}
	for range draws {
		lease, ok := g.TryAcquire(d)
		if !ok {
			acquired[""]++
			continue
		}
		acquired[lease.Ref().ID()]++
		require.Equal(t, costs[lease.Ref().ID()], lease.Reserved())
		lease.Release()
	}
	if len(got.Acquire) == 0 {
		require.Equal(t, map[string]int{"": draws}, acquired)
		_, err := g.Acquire(d)
		require.Error(t, err)
		require.Equal(t, got.Err, err)
	} else {
		require.NoError(t, got.Err)
		require.Subset(t, got.Acquire, picked(acquired))
		if equals {
			require.ElementsMatch(t, got.Acquire, picked(acquired))
		}
	}
	require.Equal(t, before, e.AppendStates(nil), "leases released leave nothing behind")
}

// TestExplainSaysWhy: each deployment is listed with what keeps it out.
func TestExplainSaysWhy(t *testing.T) {
	e, _ := start(t, engine.Config{
		Deployments: []engine.Deployment{
			{ID: "fits", Group: "chat", Model: "gpt-4o", Limits: engine.Limits{TPM: 100}, Tags: []string{"eu"}},
			{ID: "worse", Group: "chat", Limits: engine.Limits{TPM: 100}, Tags: []string{"eu"}},
			{ID: "full", Group: "chat", Limits: engine.Limits{TPM: 9}, Tags: []string{"eu"}},
			{ID: "spent", Group: "chat", Limits: engine.Limits{RPM: engine.Blocked}, Tags: []string{"eu"}},
			{ID: "cooling", Group: "chat", Tags: []string{"eu"}},
			{ID: "off", Group: "chat", Tags: []string{"eu"}, Disabled: true},
			{ID: "later", Group: "chat", Order: 1, Tags: []string{"eu"}},
			{ID: "us", Group: "chat"},
			{ID: "tried", Group: "chat", Tags: []string{"eu"}},
			{ID: "elsewhere", Group: "other"},
		},
		Aliases: map[string]string{"default": "chat"},
	})
	others(e, firstMinute, "fits", 0, 20)
	others(e, firstMinute, "worse", 0, 30)
	require.NoError(t, e.Cooldown("cooling", time.Minute))
	d := engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput, Tags: []string{"eu"}, Exclude: []engine.Ref{ref(t, e, "tried")}}
	got := e.Explain("default", d)
	require.Equal(t, []string{"fits"}, got.Pick)
	require.Equal(t, []string{"fits"}, got.Acquire)
	require.NoError(t, got.Err)

	why := map[string]string{}
	for _, c := range got.Candidates {
		switch {
		case c.Skipped != "":
			why[c.ID] = c.Skipped
		case c.Refused != engine.LimitNone:
			why[c.ID] = c.Refused.String()
		default:
			why[c.ID] = "fits"
		}
		if c.ID == "fits" {
			require.Equal(t, "gpt-4o", c.Model)
			require.Equal(t, int64(10), c.Cost)
			require.InDelta(t, 0.2, c.Score, 1e-6)
		}
	}
	require.Equal(t, map[string]string{
		"fits": "fits", "worse": "fits", "full": "tpm", "spent": "rpm", "cooling": "cooldown", "off": "disabled",
		"later": "order", "us": "tags", "tried": "excluded",
	}, why)

	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.Contains(t, string(text), `"skipped":"tags"`)
	require.Contains(t, string(text), `"refused":"tpm"`)
}

// TestStats counts one of everything.
func TestStats(t *testing.T) {
	e, clock := start(t, deployments(engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 6, TPM: 1000, MaxInFlight: 3}}))
	a, g := ref(t, e, "a"), group(t, e, "chat")
	require.Equal(t, engine.Stats{Refused: map[engine.Limit]int64{}}, nonZero(e.Stats()))

	require.True(t, a.PreCheck(engine.Demand{}))
	require.NoError(t, e.PreCheck("a", engine.Demand{}))
	acquire(t, g, exactly(100)).Settle(engine.Usage{InputTokens: 100})
	acquire(t, g, exactly(100)).SettleReserved()
	acquire(t, g, exactly(100)).Release()
	acquire(t, g, exactly(100))
	require.False(t, a.PreCheck(exactly(701)))
	acquire(t, g, exactly(100))
	require.Error(t, e.PreCheck("a", engine.Demand{}))
	a.Record(engine.Usage{OutputTokens: 650})
	a.Record(engine.Usage{OutputTokens: -1})
	_, ok := g.TryAcquire(engine.Demand{InputTokens: -1})
	require.False(t, ok)
	clock.Advance(time.Minute)
	acquire(t, g, exactly(0))
	_, ok = g.TryAcquire(exactly(0))
	require.False(t, ok)
	a.Cooldown(time.Second)
	require.False(t, a.PreCheck(engine.Demand{}))
	a.SetEnabled(false)
	require.False(t, a.PreCheck(engine.Demand{}))

	require.Equal(t, engine.Stats{
		Admitted: 8, Tokens: 1050, Held: 3, Settled: 2, Released: 1, Overrun: 50, Invalid: 2,
		Refused: map[engine.Limit]int64{engine.LimitRPM: 1, engine.LimitTPM: 1, engine.LimitInFlight: 1, engine.LimitCooldown: 1, engine.LimitDisabled: 1},
	}, nonZero(e.Stats()))
}
