package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// admits counts how many of 30 pre-checks and of 30 leases, none ended, are
// admitted: each is asked of a fresh engine prepared the same way.
func admits(t *testing.T, limits engine.Limits, d engine.Demand, prepare func(e *engine.Engine, clock *handClock)) int {
	t.Helper()
	e, clock := start(t, one(limits))
	prepare(e, clock)
	g := group(t, e, "chat")
	n := 0
	for range 30 {
		_, picked := g.Pick(d)
		_, ok := g.TryAcquire(d)
		require.Equal(t, ok, picked, "Pick and TryAcquire agree")
		if ok {
			n++
		}
	}
	return n
}

func TestAbsorb(t *testing.T) {
	type share = window.Share
	next := firstMinute.Add(time.Minute)
	at := func(when time.Time, requests, tokens, ceilingRequests, ceilingTokens int64) share {
		return share{Tally: tally(when, "a", requests, tokens), CeilingRequests: ceilingRequests, CeilingTokens: ceilingTokens}
	}
	tests := []struct {
		name   string
		limits engine.Limits
		shares []share
		later  time.Duration // the clock moves on after the last share
		want   int           // admitted of 30 demands of 10 tokens
	}{
		{"others' requests", engine.Limits{RPM: 10}, []share{at(firstMinute, 7, 0, 0, 0)}, 0, 3},
		{"others' tokens", engine.Limits{TPM: 100}, []share{at(firstMinute, 7, 61, 0, 0)}, 0, 3},
		{"others at the limit", engine.Limits{RPM: 10}, []share{at(firstMinute, 10, 0, 0, 0)}, 0, 0},
		{"others beyond the limit", engine.Limits{RPM: 10}, []share{at(firstMinute, 900, 0, 0, 0)}, 0, 0},
		{"others without a limit", engine.Limits{}, []share{at(firstMinute, 900, 1<<40, 0, 0)}, 0, 30},
		{"others grow", engine.Limits{RPM: 10}, []share{at(firstMinute, 3, 0, 0, 0), at(firstMinute, 4, 0, 0, 0)}, 0, 6},
		{"others shrink", engine.Limits{RPM: 10}, []share{at(firstMinute, 10, 0, 0, 0), at(firstMinute, 4, 0, 0, 0)}, 0, 6},
		{"reported twice", engine.Limits{RPM: 10}, []share{at(firstMinute, 4, 0, 0, 0), at(firstMinute, 4, 0, 0, 0)}, 0, 6},
		{"ceiling on requests", engine.Limits{RPM: 10}, []share{at(firstMinute, 0, 0, 4, 0)}, 0, 4},
		{"ceiling on tokens", engine.Limits{TPM: 100}, []share{at(firstMinute, 0, 0, 0, 45)}, 0, 4},
		{"ceiling filled exactly", engine.Limits{TPM: 100}, []share{at(firstMinute, 0, 0, 0, 40)}, 0, 4},
		{"ceiling without a limit", engine.Limits{}, []share{at(firstMinute, 0, 0, 4, 0)}, 0, 4},
		{"ceiling does not count others", engine.Limits{RPM: 20}, []share{at(firstMinute, 9, 0, 4, 0)}, 0, 4},
		{"ceiling on tokens does not count others", engine.Limits{TPM: 1000}, []share{at(firstMinute, 0, 300, 0, 45)}, 0, 4},
		{"ceiling given with others, then others alone", engine.Limits{TPM: 1000}, []share{at(firstMinute, 0, 300, 0, 45), at(firstMinute, 0, 980, 0, 45)}, 0, 2},
		{"limit below the ceiling", engine.Limits{RPM: 10}, []share{at(firstMinute, 9, 0, 4, 0)}, 0, 1},
		{"ceiling of zero requests", engine.Limits{RPM: 10}, []share{at(firstMinute, 0, 0, -1, 0)}, 0, 0},
		{"ceiling of zero tokens", engine.Limits{TPM: 100}, []share{at(firstMinute, 0, 0, 0, -1)}, 0, 0},
		{"ceiling raised", engine.Limits{RPM: 10}, []share{at(firstMinute, 0, 0, -1, 0), at(firstMinute, 0, 0, 6, 0)}, 0, 6},
		{"ceiling lifted", engine.Limits{RPM: 10}, []share{at(firstMinute, 0, 0, 2, 2), at(firstMinute, 0, 0, 0, 0)}, 0, 10},
		{"nothing is left over in a new minute", engine.Limits{RPM: 10}, []share{at(firstMinute, 9, 9, -1, -1)}, time.Minute, 10},
		{"given ahead, not yet", engine.Limits{RPM: 10}, []share{at(next, 8, 0, -1, 0)}, 0, 10},
		{"others given ahead", engine.Limits{RPM: 10}, []share{at(next, 8, 0, 0, 0)}, time.Minute, 2},
		{"ceiling given ahead", engine.Limits{RPM: 10}, []share{at(next, 0, 0, 3, 0)}, time.Minute, 3},
		{"given ahead twice", engine.Limits{RPM: 10}, []share{at(next, 8, 0, 1, 0), at(next, 6, 0, 9, 0)}, time.Minute, 4},
		{"given ahead, gone a minute later", engine.Limits{RPM: 10}, []share{at(next, 8, 0, 1, 0)}, 2 * time.Minute, 10},
		{"a minute long past", engine.Limits{RPM: 10}, []share{at(firstMinute.Add(-time.Hour), 9, 9, -1, -1)}, 0, 10},
		{"a minute far ahead", engine.Limits{RPM: 10}, []share{at(firstMinute.Add(time.Hour), 9, 9, -1, -1)}, 0, 10},
		{"unknown deployment", engine.Limits{RPM: 10}, []share{{Tally: tally(firstMinute, "zz", 9, 9), CeilingRequests: -1}}, 0, 10},
		{"negative usage", engine.Limits{RPM: 10}, []share{at(firstMinute, -5, -5, 0, 0)}, 0, 10},
		{"absurd usage", engine.Limits{RPM: 10}, []share{at(firstMinute, 1<<63-1, 1<<63-1, 0, 0)}, 0, 0},
		{"absurd usage taken back", engine.Limits{RPM: 10, TPM: 1000}, []share{at(firstMinute, 1<<63-1, 1<<63-1, 0, 0), at(firstMinute, 4, 0, 0, 0)}, 0, 6},
		{"absurd ceilings", engine.Limits{RPM: 10}, []share{at(firstMinute, 0, 0, 1<<63-1, 1<<63-1)}, 0, 10},
		{"no shares", engine.Limits{RPM: 10}, nil, 0, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, admits(t, test.limits, exactly(10), func(e *engine.Engine, clock *handClock) {
				e.Absorb(test.shares)
				clock.Advance(test.later)
			}), "all at once")
			require.Equal(t, test.want, admits(t, test.limits, exactly(10), func(e *engine.Engine, clock *handClock) {
				for _, s := range test.shares {
					e.Absorb([]window.Share{s})
				}
				clock.Advance(test.later)
			}), "one by one")
		})
	}
}

// TestAbsorbBesideOwnUsage: the limit bounds own and others' usage together,
// the ceiling own usage alone.
func TestAbsorbBesideOwnUsage(t *testing.T) {
	e, _ := start(t, one(engine.Limits{RPM: 10, TPM: 1000}))
	a := ref(t, e, "a")
	for range 3 {
		require.True(t, a.PreCheck(engine.Demand{}))
	}
	a.Record(engine.Usage{InputTokens: 200})
	others(e, firstMinute, "a", 5, 300)
	s := state(t, e, "a")
	require.Equal(t, [2]int64{8, 500}, [2]int64{s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used})
	require.Equal(t, [2]int64{5, 300}, [2]int64{s.Limit(engine.LimitRPM).Remote, s.Limit(engine.LimitTPM).Remote})
	require.InDelta(t, 0.8, s.Utilization, 1e-6)
	requests, tokens := own(e, firstMinute, "a")
	require.Equal(t, [2]int64{3, 200}, [2]int64{requests, tokens}, "Collect reports own usage only")

	e.Absorb([]window.Share{{Tally: tally(firstMinute, "a", 5, 300), CeilingRequests: 4}})
	require.True(t, a.PreCheck(engine.Demand{}))
	require.False(t, a.PreCheck(engine.Demand{}), "the ceiling, two below the limit")
	e.Absorb([]window.Share{{Tally: tally(firstMinute, "a", 5, 300), CeilingRequests: 9}})
	require.True(t, a.PreCheck(engine.Demand{}))
	require.False(t, a.PreCheck(engine.Demand{}), "the limit")

	e.Absorb([]window.Share{{Tally: tally(firstMinute, "a", 0, 0), CeilingRequests: 2}})
	require.False(t, a.PreCheck(engine.Demand{}), "a ceiling below own usage")
	requests, _ = own(e, firstMinute, "a")
	require.Equal(t, int64(5), requests)
}

// TestAbsorbAheadOfARemoval: what was given ahead is there even when the new
// minute drops a deployment for good.
func TestAbsorbAheadOfARemoval(t *testing.T) {
	a := engine.Deployment{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}
	e, clock := start(t, deployments(engine.Deployment{ID: "b", Group: "chat"}, a))
	require.True(t, ref(t, e, "b").PreCheck(engine.Demand{}))
	apply(t, e, a)
	for minute := range 4 {
		next := clock.Now().Add(time.Minute)
		e.Absorb([]window.Share{{Tally: tally(next, "a", 6, 0), CeilingRequests: 2}})
		clock.Advance(time.Minute)
		require.Equal(t, int64(6), state(t, e, "a").Limit(engine.LimitRPM).Used, "minute %d", minute)
		require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
		require.True(t, ref(t, e, "a").PreCheck(engine.Demand{}))
		require.False(t, ref(t, e, "a").PreCheck(engine.Demand{}))
	}
}

func TestCollect(t *testing.T) {
	e, clock := start(t, engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 5, TPM: engine.Blocked}},
		{ID: "b", Group: "other", Limits: engine.Limits{TPM: 700}},
		{ID: "c", Group: "third"},
	}})
	next := firstMinute.Add(time.Minute)
	require.Empty(t, e.Collect(nil))
	b := ref(t, e, "b")
	require.True(t, b.PreCheck(engine.Demand{}))
	b.Record(engine.Usage{InputTokens: 40})
	want := window.Report{Tally: tally(firstMinute, "b", 1, 40), TokenLimit: 700}
	require.Equal(t, []window.Report{want}, e.Collect(nil))
	require.Equal(t, []window.Report{want}, e.Collect(nil), "reports are cumulative, not differences")

	lease := acquire(t, group(t, e, "other"), exactly(50))
	want.Tally = tally(firstMinute, "b", 2, 90)
	require.Equal(t, []window.Report{want}, e.Collect(nil), "reservations are included")
	lease.Settle(engine.Usage{InputTokens: 50, OutputTokens: 5})
	want.Tokens = 95

	_, ok := group(t, e, "chat").Pick(exactly(1))
	require.False(t, ok)
	asked := window.Report{Tally: tally(firstMinute, "a", 0, 0), RequestLimit: 5, TokenLimit: -1}
	require.ElementsMatch(t, []window.Report{want, asked}, e.Collect(nil), "asked for, without usage")

	clock.Advance(time.Minute)
	b.Record(engine.Usage{InputTokens: 7})
	reports := e.Collect([]window.Report{{Tally: window.Tally{ID: "kept"}}})
	require.Equal(t, "kept", reports[0].ID, "Collect appends")
	require.Contains(t, reports, want, "the previous minute")
	require.Contains(t, reports, window.Report{Tally: tally(next, "b", 0, 7), TokenLimit: 700})

	clock.Advance(2 * time.Minute)
	b.Record(engine.Usage{InputTokens: 1})
	for _, r := range e.Collect(nil) {
		require.GreaterOrEqual(t, r.Start, next.Unix(), "no older than the previous minute")
		require.NotEqual(t, "c", r.ID, "no demand asked for it")
	}
}

func TestCollectRemovedDeployments(t *testing.T) {
	cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat"}, {ID: "b", Group: "chat"}}}
	e, clock := start(t, cfg)
	b := ref(t, e, "b")
	require.True(t, b.PreCheck(engine.Demand{}))
	b.Record(engine.Usage{InputTokens: 40})
	cfg.Deployments = cfg.Deployments[:1]
	require.NoError(t, e.Apply(cfg))
	for range 2 {
		requests, tokens := own(e, firstMinute, "b")
		require.Equal(t, [2]int64{1, 40}, [2]int64{requests, tokens}, "at %s", clock.Now())
		clock.Advance(time.Minute)
		group(t, e, "chat").Pick(engine.Demand{})
	}
	for _, r := range e.Collect(nil) {
		require.NotEqual(t, "b", r.ID, "its epochs have ended")
	}
}

// TestCollectLate: minutes that ended since the last Collect are reported by
// the next one, and not again.
func TestCollectLate(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	e.Collect(nil)
	want := []window.Report{}
	for minute := range int64(6) {
		record(t, e, "a", 10+minute)
		want = append(want, window.Report{Tally: tally(clock.Now(), "a", 0, 10+minute)})
		clock.Advance(time.Minute)
	}
	require.ElementsMatch(t, want, e.Collect(nil))
	require.Equal(t, want[5:], e.Collect(nil), "the previous minute alone")
	require.Zero(t, e.Stats().Dropped)
}

// TestDropped: reports that no Collect takes are dropped in the end, and counted.
func TestDropped(t *testing.T) {
	cfg := engine.Config{}
	for i := range 1000 {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat"})
	}
	e, clock := start(t, cfg)
	e.Collect(nil)
	minutes := 0
	for ; e.Stats().Dropped == 0; minutes++ {
		require.Less(t, minutes, 1000, "memory is bounded")
		for i := range 1000 {
			record(t, e, id(i), 1)
		}
		clock.Advance(time.Minute)
	}
	require.Equal(t, int64(1000*minutes), int64(len(e.Collect(nil)))+e.Stats().Dropped)
}
