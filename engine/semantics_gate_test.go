package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestOneGoesFirstOfAnyClass: the cap on requests is not shared while a deployment
// is half-open; the class's share of the limit holds all the same.
func TestOneGoesFirstOfAnyClass(t *testing.T) {
	for name, p := range rules {
		t.Run(name, func(t *testing.T) {
			cfg := profiled(engine.Limits{RPM: 10, TPM: 1000}, p)
			cfg.PriorityShare = []float64{1, 0.5}
			e, clock := start(t, cfg)
			g, a := group(t, e, "chat"), ref(t, e, "a")
			low := engine.Demand{Priority: 1, OutputTokens: engine.NoOutput}
			require.NoError(t, e.Observe("a", limited(3*time.Second)))
			clock.Advance(3 * time.Second)
			acquire(t, g, low).Release()
			require.True(t, a.PreCheck(low))
			require.Equal(t, engine.LimitCooldown, refusal(t, g, low).Limit)
			require.False(t, a.PreCheck(low))
			require.Greater(t, refusal(t, g, low).RetryAfter, time.Duration(0))
			clock.Advance(10 * time.Second)
			for range 4 {
				acquire(t, g, exactly(0))
			}
			require.NoError(t, e.Observe("a", limited(3*time.Second)))
			clock.Advance(3 * time.Second)
			if name != "bucket" { // which has refilled
				require.Equal(t, engine.LimitRPM, refusal(t, g, low).Limit, "five of ten are its share")
			}
			acquire(t, g, exactly(0))
		})
	}
}

// TestOnlyWhatWasSentAfterACooldownOpensTheGate: neither the usage, the answer nor
// the end of an older lease does, and none lets another request go first.
func TestOnlyWhatWasSentAfterACooldownOpensTheGate(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	g := group(t, e, "chat")
	var old []*engine.Lease
	for range 8 {
		old = append(old, acquire(t, g, exactly(10)))
	}
	clock.Advance(time.Second)
	old[0].Observe(limited(5 * time.Second))
	old[0].Settle(engine.Usage{})
	clock.Advance(time.Second)
	old[1].Release() // while it cools down
	clock.Advance(4 * time.Second)
	first := acquire(t, g, exactly(1))
	closed := func(after string) {
		t.Helper()
		require.True(t, state(t, e, "a").HalfOpen, after)
		_, ok := g.TryAcquire(exactly(1))
		require.False(t, ok, after)
	}
	closed("one has gone first")
	old[2].Release()
	closed("an older one was not sent")
	old[3].Observe(answered)
	closed("an older one was answered")
	old[3].Settle(engine.Usage{InputTokens: 10})
	closed("an older one has used something")
	old[4].Observe(provider.Signal{Kind: provider.Rejected})
	old[4].Settle(engine.Usage{})
	closed("an older one was at fault")
	clock.Advance(53 * time.Second) // a new minute begins
	first.Settle(engine.Usage{InputTokens: 1})
	require.False(t, state(t, e, "a").HalfOpen)
	acquire(t, g, exactly(1))
	acquire(t, g, exactly(1))
}

// TestOneGoesFirstInANewMinuteToo: its turn does not admit another, and if it was
// not sent, another may.
func TestOneGoesFirstInANewMinuteToo(t *testing.T) {
	e, clock := startAt(t, firstMinute.Add(54*time.Second), one(engine.Limits{}))
	g := group(t, e, "chat")
	acquire(t, g, exactly(1)).Observe(limited(5 * time.Second))
	clock.Advance(5 * time.Second)
	first := acquire(t, g, exactly(1))
	clock.Advance(2 * time.Second)
	require.Equal(t, engine.LimitCooldown, refusal(t, g, exactly(1)).Limit)
	first.Release()
	acquire(t, g, exactly(1))
	require.Equal(t, engine.LimitCooldown, refusal(t, g, exactly(1)).Limit)
}

// TestOneGoesFirstHoweverLateItComes: the probe is admitted though no demand came for a while.
func TestOneGoesFirstHoweverLateItComes(t *testing.T) {
	e, clock := start(t, one(engine.Limits{}))
	g := group(t, e, "chat")
	require.NoError(t, e.Observe("a", limited(2*time.Second)))
	clock.Advance(time.Hour)
	acquire(t, g, exactly(1))
	r := refusal(t, g, exactly(1))
	require.Equal(t, engine.LimitCooldown, r.Limit)
	require.LessOrEqual(t, r.RetryAfter, 10*time.Second)
	clock.Advance(r.RetryAfter)
	acquire(t, g, exactly(1))
	acquire(t, g, exactly(1))
}

// TestRefusalsOfABurstAreOne: with and without marks, by whatever is refused.
func TestRefusalsOfABurstAreOne(t *testing.T) {
	for _, kind := range []provider.Kind{provider.RateLimit, provider.Overloaded, provider.Other, provider.NoMoney} {
		t.Run(kind.String(), func(t *testing.T) {
			e, clock := start(t, two())
			g := group(t, e, "chat")
			var burst []*engine.Lease
			for range 12 {
				burst = append(burst, taken(t, g, "a"))
				clock.Advance(time.Millisecond)
			}
			most := time.Duration(0)
			for i, l := range burst {
				clock.Advance(time.Duration(i) * time.Millisecond)
				l.Observe(provider.Signal{Kind: kind})
				l.Settle(engine.Usage{})
				most = max(most, state(t, e, "a").CoolingFor)
			}
			want := map[provider.Kind]time.Duration{provider.Other: 2 * time.Second, provider.NoMoney: 10 * time.Minute}[kind]
			require.Equal(t, max(want, time.Second), most)
			clock.Advance(most)
			require.True(t, state(t, e, "a").HalfOpen, "the last refusal began nothing again")
		})
	}
}

// TestRefusalsAreForgotten: time and successful answers end the count of refusals in a row.
func TestRefusalsAreForgotten(t *testing.T) {
	for _, between := range []time.Duration{0, 3 * time.Minute, 24 * time.Hour} {
		t.Run(fmt.Sprint(between), func(t *testing.T) {
			e, clock := start(t, two())
			g := group(t, e, "chat")
			for i := range 4 {
				taken(t, g, "a").Observe(provider.Signal{Kind: provider.RateLimit})
				want := time.Second
				if between == 0 {
					want <<= i
				}
				require.Equal(t, want, state(t, e, "a").CoolingFor)
				clock.Advance(want + between)
			}
			taken(t, g, "a").Settle(engine.Usage{InputTokens: 1})
			taken(t, g, "a").Observe(provider.Signal{Kind: provider.RateLimit})
			require.Equal(t, time.Second, state(t, e, "a").CoolingFor, "a good answer ends the row")
		})
	}
}

func TestAnEmptyAccount(t *testing.T) {
	empty := provider.Signal{Kind: provider.NoMoney}
	t.Run("with a wait", func(t *testing.T) {
		e, _ := start(t, one(engine.Limits{}))
		require.NoError(t, e.Observe("a", provider.Signal{Kind: provider.NoMoney, RetryAfter: 3 * time.Second}))
		require.Equal(t, 3*time.Second, state(t, e, "a").CoolingFor)
	})
	t.Run("the only deployment", func(t *testing.T) {
		e, clock := start(t, one(engine.Limits{}))
		g := group(t, e, "chat")
		acquire(t, g, exactly(1)).Observe(empty)
		r := refusal(t, g, exactly(1))
		require.LessOrEqual(t, r.RetryAfter, time.Minute)
		require.Equal(t, provider.NoMoney, r.Cause)
		require.Contains(t, r.Error(), "cooldown (no money)")
		clock.Advance(r.RetryAfter)
		acquire(t, g, exactly(1)).Observe(empty)
		require.LessOrEqual(t, state(t, e, "a").CoolingFor, time.Minute)
	})
	t.Run("ended by a reload", func(t *testing.T) {
		e, _ := start(t, two())
		require.NoError(t, e.Observe("a", empty))
		require.Equal(t, 10*time.Minute, state(t, e, "a").CoolingFor)
		require.NoError(t, e.Apply(two()))
		taken(t, group(t, e, "chat"), "a")
	})
	t.Run("ended by hand", func(t *testing.T) {
		e, _ := start(t, two())
		require.NoError(t, e.Observe("a", empty))
		a := ref(t, e, "a")
		a.SetEnabled(true)
		require.NotZero(t, state(t, e, "a").CoolingFor)
		a.SetEnabled(false)
		a.SetEnabled(true)
		taken(t, group(t, e, "chat"), "a")
	})
	t.Run("a rate limit is not", func(t *testing.T) {
		e, _ := start(t, two())
		require.NoError(t, e.Observe("a", limited(time.Minute)))
		require.NoError(t, e.Apply(two()))
		require.Equal(t, time.Minute, state(t, e, "a").CoolingFor)
	})
}

// TestARemovedDeploymentKeepsItsDebtAndItsCooldown until they are over.
func TestARemovedDeploymentKeepsItsDebtAndItsCooldown(t *testing.T) {
	with := engine.Config{Deployments: []engine.Deployment{
		{ID: "z", Group: "chat"},
		{ID: "a", Group: "chat", Limits: engine.Limits{TPM: 1000}, Profile: provider.Profile{Shape: provider.Bucket}},
	}}
	without := engine.Config{Deployments: with.Deployments[:1]}
	e, clock := start(t, with)
	require.NoError(t, e.Record("a", engine.Usage{InputTokens: 100_000}))
	require.NoError(t, e.Observe("a", limited(10*time.Minute)))
	require.NoError(t, e.Apply(without))
	for range 9 {
		clock.Advance(time.Minute)
		e.Stats()
	}
	require.NoError(t, e.Apply(with))
	require.EqualValues(t, 91_000, state(t, e, "a").Limit(engine.LimitTPM).Used)
	require.Equal(t, time.Minute, state(t, e, "a").CoolingFor)
	require.NoError(t, e.Apply(without))
	clock.Advance(92 * time.Minute)
	e.Stats()
	require.NoError(t, e.Apply(with))
	require.Zero(t, state(t, e, "a").Limit(engine.LimitTPM).Used)
	require.Zero(t, state(t, e, "a").CoolingFor)
}
