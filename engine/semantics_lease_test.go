package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestLeaseEndings: the first ending holds, later calls do nothing.
func TestLeaseEndings(t *testing.T) {
	spent := engine.Usage{InputTokens: 10, OutputTokens: 15} // 10 and 20 are reserved
	settle := func(l *engine.Lease) { l.Settle(spent) }
	add := func(l *engine.Lease) { l.Add(7) }
	tests := []struct {
		name              string
		calls             []func(*engine.Lease)
		requests, tokens  int64
		settled, released int64
	}{
		{"held", nil, 1, 30, 0, 0},
		{"settle", []func(*engine.Lease){settle}, 1, 25, 1, 0},
		{"settle to nothing", []func(*engine.Lease){func(l *engine.Lease) { l.Settle(engine.Usage{}) }}, 1, 0, 1, 0},
		{"settle reserved", []func(*engine.Lease){(*engine.Lease).SettleReserved}, 1, 30, 1, 0},
		{"release", []func(*engine.Lease){(*engine.Lease).Release}, 0, 0, 0, 1},
		{"settle, deferred release", []func(*engine.Lease){settle, (*engine.Lease).Release}, 1, 25, 1, 0},
		{"settle reserved, deferred release", []func(*engine.Lease){(*engine.Lease).SettleReserved, (*engine.Lease).Release}, 1, 30, 1, 0},
		{"settle twice", []func(*engine.Lease){settle, func(l *engine.Lease) { l.Settle(engine.Usage{OutputTokens: 900}) }}, 1, 25, 1, 0},
		{"release twice", []func(*engine.Lease){(*engine.Lease).Release, (*engine.Lease).Release}, 0, 0, 0, 1},
		{"release, settle", []func(*engine.Lease){(*engine.Lease).Release, settle}, 0, 0, 0, 1},
		{"release, settle reserved", []func(*engine.Lease){(*engine.Lease).Release, (*engine.Lease).SettleReserved}, 0, 0, 0, 1},
		{"add", []func(*engine.Lease){add, add}, 1, 44, 0, 0},
		{"add, settle", []func(*engine.Lease){add, settle}, 1, 25, 1, 0},
		{"add, settle reserved", []func(*engine.Lease){add, add, (*engine.Lease).SettleReserved}, 1, 44, 1, 0},
		{"add, release", []func(*engine.Lease){add, (*engine.Lease).Release}, 0, 0, 0, 1},
		{"settle, add", []func(*engine.Lease){settle, add}, 1, 25, 1, 0},
		{"release, add", []func(*engine.Lease){(*engine.Lease).Release, add}, 0, 0, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, _ := start(t, one(engine.Limits{RPM: 10, TPM: 1000, MaxInFlight: 10}))
			lease := acquire(t, group(t, e, "chat"), engine.Demand{InputTokens: 10, OutputTokens: 20})
			require.Equal(t, "a", lease.Ref().ID())
			require.Equal(t, int64(30), lease.Reserved())
			for _, call := range test.calls {
				call(lease)
			}
			held := 1 - test.settled - test.released
			s := state(t, e, "a")
			require.Equal(t, test.requests, s.Limit(engine.LimitRPM).Used)
			require.Equal(t, test.tokens, s.Limit(engine.LimitTPM).Used)
			require.Equal(t, held, s.Limit(engine.LimitInFlight).Used)
			require.Equal(t, held*test.tokens, int64(s.Limit(engine.LimitTPM).Held))
			stats := e.Stats()
			require.Equal(t, int64(1), stats.Admitted)
			require.Equal(t, [4]int64{held, test.settled, test.released, 0}, [4]int64{stats.Held, stats.Settled, stats.Released, stats.Expired})
			requests, tokens := own(e, firstMinute, "a")
			require.Equal(t, [2]int64{test.requests, test.tokens}, [2]int64{requests, tokens})
		})
	}
}

// TestReleaseMakesRoom: a demand that does not fit is admitted after a Release.
func TestReleaseMakesRoom(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: 1, TPM: 50, MaxInFlight: 1}))
	g := group(t, e, "chat")
	for range 10 {
		lease := acquire(t, g, exactly(50))
		_, ok := g.TryAcquire(exactly(0))
		require.False(t, ok)
		lease.Release()
	}
	lease := acquire(t, g, exactly(50))
	lease.Settle(engine.Usage{InputTokens: 1})
	require.Equal(t, engine.LimitRPM, refusal(t, g, exactly(1)).Limit, "the call was made and counts")
}

// TestAddOverruns: a stream that goes on is counted beyond the limit.
func TestAddOverruns(t *testing.T) {
	e, _ := start(t, one(engine.Limits{TPM: 50}))
	g := group(t, e, "chat")
	lease := acquire(t, g, exactly(50))
	lease.Add(25)
	require.Equal(t, int64(75), state(t, e, "a").Limit(engine.LimitTPM).Used)
	require.Equal(t, int64(25), e.Stats().Overrun)
	_, ok := g.Pick(exactly(0))
	require.False(t, ok)
	lease.Settle(engine.Usage{InputTokens: 40})
	require.Equal(t, map[string]int{"a": 10}, countPicks(g, exactly(10), 10))
}

// TestZeroValues: the zero Lease and Ref of a refusal do nothing.
func TestZeroValues(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: engine.Blocked}))
	lease, ok := group(t, e, "chat").TryAcquire(engine.Demand{})
	require.False(t, ok)
	require.Zero(t, lease.Reserved())
	lease.Add(5)
	lease.SettleReserved()
	lease.Settle(engine.Usage{InputTokens: 5})
	lease.Release()
	require.Equal(t, engine.Stats{Refused: map[engine.Limit]int64{engine.LimitRPM: 1}}, nonZero(e.Stats()))

	e, _ = start(t, one(engine.Limits{}))
	require.Equal(t, map[string]int{"a": 5}, countPicks(group(t, e, "chat"), engine.Demand{Exclude: []engine.Ref{{}}}, 5))
}

// nonZero drops the limits that have refused nothing.
func nonZero(s engine.Stats) engine.Stats {
	refused := map[engine.Limit]int64{}
	for limit, n := range s.Refused {
		if n != 0 {
			refused[limit] = n
		}
	}
	s.Refused = refused
	return s
}

func TestExpectedOutput(t *testing.T) {
	const input = 10
	ask := engine.Demand{InputTokens: input}
	tests := []struct {
		name     string
		expected int64 // Config.ExpectedOutput
		tpm      int64
		settled  int // calls of a that settled with 40 output tokens each
		d        engine.Demand
		want     int64 // output reserved on a
	}{
		{name: "default", d: ask, want: 256},
		{name: "configured", expected: 100, d: ask, want: 100},
		{name: "named", d: engine.Demand{InputTokens: input, OutputTokens: 77}, want: 77},
		{name: "named and capped", d: engine.Demand{InputTokens: input, OutputTokens: 77, MaxOutputTokens: 70}, want: 70},
		{name: "none", d: exactly(input), want: 0},
		{name: "none, whatever the cap", d: engine.Demand{InputTokens: input, OutputTokens: engine.NoOutput, MaxOutputTokens: 70}, want: 0},
		{name: "capped by the request", d: engine.Demand{InputTokens: input, MaxOutputTokens: 30}, want: 30},
		{name: "cap above the expectation", d: engine.Demand{InputTokens: input, MaxOutputTokens: 3000}, want: 256},
		{name: "capped by a hundredth of the limit", tpm: 2000, d: ask, want: 20},
		{name: "hundredth above the expectation", tpm: 100_000, d: ask, want: 256},
		{name: "learned", settled: 8, d: ask, want: 40},
		{name: "learned, more", settled: 100, d: ask, want: 40},
		{name: "learned, not capped by a hundredth", tpm: 2000, settled: 8, d: ask, want: 40},
		{name: "learned, capped by the request", settled: 8, d: engine.Demand{InputTokens: input, MaxOutputTokens: 30}, want: 30},
		{name: "learned, named wins", settled: 8, d: engine.Demand{InputTokens: input, OutputTokens: 77}, want: 77},
		{name: "learned, none wins", settled: 8, d: exactly(input), want: 0},
		{name: "not yet learned", settled: 7, expected: 100, d: ask, want: 100},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := one(engine.Limits{TPM: test.tpm})
			cfg.ExpectedOutput = test.expected
			e, clock := start(t, cfg)
			g := group(t, e, "chat")
			settleOutputs(t, g, test.settled, 40)
			clock.Advance(time.Minute)
			require.Equal(t, input+test.want, acquire(t, g, test.d).Reserved())
		})
	}
}

// TestExpectedOutputOfTheGroup: a deployment nothing is known of yet is taken
// to answer like its group.
func TestExpectedOutputOfTheGroup(t *testing.T) {
	e, _ := start(t, engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat"}, {ID: "b", Group: "chat", Order: 1}, {ID: "c", Group: "other"},
	}})
	chat := group(t, e, "chat")
	settleOutputs(t, chat, 8, 40)
	ref(t, e, "a").SetEnabled(false)
	lease := acquire(t, chat, engine.Demand{InputTokens: 10})
	require.Equal(t, "b", lease.Ref().ID())
	require.Equal(t, int64(50), lease.Reserved())
	require.Equal(t, int64(266), acquire(t, group(t, e, "other"), engine.Demand{InputTokens: 10}).Reserved())
}

// TestLearnedMeanFollows: the mean is of true usage, late or not.
func TestLearnedMeanFollows(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	g := group(t, e, "chat")
	leases := make([]*engine.Lease, 8)
	for i := range leases {
		leases[i] = acquire(t, g, exactly(0))
	}
	clock.Advance(5 * time.Minute)
	for i, lease := range leases {
		lease.Settle(engine.Usage{InputTokens: 1000, OutputTokens: 100 + 10*int64(i%2)})
	}
	require.InDelta(t, 105, acquire(t, g, engine.Demand{}).Reserved(), 1)
	settleOutputs(t, g, 2000, 500)
	require.InDelta(t, 500, acquire(t, g, engine.Demand{}).Reserved(), 5)
}

func settleOutputs(t *testing.T, g *engine.Group, n int, output int64) {
	t.Helper()
	for range n {
		acquire(t, g, exactly(0)).Settle(engine.Usage{InputTokens: 1, OutputTokens: output})
	}
}
