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
	"github.com/plimsoll-dev/plimsoll/window"
)

// rollover sleeps until the next minute begins.
func rollover() { time.Sleep(time.Duration(window.Minute - time.Now().UnixNano()%window.Minute)) }

// TestBurstsRepeat: no node can know of a burst in the first instant of a minute;
// of the next such burst each node takes its share.
func TestBurstsRepeat(t *testing.T) {
	tests := []struct {
		name         string
		limits       engine.Limits
		ask          [2]int // requests of the nodes in each burst
		first, later [2]int // admitted
	}{
		{"alike", engine.Limits{RPM: 60}, [2]int{60, 60}, [2]int{60, 60}, [2]int{30, 30}},
		{"unlike", engine.Limits{RPM: 60}, [2]int{60, 20}, [2]int{60, 20}, [2]int{40, 20}},
		{"there is headroom", engine.Limits{RPM: 60}, [2]int{10, 20}, [2]int{10, 20}, [2]int{10, 20}},
		{"one request for each", engine.Limits{RPM: 2}, [2]int{9, 9}, [2]int{2, 2}, [2]int{1, 1}},
		{"one alone", engine.Limits{RPM: 60}, [2]int{100, 0}, [2]int{60, 0}, [2]int{60, 0}},
		{"no limit", engine.Limits{}, [2]int{100, 100}, [2]int{100, 100}, [2]int{100, 100}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				nodes := []*node{newNode(t, store, test.limits, syncer.Config{}), newNode(t, store, test.limits, syncer.Config{})}
				stop := run(t, nodes...)
				time.Sleep(10 * time.Second)
				for minute := range 5 {
					rollover()
					want := test.later
					if minute == 0 {
						want = test.first
					}
					for i, n := range nodes {
						require.Equal(t, want[i], n.use("a", test.ask[i], 0), "minute %d, node %d", minute, i)
					}
					time.Sleep(2 * time.Second)
				}
				stop()
			})
		})
	}
}

// bursting is two nodes that have met two bursts, and stand half an interval
// before the minute ends.
func bursting(t *testing.T, away syncer.Policies) (a, b *node, way *storetest.Faulty, stop func()) {
	t.Helper()
	store := memstore.New(memstore.Config{})
	way = storetest.NewFaulty(store, 1, storetest.Plan{})
	limits := engine.Limits{RPM: 60}
	a = newNode(t, way, limits, syncer.Config{Away: away})
	b = newNode(t, store, limits, syncer.Config{})
	stop = run(t, a, b)
	for range 2 {
		rollover()
		a.use("a", 100, 0)
		b.use("a", 100, 0)
		time.Sleep(59*time.Second + 950*time.Millisecond)
	}
	return a, b, way, stop
}

// TestNoBurstThisTime: what was expected of the others and did not come is given
// back as soon as they could have reported it, whether there are requests or not.
func TestNoBurstThisTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _, stop := bursting(t, syncer.Policies{})
		require.Zero(t, a.s.Stats().Forecast.Requests, "not of this minute")
		rollover()
		require.Equal(t, syncer.Count{Requests: 30}, a.others("a"))
		require.Equal(t, int64(30), a.s.Stats().Forecast.Requests)
		time.Sleep(350 * time.Millisecond)
		require.Zero(t, a.others("a"))
		require.Zero(t, a.s.Stats().Forecast)
		require.Equal(t, 60, a.use("a", 100, 0))
		time.Sleep(time.Minute)
		rollover()
		require.Zero(t, a.others("a"), "and is expected no more")
		stop()
	})
}

// TestAwayInTheOpening: a store that goes away just then leaves no expectation
// behind.
func TestAwayInTheOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, way, stop := bursting(t, syncer.Policies{Requests: syncer.Open})
		way.SetDown(true)
		rollover()
		require.Equal(t, syncer.Count{Requests: 30}, a.others("a"))
		time.Sleep(time.Second)
		require.True(t, a.s.Stats().Away)
		require.Equal(t, 60, a.use("a", 100, 0), "as for a node alone")
		way.SetDown(false)
		time.Sleep(time.Second)
		stop()
	})
}
