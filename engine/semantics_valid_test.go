package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// take admits requests on a deployment until it refuses.
func take(t *testing.T, e *engine.Engine, id string) (n int) {
	t.Helper()
	r := ref(t, e, id)
	for r.PreCheck(engine.Demand{}) {
		n++
	}
	return n
}

// TestValidFor: once what was absorbed has ceased to be valid, a node of four admits a
// quarter of what is left, once, until an Absorb names the window.
func TestValidFor(t *testing.T) {
	absorb := func(e *engine.Engine, at time.Time, others int64) {
		e.Absorb([]window.Share{{Tally: tally(at, "a", others, 0)}})
	}
	next := firstMinute.Add(time.Minute)
	tests := []struct {
		name string
		do   func(e *engine.Engine, clock *handClock)
		want int
	}{
		{"valid", func(*engine.Engine, *handClock) {}, 60},
		{"until the last instant", func(_ *engine.Engine, clock *handClock) { clock.Advance(time.Second - 1) }, 60},
		{"stale", func(_ *engine.Engine, clock *handClock) { clock.Advance(time.Second) }, 15},
		{"stale, called late", func(e *engine.Engine, clock *handClock) {
			clock.Advance(20 * time.Second)
			require.True(t, e.ValidFor(time.Second, 4))
		}, 15},
		{"stale twice", func(e *engine.Engine, clock *handClock) {
			for range 3 {
				clock.Advance(5 * time.Second)
				require.True(t, e.ValidFor(time.Second, 4))
				for range 5 {
					ref(t, e, "a").PreCheck(engine.Demand{})
				}
			}
		}, 0},
		{"named again", func(e *engine.Engine, clock *handClock) {
			clock.Advance(20 * time.Second)
			e.ValidFor(time.Second, 4)
			absorb(e, firstMinute, 50)
		}, 50},
		{"named by what is stale already", func(e *engine.Engine, clock *handClock) {
			clock.Advance(20 * time.Second)
			absorb(e, firstMinute, 40)
		}, 15},
		{"kept valid", func(e *engine.Engine, clock *handClock) {
			for range 50 {
				clock.Advance(900 * time.Millisecond)
				require.False(t, e.ValidFor(time.Second, 4))
			}
		}, 60},
		{"the next minute, unnamed", func(e *engine.Engine, clock *handClock) {
			for range 60 {
				clock.Advance(time.Second - 1)
				e.ValidFor(time.Second, 4)
			}
			clock.Advance(time.Second)
		}, 25},
		{"the next minute, named ahead", func(e *engine.Engine, clock *handClock) {
			clock.Advance(59500 * time.Millisecond)
			e.ValidFor(time.Second, 4)
			absorb(e, next, 30)
			clock.Advance(500 * time.Millisecond)
		}, 70},
		{"the next minute, named ahead before it became stale", func(e *engine.Engine, clock *handClock) {
			absorb(e, next, 20)
			clock.Advance(time.Minute)
		}, 20},
		{"ended", func(e *engine.Engine, clock *handClock) {
			clock.Advance(20 * time.Second)
			e.ValidFor(0, 4)
			clock.Advance(20 * time.Second)
		}, 60},
		{"alone", func(e *engine.Engine, clock *handClock) {
			e.ValidFor(time.Second, 1)
			clock.Advance(20 * time.Second)
		}, 60},
		{"applied again", func(e *engine.Engine, clock *handClock) {
			clock.Advance(20 * time.Second)
			require.NoError(t, e.Apply(one(engine.Limits{RPM: 100, TPM: 1000})))
		}, 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, clock := start(t, one(engine.Limits{RPM: 100}))
			absorb(e, firstMinute, 40)
			require.False(t, e.ValidFor(time.Second, 4))
			test.do(e, clock)
			require.Equal(t, test.want, take(t, e, "a"))
		})
	}
}

// TestValidForNew bounds what no Absorb has named, of every kind of limit.
func TestValidForNew(t *testing.T) {
	for _, test := range []struct {
		limits engine.Limits
		want   int
	}{
		{engine.Limits{RPM: 100}, 25},
		{engine.Limits{RPD: 100}, 25},
		{engine.Limits{RPM: 100, RPD: 10}, 2},
		{engine.Limits{RPM: 3}, 0},
		{engine.Limits{InputTPM: 100}, 25},
		{engine.Limits{OutputTPM: 103}, 25},
		{engine.Limits{TPD: 203}, 25},
		{engine.Limits{}, 1000},
	} {
		e, _ := start(t, one(engine.Limits{RPM: 100}))
		e.ValidFor(time.Second, 4)
		cfg := one(test.limits)
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "new", Group: "new", Limits: test.limits})
		require.NoError(t, e.Apply(cfg))
		g, n := group(t, e, "new"), 0
		for range 1000 {
			if _, ok := g.TryAcquire(split(1, 1)); !ok {
				break
			}
			n++
		}
		require.Equal(t, test.want, n, "%+v", test.limits)
		if test.want < 1000 {
			require.Equal(t, engine.LimitShare, refusal(t, g, split(1, 1)).Limit)
			require.Equal(t, 250*time.Millisecond, refusal(t, g, split(1, 1)).RetryAfter)
		}
	}
}
