package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// reported is the last report of each window of kind that begins at a time.
func reported(e *engine.Engine, kind window.Kind, start time.Time) (last window.Report, ok bool) {
	for _, r := range e.Collect(nil) {
		if r.Kind == kind && r.Start == start.Unix() {
			last, ok = r, true
		}
	}
	return last, ok
}

// shapes are the rules under which limits on input and output are counted.
var shapes = []struct {
	name    string
	profile provider.Profile
}{
	{"minutes", provider.Profile{}},
	{"phased minutes", provider.Profile{Phase: 20 * time.Second}},
	{"bucket", provider.Profile{Shape: provider.Bucket}},
}

// TestInputAndOutputAreShared: whatever the shape, Collect reports what was charged
// in each UTC minute, reservations included, and Absorb what the others charged.
func TestInputAndOutputAreShared(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			e, clock := start(t, profiled(engine.Limits{InputTPM: 1000, OutputTPM: 500}, shape.profile))
			g := group(t, e, "chat")
			l := acquire(t, g, split(100, 50))
			r, _ := reported(e, window.KindMinute, firstMinute)
			require.Equal(t, window.Report{
				Tally:      window.Tally{ID: "a", Start: firstMinute.Unix(), Requests: 1, Tokens: 150, Input: 100, Output: 50},
				InputLimit: 1000, OutputLimit: 500, Loose: shape.profile != provider.Profile{},
			}, r)

			e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: firstMinute.Unix(), Tokens: 900, Input: 600, Output: 300}}})
			s := state(t, e, "a")
			require.Equal(t, [4]int64{700, 350, 600, 300}, [4]int64{s.Limit(engine.LimitInputTPM).Used, s.Limit(engine.LimitOutputTPM).Used, s.Limit(engine.LimitInputTPM).Remote, s.Limit(engine.LimitOutputTPM).Remote})
			require.Equal(t, engine.LimitInputTPM, refusal(t, g, split(301, 1)).Limit)
			require.Equal(t, engine.LimitOutputTPM, refusal(t, g, split(1, 151)).Limit)
			acquire(t, g, split(300, 150)).Release()

			clock.Advance(time.Minute)
			l.Settle(engine.Usage{InputTokens: 120, OutputTokens: 10})
			acquire(t, g, split(7, 3))
			r, _ = reported(e, window.KindMinute, firstMinute)
			require.Equal(t, [2]int64{120, 10}, [2]int64{r.Input, r.Output}, "the minute of admission")
			clock.Advance(time.Minute)
			ref(t, e, "a").Record(engine.Usage{InputTokens: 1})
			r, ok := reported(e, window.KindMinute, firstMinute.Add(time.Minute))
			require.True(t, ok)
			require.Equal(t, [2]int64{7, 3}, [2]int64{r.Input, r.Output})
		})
	}
}

// TestSplitWindowsEnd: what changed after the last Collect of a minute is reported
// once more, also when minutes pass without a Collect.
func TestSplitWindowsEnd(t *testing.T) {
	for _, shape := range shapes {
		for _, minutes := range []int{1, 2, 3, 7} {
			e, clock := start(t, profiled(engine.Limits{InputTPM: 1000, OutputTPM: 500}, shape.profile))
			g := group(t, e, "chat")
			e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: firstMinute.Unix(), Input: 600, Output: 300}}})
			l := acquire(t, g, split(100, 50))
			require.NotEmpty(t, e.Collect(nil))
			l.Settle(engine.Usage{InputTokens: 90, OutputTokens: 20})
			for range minutes {
				clock.Advance(time.Minute)
			}
			ref(t, e, "a").Record(engine.Usage{InputTokens: 1})
			r, ok := reported(e, window.KindMinute, firstMinute)
			require.True(t, ok, "%s, %d", shape.name, minutes)
			require.Equal(t, [2]int64{90, 20}, [2]int64{r.Input, r.Output}, "%s, %d", shape.name, minutes)
		}
	}
}

// TestSplitSharesAhead: others and ceilings of the next minute are kept for it.
func TestSplitSharesAhead(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			e, clock := start(t, profiled(engine.Limits{InputTPM: 1000, OutputTPM: 500}, shape.profile))
			g := group(t, e, "chat")
			next := firstMinute.Add(time.Minute)
			e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: next.Unix(), Input: 600}, CeilingOutput: 40, CeilingInput: -1}})
			acquire(t, g, split(300, 50))
			clock.Advance(time.Minute)
			require.EqualValues(t, 600, state(t, e, "a").Limit(engine.LimitInputTPM).Remote)
			refused := refusal(t, g, exactly(1))
			require.Equal(t, engine.LimitShare, refused.Limit, "a ceiling of zero")
			require.False(t, refused.Never)
			require.Equal(t, time.Minute, refused.RetryAfter)
			e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: next.Unix(), Input: 200}, CeilingOutput: 40}})
			require.Equal(t, engine.LimitShare, refusal(t, g, split(1, 41)).Limit)
			acquire(t, g, split(100, 40))
			require.NoError(t, e.Apply(profiled(engine.Limits{InputTPM: 2000, OutputTPM: 500, RPM: 77}, shape.profile)))
			require.Equal(t, engine.LimitShare, refusal(t, g, split(1, 1)).Limit, "the ceiling outlives an Apply")
			clock.Advance(2 * time.Minute)
			s := state(t, e, "a")
			require.Zero(t, s.Limit(engine.LimitInputTPM).Remote)
			acquire(t, g, split(600, 400))
		})
	}
}

// TestSplitLimitsComeAndGo: a limit set while others' usage is known begins with
// this node's own at 0 and receives the others' again.
func TestSplitLimitsComeAndGo(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: 10}))
	share := []window.Share{{Tally: window.Tally{ID: "a", Start: firstMinute.Unix(), Input: 600, Output: 300}}}
	e.Absorb(share)
	acquire(t, group(t, e, "chat"), split(5, 5))
	require.NoError(t, e.Apply(one(engine.Limits{InputTPM: 1000})))
	acquire(t, group(t, e, "chat"), split(30, 5))
	r, _ := reported(e, window.KindMinute, firstMinute)
	require.Equal(t, [2]int64{30, 0}, [2]int64{r.Input, r.Output})
	e.Absorb(share)
	require.EqualValues(t, 630, state(t, e, "a").Limit(engine.LimitInputTPM).Used)
	for _, shape := range shapes {
		require.NoError(t, e.Apply(profiled(engine.Limits{InputTPM: 2000}, shape.profile)))
		r, _ = reported(e, window.KindMinute, firstMinute)
		require.EqualValues(t, 30, r.Input, "%s: the count goes on", shape.name)
		require.EqualValues(t, 600, state(t, e, "a").Limit(engine.LimitInputTPM).Remote, shape.name)
	}
	require.NoError(t, e.Apply(one(engine.Limits{})))
	r, _ = reported(e, window.KindMinute, firstMinute)
	require.EqualValues(t, 30, r.Input)
}

func day(at time.Time, requests, tokens int64) window.Tally {
	start, _ := window.KindDay.Span(at.Unix())
	return window.Tally{ID: "a", Start: start, Kind: window.KindDay, Requests: requests, Tokens: tokens}
}

func TestDaysAreShared(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPD: 10, TPD: 1000}))
	g := group(t, e, "chat")
	today := firstMinute.Truncate(24 * time.Hour)
	r, ok := reported(e, window.KindDay, today)
	require.True(t, ok, "the day is listed before the first request")
	require.Equal(t, window.Report{Tally: day(today, 0, 0), RequestLimit: 10, TokenLimit: 1000}, r)
	_, ok = reported(e, window.KindDay, today)
	require.False(t, ok, "nothing has changed")

	e.Absorb([]window.Share{{Tally: day(today, 4, 600)}})
	_, ok = reported(e, window.KindDay, today)
	require.False(t, ok, "others' usage is not this node's")
	require.Equal(t, engine.LimitTPD, refusal(t, g, split(400, 1)).Limit)
	l := acquire(t, g, split(300, 50))
	r, _ = reported(e, window.KindDay, today)
	require.Equal(t, day(today, 1, 350), r.Tally)
	s := state(t, e, "a")
	require.Equal(t, [4]int64{5, 950, 4, 600}, [4]int64{s.Limit(engine.LimitRPD).Used, s.Limit(engine.LimitTPD).Used, s.Limit(engine.LimitRPD).Remote, s.Limit(engine.LimitTPD).Remote})
	clock.Advance(10 * time.Minute)
	l.Settle(engine.Usage{InputTokens: 300, OutputTokens: 10})
	r, _ = reported(e, window.KindDay, today)
	require.Equal(t, day(today, 1, 310), r.Tally)

	e.Absorb([]window.Share{{Tally: day(today, 9, 0)}})
	require.Equal(t, engine.LimitRPD, refusal(t, g, split(1, 1)).Limit)
	e.Absorb([]window.Share{{Tally: day(today, -1, -1)}})
	require.Equal(t, engine.LimitRPD, refusal(t, g, split(1, 1)).Limit, "below zero says nothing")
	e.Absorb([]window.Share{{Tally: day(today, 0, 0), CeilingRequests: 2, CeilingTokens: 400}})
	require.Equal(t, engine.LimitShare, refusal(t, g, split(90, 1)).Limit, "a ceiling on own usage")
	acquire(t, g, exactly(90))
	require.NoError(t, e.Apply(one(engine.Limits{RPD: 20, TPD: 1000})))
	require.Equal(t, engine.LimitShare, refusal(t, g, exactly(0)).Limit, "the ceiling outlives an Apply")
	r, ok = reported(e, window.KindDay, today)
	require.True(t, ok)
	require.EqualValues(t, 20, r.RequestLimit)
}

// TestDaysEnd: the previous day is reported as long as it may change, and what is
// absorbed ahead begins with its day.
func TestDaysEnd(t *testing.T) {
	e, clock := startAt(t, firstMinute.Truncate(24*time.Hour).Add(24*time.Hour-time.Minute), one(engine.Limits{RPD: 10, TPD: 1000}))
	g := group(t, e, "chat")
	today, tomorrow := firstMinute.Truncate(24*time.Hour), firstMinute.Truncate(24*time.Hour).Add(24*time.Hour)
	early, late := acquire(t, g, exactly(100)), acquire(t, g, exactly(200))
	e.Collect(nil)
	e.Absorb([]window.Share{{Tally: day(tomorrow, 7, 0)}, {Tally: day(tomorrow, 8, 0), CeilingTokens: 30}, {Tally: day(tomorrow.Add(24*time.Hour), 9, 0)}})
	require.Zero(t, state(t, e, "a").Limit(engine.LimitRPD).Remote)
	clock.Advance(time.Minute)
	require.EqualValues(t, 8, state(t, e, "a").Limit(engine.LimitRPD).Remote)
	require.Equal(t, engine.LimitShare, refusal(t, g, exactly(31)).Limit)
	early.Settle(engine.Usage{InputTokens: 60})
	r, ok := reported(e, window.KindDay, today)
	require.True(t, ok)
	require.Equal(t, day(today, 2, 260), r.Tally)
	late.Settle(engine.Usage{InputTokens: 10})
	clock.Advance(10 * time.Minute)
	r, ok = reported(e, window.KindDay, today)
	require.True(t, ok, "once more after it has ended for good")
	require.Equal(t, day(today, 2, 70), r.Tally)
	_, ok = reported(e, window.KindDay, today)
	require.False(t, ok)

	acquire(t, g, exactly(5))
	clock.Advance(4 * 24 * time.Hour)
	r, ok = reported(e, window.KindDay, tomorrow)
	require.True(t, ok, "days that no Collect has reported")
	require.Equal(t, day(tomorrow, 1, 5), r.Tally)
	require.Zero(t, state(t, e, "a").Limit(engine.LimitRPD).Remote)
}

// TestRemovedDaysAreReported: the day's usage of a removed deployment.
func TestRemovedDaysAreReported(t *testing.T) {
	limits := engine.Limits{RPD: 10}
	e, clock := start(t, deployments(engine.Deployment{ID: "b", Group: "chat"}, engine.Deployment{ID: "a", Group: "chat", Limits: limits}))
	today := firstMinute.Truncate(24 * time.Hour)
	e.Collect(nil)
	require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
	require.NoError(t, e.Apply(deployments(engine.Deployment{ID: "b", Group: "chat"})))
	clock.Advance(25 * time.Hour)
	require.True(t, ref(t, e, "b").PreCheck(engine.Demand{}))
	r, ok := reported(e, window.KindDay, today)
	require.True(t, ok)
	require.EqualValues(t, 1, r.Requests)
}

func TestCooldownsAreShared(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPM: 10}))
	a := ref(t, e, "a")
	until := func() int64 {
		r, _ := reported(e, window.KindMinute, clock.Now().Truncate(time.Minute))
		return r.CoolUntil
	}
	require.Zero(t, until())
	a.Cooldown(90*time.Second + 1)
	want := firstMinute.Add(90 * time.Second).UnixMilli()
	require.Equal(t, want+1, until(), "rounded up")
	a.Cooldown(time.Second)
	require.Equal(t, want+1, until(), "never shortened")
	clock.Advance(time.Minute)
	require.Equal(t, want+1, until(), "and in the next minute")
	a.Cooldown(0)
	require.Zero(t, until(), "ended here: no longer reported")

	absorb := func(at time.Time) {
		e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Requests: -1, Tokens: -1, CoolUntil: at.UnixMilli()}}})
	}
	now := clock.Now()
	absorb(now.Add(-time.Second))
	require.Zero(t, state(t, e, "a").CoolingFor, "past")
	absorb(now.Add(time.Minute))
	require.Equal(t, time.Minute, state(t, e, "a").CoolingFor)
	require.Equal(t, engine.LimitCooldown, refusal(t, group(t, e, "chat"), exactly(1)).Limit)
	absorb(now.Add(time.Second))
	require.Equal(t, time.Minute, state(t, e, "a").CoolingFor, "never shortened")
	require.Zero(t, until(), "others have found it")
	absorb(now.Add(1000 * time.Hour))
	require.Equal(t, 25*time.Hour, state(t, e, "a").CoolingFor)
	e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", CoolUntil: 1<<63 - 1}}, {Tally: window.Tally{ID: "a", CoolUntil: -1 << 63}}})
	require.Equal(t, 25*time.Hour, state(t, e, "a").CoolingFor)
	clock.Advance(25 * time.Hour)
	acquire(t, group(t, e, "chat"), exactly(1))
	a.Cooldown(1 << 62)
	require.Equal(t, clock.Now().Add(25*time.Hour).UnixMilli(), until(), "25 hours at most are reported to others")
}
