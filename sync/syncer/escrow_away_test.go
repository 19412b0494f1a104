package syncer_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
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

var awaySeeds = flag.Int("away.seeds", 2, "runs of each case of TestEscrowWhileAway")

// TestEscrowWhileAway: nodes whose ways to the store are cut and slowed down at random, each by itself,
// admit nothing beyond a limit as long as no policy does: with the policy closed however long
// the store is away, with any other for the two seconds before it decides.
func TestEscrowWhileAway(t *testing.T) {
	for _, test := range []struct {
		policy syncer.Policy
		limit  int64
		cut    time.Duration // at most
	}{
		{syncer.Closed, 60, 8 * time.Second},
		{syncer.Closed, 600, 8 * time.Second},
		{syncer.Share, 600, 1900 * time.Millisecond},
		{syncer.Open, 60, 1900 * time.Millisecond},
	} {
		for seed := range *awaySeeds {
			t.Run(fmt.Sprintf("%v, %d, %v, %d", test.policy, test.limit, test.cut, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(seed), uint64(test.limit)))
					store := memstore.New(memstore.Config{})
					var nodes []*node
					var ways []*storetest.Faulty
					for range 3 {
						way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{LoseRequest: 0.02, LoseReply: 0.02, Repeat: 0.02, MinDelay: time.Millisecond, MaxDelay: 60 * time.Millisecond})
						n := newNode(t, way, engine.Limits{RPM: test.limit}, syncer.Config{Mode: syncer.Escrow, Away: syncer.Policies{Requests: test.policy}})
						nodes, ways = append(nodes, n), append(ways, way)
					}
					stop := run(t, nodes...)
					rollover()
					var mu sync.Mutex
					var wg sync.WaitGroup
					admitted := map[int64]int64{}
					healed := make([]time.Time, len(ways))
					for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
						time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Minute) / float64(2*test.limit)))
						n := nodes[r.IntN(len(nodes))]
						wg.Go(func() {
							start := minute()
							if ok, _ := offer(n, 1); ok && minute() == start {
								mu.Lock()
								admitted[start]++
								mu.Unlock()
							}
						})
						if i := r.IntN(len(ways)); r.IntN(int(test.limit)) == 0 && time.Now().After(healed[i].Add(2*time.Second)) {
							way, cut := ways[i], time.Duration(r.Int64N(int64(test.cut)))
							healed[i] = time.Now().Add(cut)
							way.SetDown(true)
							wg.Go(func() { time.Sleep(cut); way.SetDown(false) })
						}
					}
					wg.Wait()
					for start, n := range admitted {
						require.LessOrEqual(t, n, test.limit, "in %v", time.Unix(start, 0).UTC())
					}
					require.NotEmpty(t, admitted)
					time.Sleep(3 * time.Second)
					stop()
				})
			})
		}
	}
}
