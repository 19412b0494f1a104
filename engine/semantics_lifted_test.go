package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestALiftedLimitKeepsItsUsage: a limit that Apply removes or sets to Blocked, and a later Apply
// puts back within its window, admits no more than it had left, whatever its shape.
func TestALiftedLimitKeepsItsUsage(t *testing.T) {
	bucket, phased := provider.Profile{Shape: provider.Bucket}, provider.Profile{Phase: 30 * time.Second}
	pool := provider.Profile{Shape: provider.Bucket, Pool: "shared"}
	for name, c := range map[string]struct {
		limits  engine.Limits
		profile provider.Profile
	}{
		"tokens of a minute":      {engine.Limits{TPM: 100}, provider.Profile{}},
		"requests of a minute":    {engine.Limits{RPM: 1}, provider.Profile{}},
		"input of a minute":       {engine.Limits{InputTPM: 100}, provider.Profile{}},
		"tokens of an hour":       {engine.Limits{TPH: 100}, provider.Profile{}},
		"tokens of a day":         {engine.Limits{TPD: 100}, provider.Profile{}},
		"tokens with a phase":     {engine.Limits{TPM: 100}, phased},
		"requests with a phase":   {engine.Limits{RPM: 1}, phased},
		"parts of a minute":       {engine.Limits{RPM: 6}, provider.Profile{RequestWindow: 10 * time.Second}},
		"parts with a phase":      {engine.Limits{RPM: 6}, provider.Profile{RequestWindow: 10 * time.Second, Phase: 5 * time.Second}},
		"tokens of a bucket":      {engine.Limits{TPM: 100}, bucket},
		"requests of a bucket":    {engine.Limits{RPM: 1}, bucket},
		"input of a bucket":       {engine.Limits{InputTPM: 100}, bucket},
		"bucket beside a minute":  {engine.Limits{TPM: 100, RPD: 50}, bucket},
		"tokens of a pool":        {engine.Limits{TPM: 100}, provider.Profile{Pool: "shared"}},
		"bucket of a pool":        {engine.Limits{TPM: 100}, pool},
		"input bucket, of a pool": {engine.Limits{InputTPM: 100}, pool},
	} {
		for how, lifted := range map[string]int64{"removed": 0, "blocked": engine.Blocked} {
			t.Run(name+", "+how, func(t *testing.T) {
				e, clock := start(t, profiled(c.limits, c.profile))
				g := group(t, e, "chat")
				acquire(t, g, exactly(100))
				limit := refusal(t, g, exactly(100)).Limit
				without := c.limits
				for l := range provider.AllLimits() {
					if n := without.Of(l); *n != 0 {
						*n = lifted
					}
				}
				require.NoError(t, e.Apply(profiled(without, c.profile)))
				clock.Advance(time.Second)
				require.NoError(t, e.Apply(profiled(without, c.profile)), "and is lifted over more than one Apply")
				require.NoError(t, e.Apply(profiled(c.limits, c.profile)))
				require.Equal(t, limit, refusal(t, g, exactly(100)).Limit)
			})
		}
	}
}

// TestALiftedBucketRefills: at the rate of the limit that was lifted, also while the deployment
// is removed; and leases from before it was lifted give back what they did not use.
func TestALiftedBucketRefills(t *testing.T) {
	bucket := provider.Profile{Shape: provider.Bucket}
	for how, lifted := range map[string]int64{"removed": 0, "blocked": engine.Blocked} {
		t.Run(how, func(t *testing.T) {
			full := profiled(engine.Limits{TPM: 6000}, bucket)
			e, clock := start(t, full)
			before := acquire(t, group(t, e, "chat"), exactly(3000))
			ref(t, e, "a").Record(engine.Usage{InputTokens: 27_000}) // four minutes of debt
			require.NoError(t, e.Apply(profiled(engine.Limits{TPM: lifted}, bucket)))
			before.Settle(engine.Usage{InputTokens: 1000})
			clock.Advance(time.Minute)
			require.NoError(t, e.Apply(full))
			require.InDelta(t, 22_000, state(t, e, "a").Limit(engine.LimitTPM).Used, 2)
			require.NoError(t, e.Apply(profiled(engine.Limits{TPM: lifted}, bucket)))
			other := full
			other.Deployments = []engine.Deployment{{ID: "b", Group: "chat"}}
			require.NoError(t, e.Apply(other))
			for range 3 {
				clock.Advance(time.Minute)
				e.AppendStates(nil)
			}
			require.NoError(t, e.Apply(profiled(engine.Limits{TPM: 3000}, bucket)))
			require.InDelta(t, 4000, state(t, e, "a").Limit(engine.LimitTPM).Used, 2, "the amount is the same under another limit")
			clock.Advance(time.Minute)
			require.InDelta(t, 1000, state(t, e, "a").Limit(engine.LimitTPM).Used, 2)
		})
	}
}

// TestALiftedBucketIsNotListed: a bucket that goes on refilling after its limit was removed is
// no limit that nodes hold together, and List has no window of it.
func TestALiftedBucketIsNotListed(t *testing.T) {
	bucket := provider.Profile{Shape: provider.Bucket}
	e, _ := start(t, profiled(engine.Limits{TPM: 100, RPD: 50}, bucket))
	e.Short() // by which a syncer says that nodes hold limits by grants
	slices := func() (n int) {
		for _, r := range e.List(nil) {
			if r.Kind == window.KindSlice {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, slices())
	require.NoError(t, e.Apply(profiled(engine.Limits{RPD: 50}, bucket)))
	require.Zero(t, slices())
}
