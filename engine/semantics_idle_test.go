package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestSettleOfAnIdleCaller: what a call consumed beyond its reservation counts in the
// caller's current minute, though nothing has looked at callers since it was admitted.
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

// TestSettleInAnIdleGroupOfWindows: by limits on windows too, what a call consumed beyond
// its reservation counts in the window that runs, though nothing has looked at the group
// since two windows ago; so do tokens added while the answer streams in.
func TestSettleInAnIdleGroupOfWindows(t *testing.T) {
	const minutes, hours, days = 10 * time.Minute, 3 * time.Hour, 50 * time.Hour
	for name, c := range map[string]struct {
		limits engine.Limits
		idle   time.Duration
		used   engine.Usage
	}{
		"TPM":                       {engine.Limits{TPM: 1000}, minutes, engine.Usage{InputTokens: 5000}},
		"output beside TPM":         {engine.Limits{TPM: 1000, OutputTPM: 1000}, minutes, engine.Usage{OutputTokens: 5000}},
		"input":                     {engine.Limits{InputTPM: 1000}, minutes, engine.Usage{InputTokens: 5000}},
		"input, less output":        {engine.Limits{InputTPM: 1000}, minutes, engine.Usage{InputTokens: 1200, OutputTokens: 0}},
		"output":                    {engine.Limits{OutputTPM: 1000}, minutes, engine.Usage{OutputTokens: 5000}},
		"TPH":                       {engine.Limits{TPH: 1000}, hours, engine.Usage{InputTokens: 5000}},
		"TPD":                       {engine.Limits{TPD: 1000}, days, engine.Usage{InputTokens: 5000}},
		"TPM beside leases limited": {engine.Limits{TPM: 1000, MaxInFlight: 5}, minutes, engine.Usage{InputTokens: 5000}},
	} {
		for _, caller := range []bool{false, true} {
			for _, observed := range []bool{false, true} {
				t.Run(fmt.Sprint(name, caller, observed), func(t *testing.T) {
					p := provider.Profile{Admit: provider.AdmitInputMax}
					l := limitCase{d: engine.Deployment{Limits: c.limits, Profile: p}, q: engine.Demand{InputTokens: 1, MaxOutputTokens: 900}, caller: caller}
					begin := func() (*handClock, *engine.Group, engine.Demand, *engine.Lease) {
						e, clock := start(t, l.config())
						g, q := group(t, e, "chat"), l.on(t, e).q
						if observed {
							require.NoError(t, e.Observe("a", provider.Signal{}))
						}
						lease := acquire(t, g, q)
						clock.Advance(c.idle)
						return clock, g, q, lease
					}
					_, g, q, lease := begin()
					lease.Settle(c.used)
					_ = refusal(t, g, q)

					if c.used.OutputTokens != 0 || c.limits.TPM != 0 {
						_, g, q, lease = begin()
						lease.Add(5000)
						_ = refusal(t, g, q)
					}
				})
			}
		}
	}
}
