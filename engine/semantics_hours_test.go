package engine_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestHours: limits per hour refuse until the hour of UTC ends, whatever the profile, and
// what a call did not use is given back within it.
func TestHours(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			e, clock := start(t, profiled(engine.Limits{RPH: 3, TPH: 1000}, p))
			g := group(t, e, "chat")
			l := acquire(t, g, exactly(900))
			clock.Advance(2 * time.Minute)
			refused := refusal(t, g, exactly(101))
			require.Equal(t, engine.LimitTPH, refused.Limit)
			_, end := window.KindHour.Span(clock.Now().Unix())
			require.Equal(t, time.Unix(end, 0).Sub(clock.Now()), refused.RetryAfter)
			l.Settle(engine.Usage{InputTokens: 100})
			acquire(t, g, exactly(100))
			acquire(t, g, exactly(100))
			require.Equal(t, engine.LimitRPH, refusal(t, g, exactly(1)).Limit)
			require.EqualValues(t, 3, state(t, e, "a").Limit(engine.LimitRPH).Used)
			require.EqualValues(t, 300, state(t, e, "a").Limit(engine.LimitTPH).Used)
			clock.Advance(time.Unix(end, 0).Sub(clock.Now()))
			require.Zero(t, state(t, e, "a").Limit(engine.LimitTPH).Used)
			acquire(t, g, exactly(1000))
		})
	}
}

// TestHoursOverARestart: a snapshot carries an hour beside a day; one of another hour is
// ignored.
func TestHoursOverARestart(t *testing.T) {
	cfg := profiled(engine.Limits{TPH: 1000, TPD: 5000}, provider.Profile{})
	e, _ := start(t, cfg)
	acquire(t, group(t, e, "chat"), exactly(600))
	var kept bytes.Buffer
	require.NoError(t, e.Snapshot(&kept))
	for minutes, left := range map[int]int64{0: 400, 60: 1000} {
		next, clock := start(t, cfg)
		clock.Advance(time.Duration(minutes) * time.Minute)
		require.NoError(t, next.Restore(bytes.NewReader(kept.Bytes())))
		require.Equal(t, 1000-left, state(t, next, "a").Limit(engine.LimitTPH).Remote)
		require.EqualValues(t, 600, state(t, next, "a").Limit(engine.LimitTPD).Remote)
		require.Equal(t, engine.LimitTPH, refusal(t, group(t, next, "chat"), exactly(left+1)).Limit)
		acquire(t, group(t, next, "chat"), exactly(left))
	}
}

// TestRestoredUsageOutlivesItsDeployment: what Restore has counted of an hour or a day is kept
// while the deployment is removed, also after its minutes have ended.
func TestRestoredUsageOutlivesItsDeployment(t *testing.T) {
	cfg := profiled(engine.Limits{TPH: 1000, RPD: 2}, provider.Profile{})
	other := cfg
	other.Deployments = []engine.Deployment{{ID: "other", Group: "chat"}}
	e, _ := start(t, cfg)
	acquire(t, group(t, e, "chat"), exactly(600))
	var kept bytes.Buffer
	require.NoError(t, e.Snapshot(&kept))
	next, clock := start(t, cfg)
	require.NoError(t, next.Restore(&kept))
	require.NoError(t, next.Apply(other))
	for range 5 {
		clock.Advance(time.Minute)
		next.AppendStates(nil)
	}
	require.NoError(t, next.Apply(cfg))
	require.EqualValues(t, 600, state(t, next, "a").Limit(engine.LimitTPH).Used)
	require.EqualValues(t, 1, state(t, next, "a").Limit(engine.LimitRPD).Used)
}

// TestHoursAreReportedAndShared: Collect lists the hour from the start, Absorb counts what
// others used of it, and a pool's hour counts both.
func TestHoursAreReportedAndShared(t *testing.T) {
	for _, pool := range []string{"", "account"} {
		e, clock := start(t, profiled(engine.Limits{TPH: 1000}, provider.Profile{Pool: pool}))
		at, _ := window.KindHour.Span(clock.Now().Unix())
		r, ok := reported(e, window.KindHour, time.Unix(at, 0))
		require.True(t, ok)
		require.EqualValues(t, 1000, r.TokenLimit)
		acquire(t, group(t, e, "chat"), exactly(300))
		e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Kind: window.KindHour, Start: at, Tokens: 500}}})
		e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: clock.Now().Unix() / 60 * 60, Tokens: 500, Requests: 1}}})
		require.EqualValues(t, 800, state(t, e, "a").Limit(engine.LimitTPH).Used, pool)
		require.Equal(t, engine.LimitTPH, refusal(t, group(t, e, "chat"), exactly(201)).Limit)
		r, ok = reported(e, window.KindHour, time.Unix(at, 0))
		require.True(t, ok)
		require.EqualValues(t, 300, r.Tokens)
	}
}

// TestAReportedLimitPerHour: an answer that names a lower limit per hour puts it in force.
func TestAReportedLimitPerHour(t *testing.T) {
	e, _ := listening(t, engine.Limits{TPH: 100_000}, provider.Profile{})
	g := group(t, e, "chat")
	acquire(t, g, exactly(100)).Observe(signalOf(provider.TPH, 1000, 50))
	require.EqualValues(t, 1000, state(t, e, "a").Limit(engine.LimitTPH).Max)
	require.EqualValues(t, 950, state(t, e, "a").Limit(engine.LimitTPH).Used)
}

// TestClosedDaysStayClosed: a change of a day that ended more than two minutes ago stays on this
// node, also when the day is folded.
func TestClosedDaysStayClosed(t *testing.T) {
	midnight := firstMinute.Truncate(24 * time.Hour).Add(24 * time.Hour)
	e, clock := startAt(t, midnight.Add(-30*time.Second), one(engine.Limits{TPD: 1000}))
	late := acquire(t, group(t, e, "chat"), exactly(10))
	yesterday := func() (n int) {
		for _, r := range e.Collect(nil) {
			if r.Kind == window.KindDay && r.Start == midnight.Add(-24*time.Hour).Unix() {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, yesterday())
	clock.Advance(5 * time.Minute)
	yesterday() // closes it
	late.Settle(engine.Usage{InputTokens: 15})
	require.Zero(t, yesterday())
	clock.Advance(24 * time.Hour)
	require.Zero(t, yesterday())
}
