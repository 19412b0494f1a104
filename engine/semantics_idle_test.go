package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestSettleOfAnIdleCaller: what a call consumed beyond its reservation counts in the
// caller's present minute, though nothing has looked at callers since it was admitted.
func TestSettleOfAnIdleCaller(t *testing.T) {
	l := limitCase{d: engine.Deployment{Limits: engine.Limits{TPM: 1000}}, q: exactly(1), caller: true}
	e, clock := start(t, l.config())
	g, l := group(t, e, "chat"), l.on(t, e)
	lease := acquire(t, g, l.q)
	clock.Advance(10 * time.Minute)
	lease.Settle(engine.Usage{InputTokens: 5000})
	require.Equal(t, "team", refusal(t, g, l.q).Caller)
}

// TestSettleInAnIdleGroup: a call ends long after the last look at its group, and has
// consumed more than was reserved. By a limit that follows the clock it is charged now,
// not in the minute of the last look, from which it would have refilled already.
func TestSettleInAnIdleGroup(t *testing.T) {
	for name, p := range map[string]provider.Profile{
		"bucket": {Shape: provider.Bucket}, "phase": {Phase: 17 * time.Second}, "pool": {Pool: "p"}, "pooled bucket": {Pool: "p", Shape: provider.Bucket},
	} {
		for _, limits := range []engine.Limits{{TPM: 1000}, {InputTPM: 1000}, {OutputTPM: 1000}} {
			for _, caller := range []bool{false, true} {
				if caller && (p.Pool != "" || p.Phase != 0) { // callers have neither
					continue
				}
				t.Run(name, func(t *testing.T) {
					l := limitCase{d: engine.Deployment{Limits: limits, Profile: p}, q: engine.Demand{InputTokens: 1, OutputTokens: 1}, caller: caller}
					e, clock := start(t, l.config())
					g, l := group(t, e, "chat"), l.on(t, e)
					lease := acquire(t, g, l.q)
					clock.Advance(10 * time.Minute)
					lease.Settle(engine.Usage{InputTokens: 5000, OutputTokens: 5000})
					after := refusal(t, g, l.q).RetryAfter
					require.Positive(t, after)
					if p.Shape == provider.Bucket {
						require.Greater(t, after, 3*time.Minute)
					}
				})
			}
		}
	}
}
