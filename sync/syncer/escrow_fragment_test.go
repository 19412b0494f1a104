package syncer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestEscrowFragmentForWaiters: while requests wait for a limit of which less than one request is
// left, a node asks for the fragment twice an interval and once for each new request at most, however
// fast the store answers.
func TestEscrowFragmentForWaiters(t *testing.T) {
	for _, size := range []int64{600, 667, 7000} { // of 60,000 are left: 0, 637 and 4000
		synctest.Test(t, func(t *testing.T) {
			const limit = 60_000
			store := memstore.New(memstore.Config{})
			way := storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 3 * time.Millisecond})
			n := newNode(t, way, engine.Limits{TPM: limit}, syncer.Config{Mode: syncer.Escrow})
			stop := run(t, n)
			rollover()
			g, err := n.e.Group("chat")
			require.NoError(t, err)
			var wg sync.WaitGroup
			wait := func(seconds int) {
				for range 20 * seconds {
					wg.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
						defer cancel()
						if l, err := g.Wait(ctx, engine.Demand{InputTokens: size, OutputTokens: engine.NoOutput}); err == nil {
							l.SettleReserved()
						}
					})
					time.Sleep(50 * time.Millisecond)
				}
			}
			wait(20)
			before := n.s.Stats().Exchanges
			require.Equal(t, limit/size*size, n.e.AppendStates(nil)[0].Limit(engine.LimitTPM).Used, "all that fits is used")
			wait(20)
			require.Less(t, n.s.Stats().Exchanges-before, int64(20*(20+20)+20), "of requests of %d", size)
			wg.Wait()
			stop()
		})
	}
}
