package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// TestClockStep wants limits to hold, and no more than that, after a machine that has started
// without the date learns it, so that the clock steps by decades.
func TestClockStep(t *testing.T) {
	limits := engine.Limits{RPM: 60, TPM: 60_000, RPH: 3000, RPD: 30_000}
	demand, usage := engine.Demand{InputTokens: 50, OutputTokens: 60}, engine.Usage{InputTokens: 50, OutputTokens: 50}
	for _, from := range []int{1970, 2000, 2008, 2017, 2025} {
		for _, tt := range []struct {
			profile provider.Profile
			want    int // of 100 requests at the beginning of a minute
		}{{provider.Profile{}, 60}, {provider.Profile{Shape: provider.Bucket}, 60}, {provider.Profile{Phase: 17 * time.Second}, 60}, {provider.Profile{RequestWindow: 10 * time.Second}, 10}} {
			cfg := engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: limits, Profile: tt.profile}}}
			e, clock := startAt(t, time.Date(from, 1, 1, 0, 0, 1, 0, time.UTC), cfg)
			g := group(t, e, "chat")
			old, err := g.Acquire(demand)
			require.NoError(t, err)
			clock.Set(time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
			old.Settle(usage)
			for minute := range 4 {
				admitted := 0
				for range 100 {
					if l, err := g.Acquire(demand); err == nil {
						l.Settle(usage)
						admitted++
					}
				}
				require.Equal(t, tt.want, admitted, "from %d, %+v, minute %d", from, tt.profile, minute)
				clock.Advance(time.Minute)
			}
		}
	}
}
