package syncer_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEarlyExchangesRest: where exchanges take 60 ms, requests that lack a grant all the time begin no more than
// one in 90 ms, and each gets its grant within three round trips.
func TestEarlyExchangesRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const deployments = 200
		var cfg engine.Config
		for i := range deployments {
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "d-" + strconv.Itoa(i), Group: "g-" + strconv.Itoa(i), Limits: engine.Limits{RPM: 6000}})
		}
		way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{MinDelay: 60 * time.Millisecond, MaxDelay: 60 * time.Millisecond})
		n := newNodeOf(t, way, cfg, syncer.Config{Mode: syncer.Escrow, Deployments: func(dst []string) []string {
			for i := range cfg.Deployments {
				dst = append(dst, cfg.Deployments[i].ID)
			}
			return dst
		}})
		run(t, n)
		rollover()
		time.Sleep(3 * time.Second)
		begun, before := time.Now(), n.s.Stats().Exchanges
		refused := make(chan bool, deployments)
		for i := range deployments {
			g, err := n.e.Group("g-" + strconv.Itoa(i))
			require.NoError(t, err)
			go func() {
				lease, err := g.AcquireGranted(t.Context(), engine.Demand{InputTokens: 1, OutputTokens: engine.NoOutput})
				if refused <- err != nil; err == nil {
					lease.SettleReserved()
				}
			}()
			time.Sleep(20 * time.Millisecond)
		}
		exchanges := n.s.Stats().Exchanges - before
		require.LessOrEqual(t, exchanges, int64(time.Since(begun)/(90*time.Millisecond))+5)
		for range deployments {
			require.False(t, <-refused)
		}
	})
}
