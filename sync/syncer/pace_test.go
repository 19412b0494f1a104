package syncer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// attempts returns how often a node has asked the store.
func (n *node) attempts() int64 { st := n.s.Stats(); return st.Exchanges + st.Failures }

// TestRate: whatever the interval, and whatever the store did before, a bucket is
// asked at most 1.2 times per interval, and twice a second besides.
func TestRate(t *testing.T) {
	slow := storetest.Plan{MinDelay: 200 * time.Millisecond, MaxDelay: 220 * time.Millisecond}
	slower := storetest.Plan{MinDelay: 900 * time.Millisecond, MaxDelay: 1300 * time.Millisecond}
	fast := storetest.Plan{MinDelay: 2 * time.Millisecond, MaxDelay: 4 * time.Millisecond}
	for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 490 * time.Millisecond, 510 * time.Millisecond, 900 * time.Millisecond, time.Second} {
		for name, plan := range map[string]storetest.Plan{
			"fast": fast, "slow": slow, "slower": slower,
			"replies lost": {LoseReply: 1}, "hanging": {LoseRequest: 1, Hang: 1},
		} {
			for _, asked := range []bool{false, true} {
				if raceEnabled && (interval != 510*time.Millisecond || !asked) { // the same goroutines at every pace
					continue
				}
				t.Run(fmt.Sprint(interval, " ", name, " ", asked), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, fast)
						var ids []string
						for i := range 200 { // they fit into one batch: an exchange is a round
							ids = append(ids, fmt.Sprint("d", i))
						}
						n := newNode(t, way, unlimited, syncer.Config{Interval: interval, Deployments: func(dst []string) []string { return append(dst, ids...) }}, ids...)
						stop := run(t, n)
						span := func(d time.Duration) int64 {
							before := n.attempts()
							for range d / (50 * time.Millisecond) {
								if asked {
									n.use("d1", 1, 10)
								}
								time.Sleep(50 * time.Millisecond)
							}
							return n.attempts() - before
						}
						most := func(d time.Duration) float64 { return d.Seconds() * (1.2/interval.Seconds() + 2) }
						span(2 * time.Second)
						way.SetPlan(plan)
						require.LessOrEqual(t, float64(span(18*time.Second)), most(18*time.Second), "while it lasts")
						way.SetPlan(fast)
						span(5 * time.Second)
						usual := float64(span(10 * time.Second))
						require.LessOrEqual(t, usual, most(10*time.Second), "afterwards")
						require.Equal(t, interval, n.s.Stats().Interval, "back to normal within 5 s")
						if asked {
							require.GreaterOrEqual(t, usual, 10*min(1/interval.Seconds(), 20)/1.2)
						}
						require.Less(t, n.s.Stats().Staleness, 2*time.Second)
						stop()
					})
				})
			}
		}
	}
}
