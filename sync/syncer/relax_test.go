package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// TestRoundsFollowNeed: what is far from every limit is told in every third round, what is
// near one in each, and of a small limit from the first request on.
func TestRoundsFollowNeed(t *testing.T) {
	for _, test := range []struct {
		name      string
		limits    engine.Limits
		before    int // requests used before
		low, high int // exchanges in 3 s in which each round has a request to tell
	}{
		{"no limit", unlimited, 0, 9, 13},
		{"far from the limit", engine.Limits{RPM: 10_000}, 0, 9, 13},
		{"half of it is used", engine.Limits{RPM: 10_000}, 5000, 27, 33},
		{"a few requests count", engine.Limits{RPM: 60}, 0, 25, 33},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t, memstore.New(memstore.Config{}), test.limits, syncer.Config{Nodes: 5})
				stop := run(t, n)
				time.Sleep(2 * time.Second)
				n.use("a", test.before, 0)
				time.Sleep(time.Second)
				before := n.s.Stats().Exchanges
				for range 60 {
					n.use("a", 1, 0)
					time.Sleep(50 * time.Millisecond)
				}
				got := int(n.s.Stats().Exchanges - before)
				require.GreaterOrEqual(t, got, test.low)
				require.LessOrEqual(t, got, test.high)
				stop()
			})
		})
	}
}

// TestUntoldUsageIsLittle: however fast nodes use a limit from nothing, what they have not
// told is at most a sixteenth of it, and what one of them uses within an interval.
func TestUntoldUsageIsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		var nodes []*node
		for range 4 {
			nodes = append(nodes, newNode(t, store, engine.Limits{RPM: 6400}, syncer.Config{Nodes: 4}))
		}
		stop := run(t, nodes...)
		time.Sleep(2 * time.Second)
		start, used, most := minute(), int64(0), int64(0)
		for range 150 {
			for _, n := range nodes {
				used += int64(n.use("a", 1, 0)) // 100 a second of each node: 10 in an interval
			}
			time.Sleep(10 * time.Millisecond)
			most = max(most, used-store.Total("a", start).Requests)
		}
		require.LessOrEqual(t, most, int64(6400/16+4*12))
		stop()
	})
}
