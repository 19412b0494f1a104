package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// without returns a configuration in which the limits of a case are not limited.
func (c *kindCase) without() engine.Config {
	cfg := c.config()
	for i := range cfg.Deployments {
		if c.owner != ofCaller {
			cfg.Deployments[i].Limits = engine.Limits{}
		}
	}
	for i := range cfg.Callers {
		cfg.Callers[i].Limits = engine.Limits{}
	}
	return cfg
}

// TestEscrowLimitRemoved: a limit that is removed bounds nothing any more, also in the window in
// which it was held by escrow. When it is back, what was used meanwhile counts, once: in spite
// of a batch that was under way.
func TestEscrowLimitRemoved(t *testing.T) {
	for _, c := range kindCases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(c.nextWindow().Add(-5 * time.Second)))
				store := memstore.New(memstore.Config{})
				way := storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: 60 * time.Millisecond, MaxDelay: 60 * time.Millisecond})
				n := newNodeOf(t, way, c.config(), syncer.Config{Mode: syncer.Escrow})
				stop := run(t, n)
				time.Sleep(time.Until(c.nextWindow().Add(500 * time.Millisecond)))
				used := int64(0)
				take := func(requests int) (admitted int) {
					for range requests {
						if _, ok := offerKind(n, &c, "chat", 30, 30); ok {
							used += c.counts(30, 30)
							admitted++
						}
						time.Sleep(time.Millisecond)
					}
					return admitted
				}
				require.Positive(t, take(20))
				require.NoError(t, n.e.Apply(c.without()))
				require.Equal(t, 50, take(50), "nothing is limited")
				time.Sleep(1400 * time.Millisecond)
				require.Equal(t, 600, take(600), "nothing is limited")
				require.NoError(t, n.e.Apply(c.config()))
				time.Sleep(400 * time.Millisecond)
				take(1)
				time.Sleep(400 * time.Millisecond)
				start, _ := c.windowAt(time.Now())
				stop()
				sum := totalOf(store, c.kind, c.id(), start)
				require.Contains(t, []int64{sum.Requests, sum.Tokens, sum.Input, sum.Output}, used)
			})
		})
	}
}
