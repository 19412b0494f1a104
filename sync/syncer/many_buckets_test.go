package syncer_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// narrow is a store that takes no batch of more than 500 deltas and reads, as valkeystore does.
type narrow struct {
	*memstore.Store
	largest atomic.Int64
}

func (s *narrow) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	n := int64(len(b.Deltas) + len(b.Reads))
	s.largest.Store(max(s.largest.Load(), n))
	if n > 500 {
		return fmt.Errorf("%d deltas and reads", n)
	}
	return s.Store.Exchange(ctx, b, r)
}

// TestManyBuckets: nodes hold any number of buckets by escrow with batches that a store takes. Of each
// bucket that is used for the first time 60 slices are read, and a batch with those of eight was refused
// for ever.
func TestManyBuckets(t *testing.T) {
	for _, deployments := range []int{5, 20, 150} {
		if deployments > 20 && (testing.Short() || raceEnabled) {
			continue // the same steps, more often
		}
		t.Run(strconv.Itoa(deployments), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &narrow{Store: memstore.New(memstore.Config{})}
				cfg := engine.Config{}
				for i := range deployments {
					cfg.Deployments = append(cfg.Deployments, engine.Deployment{
						ID: "d" + strconv.Itoa(i), Group: "chat-" + strconv.Itoa(i), Limits: engine.Limits{RPM: 600}, Profile: provider.Profile{Shape: provider.Bucket},
					})
				}
				nodes := []*node{newNodeOf(t, store, cfg, syncer.Config{Mode: syncer.Escrow}), newNodeOf(t, store, cfg, syncer.Config{Mode: syncer.Escrow})}
				run(t, nodes...)
				time.Sleep(3 * time.Second)
				admitted := make([]int, deployments)
				for range 20 {
					for i := range deployments {
						for _, n := range nodes {
							g, err := n.e.Group("chat-" + strconv.Itoa(i))
							require.NoError(t, err)
							if lease, err := g.Acquire(engine.Demand{}); err == nil {
								lease.SettleReserved()
								admitted[i]++
							}
						}
					}
					time.Sleep(time.Second)
				}
				least := admitted[0]
				for _, n := range admitted {
					least = min(least, n)
				}
				require.Zero(t, nodes[0].s.Stats().Failures)
				require.LessOrEqual(t, store.largest.Load(), int64(500))
				require.Greater(t, least, 35, "of 40 requests")
			})
		})
	}
}
