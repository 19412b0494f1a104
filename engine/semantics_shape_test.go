package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// waitAfter is a refusal that asks to wait.
func waitAfter(wait time.Duration) provider.Signal {
	return provider.Signal{Kind: provider.RateLimit, RetryAfter: wait}
}

// A bucket that is an assumption becomes minutes once answers agree on when they end:
// resets whatever the usage, and the waits of refusals. What moves with the usage does not
// agree, refusals at one time of each minute say nothing in whole seconds, and a shape that
// is known stays.
func TestTheShapeIsLearned(t *testing.T) {
	const end = 40*time.Second + 250*time.Millisecond // of the provider's minutes
	rest := func(at time.Duration) time.Duration { return (end - at%time.Minute + time.Minute) % time.Minute }
	whole := func(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }
	for _, tt := range []struct {
		name    string
		profile provider.Profile
		every   time.Duration
		answer  func(at time.Duration) provider.Signal
		minutes bool
	}{
		{"resets", provider.Unknown(), 11 * time.Second, func(at time.Duration) provider.Signal { return reset(1000, 900, rest(at)) }, true},
		{"resets in whole seconds", provider.Unknown(), 11 * time.Second, func(at time.Duration) provider.Signal { return reset(1000, 900, whole(rest(at))) }, true},
		{"waits of refusals", provider.Unknown(), 50 * time.Second, func(at time.Duration) provider.Signal { return waitAfter(rest(at)) }, true},
		{"a bucket in use", provider.Unknown(), 11 * time.Second, func(at time.Duration) provider.Signal {
			return reset(1000, 900, 5*time.Second+at%(7*time.Second))
		}, false},
		{"a bucket at rest", provider.Unknown(), time.Second, func(at time.Duration) provider.Signal {
			return reset(1000, 900, max(50*time.Second-at, time.Millisecond))
		}, false},
		{"a sliding minute", provider.Unknown(), 11 * time.Second, func(time.Duration) provider.Signal { return reset(1000, 900, time.Minute) }, false},
		{"each minute at one time, in whole seconds", provider.Unknown(), time.Minute, func(time.Duration) provider.Signal { return waitAfter(7 * time.Second) }, false},
		{"a shape that is known", provider.Profile{Shape: provider.Bucket}, 11 * time.Second, func(at time.Duration) provider.Signal { return reset(1000, 900, rest(at)) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, clock := listening(t, engine.Limits{TPM: 1000}, tt.profile)
			r, err := e.Ref("a")
			require.NoError(t, err)
			at := time.Duration(0)
			for range 14 {
				r.Observe(tt.answer(at), r.Mark())
				clock.Advance(tt.every)
				at += tt.every
			}
			got := r.Profile()
			if !tt.minutes {
				require.Equal(t, tt.profile, got)
				return
			}
			require.Equal(t, provider.Minute, got.Shape)
			require.GreaterOrEqual(t, got.Phase, end)
			require.LessOrEqual(t, got.Phase, end+1150*time.Millisecond, "never early; whole seconds and what a request may be judged later make it late")
		})
	}
}

// Minutes that were learned end with answers that contradict them.
func TestALearnedShapeCanBeWrong(t *testing.T) {
	e, clock := listening(t, engine.Limits{TPM: 1000}, provider.Unknown())
	r, err := e.Ref("a")
	require.NoError(t, err)
	for at := time.Duration(0); at < 3*time.Minute; at += 7 * time.Second {
		r.Observe(reset(1000, 900, time.Minute-at%time.Minute), r.Mark())
		clock.Advance(7 * time.Second)
	}
	require.Equal(t, provider.Minute, r.Profile().Shape)
	for range 3 {
		r.Observe(reset(1000, 900, 5*time.Second), r.Mark())
		clock.Advance(7 * time.Second)
	}
	require.Equal(t, provider.Minute, r.Profile().Shape, "a few may be of something else")
	for i := range 10 {
		r.Observe(reset(1000, 900, time.Duration(3+i%5)*time.Second), r.Mark())
		clock.Advance(7 * time.Second)
	}
	require.Equal(t, provider.Unknown(), r.Profile())
}
