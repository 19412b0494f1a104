package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestSettleAcrossMinutes: a reservation belongs to the minute of its admission.
// What the usage differs from it goes there while that minute is the current or
// the previous one; later only what was used in addition is charged, to the
// current minute.
func TestSettleAcrossMinutes(t *testing.T) {
	settle := func(tokens int64) func(*engine.Lease) {
		return func(l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 100, OutputTokens: tokens - 100}) }
	}
	tests := []struct {
		name          string
		after         time.Duration // since the admission, 30 s into its minute
		end           func(*engine.Lease)
		first, now    int64 // tokens of the minute of admission, of the current one
		requests      int64 // of the minute of admission
		settled, late int64
	}{
		{"less, same minute", 10 * time.Second, settle(120), 120, 120, 1, 1, 0},
		{"more, same minute", 10 * time.Second, settle(500), 500, 500, 1, 1, 0},
		{"less, next minute", time.Minute, settle(120), 120, 0, 1, 1, 0},
		{"more, next minute", time.Minute, settle(500), 500, 0, 1, 1, 0},
		{"nothing, next minute", time.Minute, func(l *engine.Lease) { l.Settle(engine.Usage{}) }, 0, 0, 1, 1, 0},
		{"released, same minute", 10 * time.Second, (*engine.Lease).Release, 0, 0, 0, 0, 0},
		{"released, next minute", time.Minute, (*engine.Lease).Release, 0, 0, 0, 0, 0},
		{"stands, next minute", time.Minute, (*engine.Lease).SettleReserved, 300, 0, 1, 1, 0},
		{"less, two minutes on", 2 * time.Minute, settle(120), 0, 0, 0, 1, 1},
		{"more, two minutes on", 2 * time.Minute, settle(500), 0, 200, 0, 1, 1},
		{"more, ten minutes on", 10 * time.Minute, settle(301), 0, 1, 0, 1, 1},
		{"released, two minutes on", 2 * time.Minute, (*engine.Lease).Release, 0, 0, 0, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, one(engine.Limits{}))
			clock.Advance(30 * time.Second)
			g := group(t, e, "chat")
			lease := acquire(t, g, engine.Demand{InputTokens: 100, OutputTokens: 200})
			require.Equal(t, int64(300), lease.Reserved())
			for at := clock.Now().Add(test.after); clock.Now().Before(at); {
				clock.Advance(min(time.Minute, at.Sub(clock.Now())))
				g.Pick(engine.Demand{}) // minutes pass one by one
			}
			const other = 5000 // used besides, in the current minute
			record(t, e, "a", other)
			test.end(lease)

			requests, first := own(e, firstMinute, "a")
			if test.after < 30*time.Second {
				first -= other
			}
			require.Equal(t, test.first, first, "minute of admission")
			require.Equal(t, test.requests, requests, "minute of admission")
			s := state(t, e, "a")
			require.Equal(t, other+test.now, s.Limit(engine.LimitTPM).Used, "current minute")
			require.Zero(t, s.Limit(engine.LimitInFlight).Used)
			require.Zero(t, s.Limit(engine.LimitTPM).Held)
			stats := e.Stats()
			require.Equal(t, test.settled, stats.Settled)
			require.Equal(t, 1-test.settled, stats.Released)
			require.Equal(t, test.late, stats.EndedLate)
		})
	}
}

func TestMinuteStartsFresh(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPM: 2, TPM: 100}))
	a := ref(t, e, "a")
	for minute := range 4 {
		require.True(t, a.PreCheck(exactly(100)), "minute %d", minute)
		require.True(t, a.PreCheck(exactly(100)), "minute %d", minute)
		require.False(t, a.PreCheck(exactly(0)), "minute %d", minute)
		a.Record(engine.Usage{InputTokens: 1000})
		clock.Advance(time.Minute - time.Nanosecond)
		require.False(t, a.PreCheck(engine.Demand{}), "last instant of minute %d", minute)
		clock.Advance(time.Nanosecond)
		s := state(t, e, "a")
		require.Zero(t, s.Limit(engine.LimitRPM).Used)
		require.Zero(t, s.Limit(engine.LimitTPM).Used)
		require.Zero(t, s.Utilization)
	}
}

// TestMinuteCountsOnce: what is written around the edge of a minute stands in
// the one or the other, never in both and never in none.
func TestMinuteCountsOnce(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	a, g := ref(t, e, "a"), group(t, e, "chat")
	clock.Advance(59 * time.Second)
	require.True(t, a.PreCheck(engine.Demand{}))
	lease := acquire(t, g, exactly(10))
	a.Record(engine.Usage{InputTokens: 3})
	clock.Advance(time.Second)
	lease.Add(5)
	a.Record(engine.Usage{InputTokens: 4})
	second := acquire(t, g, exactly(20))
	clock.Advance(time.Second)
	lease.Settle(engine.Usage{InputTokens: 10, OutputTokens: 7})
	second.SettleReserved()

	requests, tokens := own(e, firstMinute, "a")
	require.Equal(t, [2]int64{2, 3 + 17}, [2]int64{requests, tokens})
	requests, tokens = own(e, firstMinute.Add(time.Minute), "a")
	require.Equal(t, [2]int64{1, 4 + 20}, [2]int64{requests, tokens})
}

// TestInFlightOutlivesMinutes: leases in flight are not part of a window.
func TestInFlightOutlivesMinutes(t *testing.T) {
	e, clock := start(t, one(engine.Limits{MaxInFlight: 2}))
	g := group(t, e, "chat")
	first, second := acquire(t, g, exactly(1)), acquire(t, g, exactly(1))
	for range 5 {
		clock.Advance(time.Minute)
		_, ok := g.TryAcquire(exactly(1))
		require.False(t, ok)
		require.Equal(t, int64(2), state(t, e, "a").Limit(engine.LimitInFlight).Used)
	}
	first.Settle(engine.Usage{})
	second.Release()
	require.Zero(t, state(t, e, "a").Limit(engine.LimitInFlight).Used)
	_, ok := g.TryAcquire(exactly(1))
	require.True(t, ok)
}

func TestLeaseTTL(t *testing.T) {
	tests := []struct {
		name     string
		ttl      time.Duration
		lives    time.Duration // the lease counts that long at least
		dies     time.Duration // and not from here on
		stepwise bool
	}{
		{"default", 0, 14 * time.Minute, 17 * time.Minute, false},
		{"default, minute by minute", 0, 14 * time.Minute, 17 * time.Minute, true},
		{"a minute", time.Minute, 30 * time.Second, 3 * time.Minute, false},
		{"an hour", time.Hour, 59 * time.Minute, 69 * time.Minute, false},
		{"a day", 24 * time.Hour, 23 * time.Hour, 28 * time.Hour, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := one(engine.Limits{MaxInFlight: 1})
			cfg.LeaseTTL = test.ttl
			e, clock := start(t, cfg)
			g := group(t, e, "chat")
			lost := acquire(t, g, exactly(10))
			advance := func(d time.Duration) {
				for step := d; d > 0; d -= step {
					if test.stepwise {
						step = time.Minute
						g.Pick(engine.Demand{})
					}
					clock.Advance(step)
				}
			}
			advance(test.lives)
			_, ok := g.TryAcquire(exactly(1))
			require.False(t, ok, "still in flight")
			require.Equal(t, int64(1), e.Stats().Held)
			require.Zero(t, e.Stats().Expired)

			advance(test.dies - test.lives)
			next := acquire(t, g, exactly(1))
			stats := e.Stats()
			require.Equal(t, int64(1), stats.Held)
			require.Equal(t, int64(1), stats.Expired)

			lost.Settle(engine.Usage{InputTokens: 10, OutputTokens: 5})
			stats = e.Stats()
			require.Equal(t, stats.Admitted, stats.Held+stats.Settled+stats.Released+stats.Expired)
			require.Equal(t, int64(1), state(t, e, "a").Limit(engine.LimitInFlight).Used)
			next.Release()
			require.Zero(t, state(t, e, "a").Limit(engine.LimitInFlight).Used)
		})
	}
}

// TestMinuteForgetsItsRanking: how a large group's blocks ranked in a minute says nothing
// two minutes later.
func TestMinuteForgetsItsRanking(t *testing.T) {
	for _, s := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
		t.Run(s.String(), func(t *testing.T) {
			const n, first = 200, 20
			e, clock := start(t, chat(s, n, engine.Limits{TPM: 1_000_000}))
			g := group(t, e, "chat")
			use := func(from, to int, tokens int64) {
				for i := from; i < to; i++ {
					record(t, e, id(i), tokens)
				}
			}
			use(0, first, 100_000)
			use(first, n, 90_000)
			for range 5 * n { // each block is looked at
				acquire(t, g, exactly(1000)).SettleReserved()
			}
			clock.Advance(2 * time.Minute)
			use(first, n, 10)
			for range first {
				require.Less(t, acquire(t, g, exactly(100)).Ref().ID(), id(first))
			}
		})
	}
}
