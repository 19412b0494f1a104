package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// split is a demand of input and output tokens.
func split(in, out int64) engine.Demand { return engine.Demand{InputTokens: in, OutputTokens: out} }

// TestEveryLimitRefuses: exactly at a limit is allowed, one more is not; the
// error names the limit and the time to wait.
func TestEveryLimitRefuses(t *testing.T) {
	midnight := firstMinute.Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, c := range []struct {
		name       string
		limits     engine.Limits
		first, one engine.Demand
		limit      engine.Limit
		wait       time.Duration
	}{
		{"input", engine.Limits{InputTPM: 100, TPM: 1000}, split(100, 400), split(1, 1), engine.LimitInputTPM, time.Minute},
		{"output", engine.Limits{OutputTPM: 100, TPM: 1000}, split(400, 100), split(1, 1), engine.LimitOutputTPM, time.Minute},
		{"requests of a day", engine.Limits{RPD: 1, RPM: 5}, split(1, 1), split(1, 1), engine.LimitRPD, midnight.Sub(firstMinute)},
		{"tokens of a day", engine.Limits{TPD: 100, TPM: 1000}, split(60, 40), split(1, 1), engine.LimitTPD, midnight.Sub(firstMinute)},
		{"the day's wait is longer", engine.Limits{TPD: 100, TPM: 100, InputTPM: 60}, split(60, 40), split(1, 1), engine.LimitTPD, midnight.Sub(firstMinute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, clock := start(t, one(c.limits))
			g := group(t, e, "chat")
			acquire(t, g, c.first)
			refused := refusal(t, g, c.one)
			require.Equal(t, c.limit, refused.Limit)
			require.Equal(t, c.wait, refused.RetryAfter)
			if c.limits.TPM != 100 { // there TPM refuses too
				require.Equal(t, map[engine.Limit]int64{c.limit: 1}, e.Stats().Refused)
			}
			clock.Advance(c.wait - 1)
			require.Equal(t, c.limit, refusal(t, g, c.one).Limit)
			clock.Advance(1)
			acquire(t, g, c.one)
		})
	}
}

func TestLargerThanTheLimitNeverFits(t *testing.T) {
	for _, limits := range []engine.Limits{
		{InputTPM: 9}, {OutputTPM: 9}, {TPD: 19}, {RPD: engine.Blocked}, {OutputTPM: engine.Blocked, TPM: 100},
	} {
		e, _ := start(t, one(limits))
		require.True(t, refusal(t, group(t, e, "chat"), split(10, 10)).Never, "%+v", limits)
	}
}

// TestSettleMovesEveryMeter: the difference between reservation and usage goes
// to the windows of the admission, the day's even after many minutes.
func TestSettleMovesEveryMeter(t *testing.T) {
	e, clock := start(t, one(engine.Limits{InputTPM: 1000, OutputTPM: 1000, RPD: 10, TPD: 1000}))
	g := group(t, e, "chat")
	a, b, c := acquire(t, g, split(100, 50)), acquire(t, g, split(10, 5)), acquire(t, g, split(1, 1))
	a.Settle(engine.Usage{InputTokens: 80, OutputTokens: 90})
	s := state(t, e, "a")
	require.Equal(t, [4]int64{91, 96, 187, 3}, [4]int64{s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitOutputTPM).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitRPD).Used})
	require.InDelta(t, 0.3, s.Utilization, 1e-9, "three of ten requests")
	b.Release()
	c.Add(4)
	s = state(t, e, "a")
	require.Equal(t, [4]int64{81, 95, 176, 2}, [4]int64{s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitOutputTPM).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitRPD).Used})
	clock.Advance(time.Hour)
	c.Settle(engine.Usage{InputTokens: 1, OutputTokens: 2})
	s = state(t, e, "a")
	require.Equal(t, [4]int64{0, 0, 173, 2}, [4]int64{s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitOutputTPM).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitRPD).Used})
}

// TestALateDayKeepsItsUsage: a lease of yesterday settles there; one of the day
// before is charged today for what it cost beyond its reservation.
func TestALateDayKeepsItsUsage(t *testing.T) {
	e, clock := start(t, one(engine.Limits{TPD: 1000, RPD: 10}))
	g := group(t, e, "chat")
	a, b, c := acquire(t, g, split(10, 10)), acquire(t, g, split(10, 10)), acquire(t, g, split(10, 10))
	clock.Advance(24 * time.Hour)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitTPD).Used)
	a.Settle(engine.Usage{InputTokens: 10, OutputTokens: 500})
	require.Zero(t, state(t, e, "a").Limit(engine.LimitTPD).Used)
	clock.Advance(24 * time.Hour)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitTPD).Used)
	b.Settle(engine.Usage{InputTokens: 10, OutputTokens: 500})
	require.EqualValues(t, 490, state(t, e, "a").Limit(engine.LimitTPD).Used)
	c.Settle(engine.Usage{InputTokens: 1})
	require.EqualValues(t, 490, state(t, e, "a").Limit(engine.LimitTPD).Used)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitRPD).Used)
}

func TestPreCheckAndRecordKnowEveryLimit(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: 10, RPD: 2, InputTPM: 50, OutputTPM: 50, TPD: 90}))
	r := ref(t, e, "a")
	require.True(t, r.PreCheck(engine.Demand{}))
	r.Record(engine.Usage{InputTokens: 40, OutputTokens: 20})
	s := state(t, e, "a")
	require.Equal(t, [4]int64{40, 20, 60, 1}, [4]int64{s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitOutputTPM).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitRPD).Used})
	require.False(t, r.PreCheck(split(11, 0)), "input")
	require.False(t, r.PreCheck(split(0, 31)), "tokens of the day")
	require.True(t, r.PreCheck(split(10, 20)))
	var limited *engine.LimitError
	require.ErrorAs(t, e.PreCheck("a", engine.Demand{}), &limited)
	require.Equal(t, engine.LimitRPD, limited.Limit)
	require.EqualValues(t, 2, state(t, e, "a").Limit(engine.LimitRPD).Used, "a refusal counts nothing")
	require.EqualValues(t, 2, state(t, e, "a").Limit(engine.LimitRPM).Used)
}

// TestALimitCountsSinceItWasSet: Apply keeps what a limit has counted, goes on
// counting when it is lifted, and begins at zero with a new one.
func TestALimitCountsSinceItWasSet(t *testing.T) {
	apply := func(e *engine.Engine, l engine.Limits) {
		require.NoError(t, e.Apply(one(l)))
	}
	e, clock := start(t, one(engine.Limits{TPM: 1000}))
	g := group(t, e, "chat")
	before := acquire(t, g, split(10, 10))
	apply(e, engine.Limits{TPM: 1000, TPD: 100})
	acquire(t, g, split(20, 20))
	before.Release()
	require.EqualValues(t, 40, state(t, e, "a").Limit(engine.LimitTPD).Used, "a lease from before is no business of the new limit")
	apply(e, engine.Limits{TPM: 1000})
	acquire(t, g, split(60, 60))
	apply(e, engine.Limits{TPM: 1000, TPD: 200})
	require.EqualValues(t, 160, state(t, e, "a").Limit(engine.LimitTPD).Used)
	require.Equal(t, engine.LimitTPD, refusal(t, g, split(40, 1)).Limit)
	acquire(t, g, split(39, 1))

	other := one(engine.Limits{TPM: 1000})
	other.Deployments[0].ID = "b"
	require.NoError(t, e.Apply(other))
	clock.Advance(3 * time.Hour)
	e.AppendStates(nil)
	apply(e, engine.Limits{TPD: 200})
	require.EqualValues(t, 200, state(t, e, "a").Limit(engine.LimitTPD).Used, "removing a deployment must not refill its day")
}

// TestRankingSeesEveryLimit: the least utilized is the one furthest from all of
// its limits.
func TestRankingSeesEveryLimit(t *testing.T) {
	cfg := engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: engine.Limits{TPM: 1000, RPD: 4}},
		{ID: "b", Group: "chat", Limits: engine.Limits{TPM: 1000, OutputTPM: 100}},
		{ID: "c", Group: "chat", Limits: engine.Limits{TPM: 100}},
	}}
	e, _ := start(t, cfg)
	require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))              // 0.25 of its day
	ref(t, e, "b").Record(engine.Usage{OutputTokens: 20})                  // 0.20 of its output
	ref(t, e, "c").Record(engine.Usage{InputTokens: 10, OutputTokens: 12}) // 0.22
	g := group(t, e, "chat")
	require.Equal(t, map[string]int{"b": 10}, countPicks(g, split(1, 1), 10))
	ref(t, e, "b").Record(engine.Usage{OutputTokens: 10})
	require.Equal(t, map[string]int{"c": 10}, countPicks(g, split(1, 1), 10))
}
