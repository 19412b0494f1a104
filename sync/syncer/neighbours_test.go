package syncer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestJoinersAndSleepers: at every interval and number of buckets and nodes, a node that stood still
// admits at most an equal share of what it knew to be left, and one that joins when a limit is used up admits nothing.
func TestJoinersAndSleepers(t *testing.T) {
	for _, interval := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		for _, buckets := range []int{1, 16} {
			for _, nodes := range []int{2, 5} {
				if raceEnabled && (nodes > 2 || buckets > 1) { // the same goroutines
					continue
				}
				t.Run(fmt.Sprintf("%v, %d buckets, %d nodes", interval, buckets, nodes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store := memstore.New(memstore.Config{Buckets: buckets})
						join := func() *node {
							return newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{
								Interval: interval, Deployments: func(dst []string) []string { return append(dst, "a", "b", "c") },
							}, "a", "b", "c")
						}
						var all []*node
						for range nodes {
							all = append(all, join())
						}
						run(t, all...)
						rollover()
						rollover()
						time.Sleep(5 * time.Second)
						sleeper := all[0]
						require.Equal(t, 100, sleeper.use("a", 100, 0))
						time.Sleep(2*interval + time.Second)
						sleeper.p.stop()
						time.Sleep(5 * time.Second)
						require.Equal(t, 500, all[1].use("a", 500, 0))
						time.Sleep(5 * time.Second)
						require.LessOrEqual(t, sleeper.use("a", 700, 0), 500/nodes, "before its first exchange")
						sleeper.p.resume()
						time.Sleep(2*interval + 300*time.Millisecond)
						require.Zero(t, sleeper.use("a", 700, 0), "after it")

						joined := join()
						got := joined.use("a", 700, 0)
						run(t, joined)
						for range 150 {
							got += joined.use("a", 10, 0)
							time.Sleep(10 * time.Millisecond)
						}
						require.Zero(t, got, "of a node that joined")
					})
				})
			}
		}
	}
}
