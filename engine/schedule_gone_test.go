//go:build invariants

package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestEndOfTheLastLeaseIsCounted: while the last lease of a removed deployment ends, the
// deployment is dropped, and added again, between any two of its steps. Each lease is
// counted once: as settled, released or expired.
func TestEndOfTheLastLeaseIsCounted(t *testing.T) {
	refused := func(l *engine.Lease) {
		l.Observe(provider.Signal{Kind: provider.TooLarge})
		l.Settle(engine.Usage{})
	}
	for name, c := range map[string]struct {
		end               func(l *engine.Lease)
		settled, released int64
		ttl               time.Duration
	}{
		"settle":                    {end: func(l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 3, OutputTokens: 9}) }, settled: 1},
		"settle reserved":           {end: (*engine.Lease).SettleReserved, settled: 1},
		"refused by the provider":   {end: refused, settled: 1},
		"release":                   {end: (*engine.Lease).Release, released: 1},
		"settle of an expired one":  {end: func(l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 3}) }, ttl: time.Minute},
		"release of an expired one": {end: (*engine.Lease).Release, ttl: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			for _, limits := range []engine.Limits{{}, {RPM: 9, TPM: 900, MaxInFlight: 5}} {
				played := between(t, func(t *testing.T) (end func(), moves []func(), check func()) {
					z, a := engine.Deployment{ID: "z", Group: "chat"}, engine.Deployment{ID: "a", Group: "other", Limits: limits}
					with := engine.Config{Deployments: []engine.Deployment{z, a}, LeaseTTL: c.ttl, TrackHeld: true}
					without := with
					without.Deployments = with.Deployments[:1]
					e, clock := start(t, with)
					l := acquire(t, group(t, e, "other"), exactly(7))
					require.NoError(t, e.Apply(without))
					drop := func() {
						for range 4 { // what was counted is reported, and its windows pass
							e.Collect(nil)
							clock.Advance(time.Minute)
							e.Stats()
						}
					}
					drop()
					if c.ttl != 0 {
						drop()
					}
					again := func() { require.NoError(t, e.Apply(with)) }
					return func() { c.end(l) }, []func(){drop, again, drop}, func() {
						drop()
						s := e.Stats()
						expired := 1 - c.settled - c.released
						require.Equal(t, []int64{0, c.settled, c.released, expired}, []int64{s.Held, s.Settled, s.Released, s.Expired})
					}
				})
				require.Greater(t, played, 3)
			}
		})
	}
}
