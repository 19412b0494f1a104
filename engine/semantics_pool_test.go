package engine_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// pooled is one pool of a deployment a of group chat and a deployment b of group
// code.
func pooled(l engine.Limits, p provider.Profile) engine.Config {
	p.Pool = "account"
	return engine.Config{Deployments: []engine.Deployment{
		{ID: "a", Group: "chat", Limits: l, Profile: p},
		{ID: "b", Group: "code", Limits: l, Profile: p},
	}}
}

// TestAPoolIsOneLimit: what one deployment takes the others cannot, whatever the
// rule and the group.
func TestAPoolIsOneLimit(t *testing.T) {
	for name, c := range map[string]struct {
		limits  engine.Limits
		profile provider.Profile
		limit   engine.Limit
		wait    time.Duration
	}{
		"tokens of a minute":   {engine.Limits{TPM: 100, RPM: 9}, provider.Profile{}, engine.LimitTPM, time.Minute},
		"requests of a minute": {engine.Limits{RPM: 2, TPM: 1000}, provider.Profile{}, engine.LimitRPM, time.Minute},
		"a phase":              {engine.Limits{TPM: 100}, provider.Profile{Phase: 25 * time.Second}, engine.LimitTPM, 25 * time.Second},
		"a bucket":             {engine.Limits{TPM: 100}, provider.Profile{Shape: provider.Bucket}, engine.LimitTPM, 600 * time.Millisecond},
		"parts of a minute":    {engine.Limits{RPM: 12}, provider.Profile{RequestWindow: 10 * time.Second}, engine.LimitRPM, 10 * time.Second},
		"input":                {engine.Limits{InputTPM: 100}, provider.Profile{}, engine.LimitInputTPM, time.Minute},
		"tokens of a day":      {engine.Limits{TPD: 100}, provider.Profile{}, engine.LimitTPD, firstMinute.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(firstMinute)},
		"requests of a day":    {engine.Limits{RPD: 2}, provider.Profile{}, engine.LimitRPD, firstMinute.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(firstMinute)},
	} {
		t.Run(name, func(t *testing.T) {
			e, clock := start(t, pooled(c.limits, c.profile))
			chat, code := group(t, e, "chat"), group(t, e, "code")
			first := acquire(t, chat, exactly(50))
			acquire(t, code, exactly(50))
			for _, g := range []*engine.Group{chat, code} {
				refused := refusal(t, g, exactly(1))
				require.Equal(t, c.limit, refused.Limit)
				require.Equal(t, c.wait, refused.RetryAfter)
			}
			require.False(t, ref(t, e, "b").PreCheck(exactly(1)))
			first.Release()
			second := acquire(t, code, exactly(49)) // a bucket gives back a sixteenth of a nanosecond less
			second.Settle(engine.Usage{InputTokens: 40})
			if c.limit == engine.LimitTPM {
				require.EqualValues(t, state(t, e, "a").Limit(engine.LimitTPM).Used, state(t, e, "b").Limit(engine.LimitTPM).Used)
				require.NotZero(t, state(t, e, "a").Limit(engine.LimitTPM).Used)
			}
			clock.Advance(c.wait - 1)
			if c.profile.Shape != provider.Bucket {
				require.Equal(t, c.limit, refusal(t, chat, exactly(11)).Limit)
			}
			clock.Advance(1)
			if c.profile.Shape == provider.Bucket {
				clock.Advance(time.Minute)
			}
			acquire(t, chat, exactly(50))
			require.True(t, ref(t, e, "b").PreCheck(exactly(50)))
		})
	}
}

// TestAPoolOutlivesItsDeployments: a deployment that joins finds what is used, one that leaves begins
// again, and a pool that comes back has not been refilled.
func TestAPoolOutlivesItsDeployments(t *testing.T) {
	limits := engine.Limits{TPM: 100, TPD: 1000}
	cfg := pooled(limits, provider.Profile{})
	e, clock := start(t, cfg)
	acquire(t, group(t, e, "chat"), exactly(60))

	third := cfg
	third.Deployments = append(cfg.Deployments[1:2:2], engine.Deployment{ID: "c", Group: "chat", Limits: limits, Profile: cfg.Deployments[0].Profile})
	require.NoError(t, e.Apply(third))
	require.Equal(t, engine.LimitTPM, refusal(t, group(t, e, "chat"), exactly(41)).Limit)
	acquire(t, group(t, e, "chat"), exactly(10))
	require.EqualValues(t, 70, state(t, e, "b").Limit(engine.LimitTPM).Used)

	alone := one(limits)
	alone.Deployments[0].ID = "b"
	require.NoError(t, e.Apply(alone))
	acquire(t, group(t, e, "chat"), exactly(100)).Release()

	require.NoError(t, e.Apply(cfg))
	require.Equal(t, engine.LimitTPM, refusal(t, group(t, e, "code"), exactly(31)).Limit)
	clock.Advance(time.Minute)
	acquire(t, group(t, e, "code"), exactly(100))
	require.EqualValues(t, 170, state(t, e, "a").Limit(engine.LimitTPD).Used)

	wider := pooled(engine.Limits{TPM: 300, TPD: 1000}, provider.Profile{})
	require.NoError(t, e.Apply(wider))
	acquire(t, group(t, e, "chat"), exactly(200))
	require.Equal(t, engine.LimitTPM, refusal(t, group(t, e, "code"), exactly(1)).Limit)
}

// TestWhoLeavesAPoolDrawsOnItNoMore: and a lease from before gives back to the pool
// that it was charged to, and to no other.
func TestWhoLeavesAPoolDrawsOnItNoMore(t *testing.T) {
	for name, p := range map[string]provider.Profile{"minute": {}, "bucket": {Shape: provider.Bucket}, "phase": {Phase: 25 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			limits := engine.Limits{TPM: 1000, InputTPM: 2000}
			cfg := pooled(limits, p)
			e, clock := start(t, cfg)
			chat, code := group(t, e, "chat"), group(t, e, "code")
			before := acquire(t, chat, exactly(300))
			clock.Advance(time.Second)
			alone := pooled(limits, p)
			alone.Deployments[0].Profile.Pool = "other"
			require.NoError(t, e.Apply(alone))
			kept := acquire(t, chat, exactly(1000))
			before.Release()
			require.Equal(t, engine.LimitTPM, refusal(t, chat, exactly(100)).Limit)
			require.Equal(t, engine.LimitTPM, refusal(t, code, exactly(1001)).Limit)
			acquire(t, code, exactly(1000))
			clock.Advance(time.Second)
			require.NoError(t, e.Apply(cfg))
			kept.Release()
			require.Equal(t, engine.LimitTPM, refusal(t, code, exactly(40)).Limit)
		})
	}
}

// TestPoolsAndOtherNodes: each deployment reports its own usage, and what others
// charged to any of them comes off the pool.
func TestPoolsAndOtherNodes(t *testing.T) {
	for name, p := range map[string]provider.Profile{"minute": {}, "bucket": {Shape: provider.Bucket}} {
		t.Run(name, func(t *testing.T) {
			e, _ := start(t, pooled(engine.Limits{TPM: 1000, TPD: 2000}, p))
			chat, code := group(t, e, "chat"), group(t, e, "code")
			others(e, firstMinute, "a", 1, 300)
			others(e, firstMinute, "b", 1, 400)
			acquire(t, chat, exactly(100))
			acquire(t, code, exactly(150))
			require.Equal(t, engine.LimitTPM, refusal(t, code, exactly(51)).Limit)
			_, tokens := own(e, firstMinute, "a")
			require.EqualValues(t, 100, tokens)
			_, tokens = own(e, firstMinute, "b")
			require.EqualValues(t, 150, tokens)
			day := firstMinute.Truncate(24 * time.Hour).Unix()
			for _, id := range []string{"a", "b", "b"} { // the second time nothing is new
				e.Absorb([]window.Share{{Tally: window.Tally{ID: id, Start: day, Kind: window.KindDay, Tokens: 850}}})
			}
			require.EqualValues(t, 1950, state(t, e, "a").Limit(engine.LimitTPD).Used)
			require.Equal(t, engine.LimitTPD, refusal(t, chat, exactly(51)).Limit)
		})
	}
}

// TestAPoolWakesWaiters: headroom that one group gives back is for the other, too.
func TestAPoolWakesWaiters(t *testing.T) {
	e, _ := start(t, pooled(engine.Limits{TPM: 100}, provider.Profile{}))
	l := acquire(t, group(t, e, "chat"), exactly(100))
	got := make(chan error)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		_, err := group(t, e, "code").Wait(ctx, exactly(100))
		got <- err
	}()
	for e.Stats().Waiting == 0 {
		select {
		case err := <-got:
			t.Fatalf("it did not wait: %v", err)
		default:
			runtime.Gosched()
		}
	}
	l.Release()
	require.NoError(t, <-got)
}

// TestReportsOfAPoolWhileItIsListed: a refusal that would teach a deployment of its own a margin
// writes nothing that List reads of a pool. The race detector fails it otherwise.
func TestReportsOfAPoolWhileItIsListed(t *testing.T) {
	e, clock := start(t, pooled(engine.Limits{TPM: 100}, provider.Profile{}))
	e.Short()
	refs := []engine.Ref{ref(t, e, "a"), ref(t, e, "b")}
	var wg sync.WaitGroup
	for _, r := range refs {
		wg.Go(func() {
			for range 200 {
				clock.Advance(2 * time.Second)
				r.Observe(provider.Signal{Kind: provider.RateLimit}, r.Mark())
			}
		})
	}
	for range 200 {
		e.List(nil)
	}
	wg.Wait()
	require.EqualValues(t, 100, state(t, e, "a").Limit(engine.LimitTPM).Max, "a pool has no margin")
}

func TestAPoolAgrees(t *testing.T) {
	cfg := pooled(engine.Limits{TPM: 100, MaxInFlight: 1}, provider.Profile{})
	cfg.Deployments[1].Limits.MaxInFlight = 9
	require.NoError(t, cfg.Validate(), "leases are each deployment's own")
	cfg.Deployments[1].Limits.TPM = 200
	cfg.Deployments[1].Profile.Day = provider.DayPacific
	require.ErrorContains(t, cfg.Validate(),
		`Deployments[1]: "b" differs from Deployments[0], "a", of the same Profile.Pool "account", in Limits.TPM, Profile.Day; make them equal`)
}
