package syncer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// sendings counts how often each deployment's usage is sent.
type sendings struct {
	syncer.Store
	mu   sync.Mutex
	sent map[string]int
}

func (s *sendings) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	s.mu.Lock()
	for _, d := range b.Deltas {
		s.sent[d.ID]++
	}
	s.mu.Unlock()
	return s.Store.Exchange(ctx, b, r)
}

// TestRoundsFollowNeed: of more deployments than fit into a batch, those far from every
// limit send their usage in every third round, those near one in each; of fewer, all in each.
func TestRoundsFollowNeed(t *testing.T) {
	for count, often := range map[int]int{600: 11, 100: 30} {
		if raceEnabled && count != 100 {
			continue // the same code, on more deployments
		}
		synctest.Test(t, func(t *testing.T) {
			cfg := engine.Config{Deployments: []engine.Deployment{
				{ID: "near", Group: "chat", Limits: engine.Limits{RPM: 2000}},
				{ID: "far", Group: "chat", Limits: engine.Limits{RPM: 100_000}},
			}}
			for i := range count {
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: fmt.Sprint("d", i), Group: "chat"})
			}
			store := &sendings{Store: memstore.New(memstore.Config{}), sent: map[string]int{}}
			n := newNodeOf(t, store, cfg, syncer.Config{Nodes: 5})
			stop := run(t, n)
			time.Sleep(2 * time.Second)
			n.use("near", 1000, 0)
			load := func() {
				for range 60 {
					for _, d := range cfg.Deployments {
						n.use(d.ID, 1, 0)
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
			load()
			rollover()
			n.use("near", 1000, 0)
			time.Sleep(time.Second)
			load()
			store.mu.Lock()
			clear(store.sent)
			store.mu.Unlock()
			load()
			store.mu.Lock()
			require.InDelta(t, 30, store.sent["near"], 4, "in each round")
			require.InDelta(t, often, store.sent["far"], 4)
			require.InDelta(t, often, store.sent["d5"], 4)
			store.mu.Unlock()
			stop()
		})
	}
}
