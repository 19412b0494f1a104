package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestRemovedIsForgotten: a removed deployment is forgotten as soon as no window can
// change that other nodes count. With limits per day that is the next day, once all of its
// usage has been reported; without Collect nothing has to be reported.
func TestRemovedIsForgotten(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		limits                    engine.Limits
		profile                   provider.Profile
		collected, late           bool
		nextMinutes, nextDay, two bool // known after two minutes, on the next day, the day after that
	}{
		{name: "per minute, collected", limits: engine.Limits{RPM: 10}, collected: true},
		{name: "per minute", limits: engine.Limits{RPM: 10}},
		{name: "per day, collected", limits: engine.Limits{RPD: 10, TPD: 100}, collected: true, nextMinutes: true},
		{name: "per day", limits: engine.Limits{RPD: 10, TPD: 100}, nextMinutes: true},
		{name: "per day, of a pool", limits: engine.Limits{RPD: 10}, profile: provider.Profile{Pool: "p"}, collected: true, nextMinutes: true},
		{name: "per Pacific day", limits: engine.Limits{RPD: 10}, profile: provider.Profile{Day: provider.DayPacific}, collected: true, nextMinutes: true},
		{name: "per day, used after the last report", limits: engine.Limits{RPD: 10}, collected: true, late: true, nextMinutes: true, nextDay: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := engine.Deployment{ID: "z", Group: "chat"}
			e, clock := start(t, engine.Config{Deployments: []engine.Deployment{z, {ID: "a", Group: "other", Limits: tt.limits, Profile: tt.profile}}})
			known := func() bool {
				require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{z}}))
				_, err := e.Ref("a")
				return err == nil
			}
			acquire(t, group(t, e, "other"), exactly(5)).SettleReserved()
			if tt.collected {
				e.Collect(nil)
			}
			if tt.late {
				acquire(t, group(t, e, "other"), exactly(5)).SettleReserved()
			}
			require.True(t, known())
			for range 3 {
				clock.Advance(time.Minute)
				if tt.collected && !tt.late {
					e.Collect(nil)
				}
				known()
			}
			require.Equal(t, tt.nextMinutes, known())
			clock.Advance(24 * time.Hour)
			require.Equal(t, tt.nextDay, known())
			if tt.late {
				require.Len(t, e.Collect(nil), 2, "the minute and the day that were not reported")
			}
			clock.Advance(24 * time.Hour)
			require.Equal(t, tt.two, known())
			require.Empty(t, e.Collect(nil))
		})
	}
}

// TestFoundAgain: a deployment that was forgotten and is configured again counts from
// nothing in current windows, also for callers that kept its Ref.
func TestFoundAgain(t *testing.T) {
	z := engine.Deployment{ID: "z", Group: "chat"}
	for name, limits := range map[string]engine.Limits{
		"input": {InputTPM: 100}, "output": {OutputTPM: 100}, "in flight": {MaxInFlight: 1}, "pair": {RPM: 2, TPM: 100}, "days": {RPD: 2, TPD: 100},
	} {
		t.Run(name, func(t *testing.T) {
			a := engine.Deployment{ID: "a", Group: "other", Limits: limits}
			e, clock := start(t, engine.Config{Deployments: []engine.Deployment{z, a}})
			kept := ref(t, e, "a")
			acquire(t, group(t, e, "other"), split(30, 30)).Release()
			require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{z}}))
			for range 4 {
				clock.Advance(time.Minute)
				e.Collect(nil)
				acquire(t, group(t, e, "chat"), exactly(1)).SettleReserved()
			}
			clock.Advance(48 * time.Hour)
			e.Collect(nil)
			require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{z}}))
			_, err := e.Ref("a")
			require.Error(t, err, "forgotten")
			clock.Advance(5 * time.Minute)
			require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{z, a}}))
			for range 2 {
				l := acquire(t, group(t, e, "other"), split(50, 50))
				require.Equal(t, kept, l.Ref())
				for i := range state(t, e, "a").Limits {
					s := state(t, e, "a").Limits[i]
					require.Less(t, s.Used, int64(101), s.Limit)
					require.Positive(t, s.Used, s.Limit)
				}
				_, ok := group(t, e, "other").TryAcquire(split(51, 51))
				require.False(t, ok)
				l.Release()
				clock.Advance(time.Minute)
			}
		})
	}
}

// TestMinutesOfAnEngineNeverRepeat: the group that has turned to the latest minute is deleted, and
// the clock is set back. Its deployment goes on in that minute in another group, and so does a
// deployment that was not there, whose earlier minutes may have been reported before.
func TestMinutesOfAnEngineNeverRepeat(t *testing.T) {
	a, z := engine.Deployment{ID: "a", Group: "chat"}, engine.Deployment{ID: "z", Group: "other"}
	e, clock := start(t, engine.Config{Deployments: []engine.Deployment{a, z}})
	clock.Advance(4 * time.Minute)
	latest := clock.Now()
	acquire(t, group(t, e, "chat"), exactly(5)).SettleReserved()
	for range 2 { // the second deletes the group that the first has made
		clock.Set(firstMinute)
		a.Group += "s"
		require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{a}}))
		acquire(t, group(t, e, a.Group), exactly(7)).SettleReserved()
	}
	for _, d := range []string{"b", "c"} {
		require.NoError(t, e.Apply(engine.Config{Deployments: []engine.Deployment{{ID: d, Group: d}}}))
		acquire(t, group(t, e, d), exactly(3)).SettleReserved()
		_, tokens := own(e, latest, d)
		require.Equal(t, int64(3), tokens, d)
	}
	_, tokens := own(e, latest, "a")
	require.Equal(t, int64(5+7+7), tokens)
}
