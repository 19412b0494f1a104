package valkeystore_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// On a cluster a batch has a connection of its own and each bucket is exchanged for itself; behind
// Sentinel connections are made to the primary that they name. These rows repeat there what
// the others do to a single server, where the way to the store decides what happens.
func init() {
	at := slices.IndexFunc(rows, func(r row) bool { return r.number == "21a" })
	rows = slices.Insert(rows, at,
		row{"28a", "cluster: stopped and cut, then emptied", rowClusterBattered},
		row{"28b", "Sentinel: stopped and cut, then emptied", rowSentinelBattered},
		row{"28c", "cluster: nodes join when limits are used up", rowClusterJoiner},
		row{"28d", "cluster: slow store that recovers", rowClusterRecovered},
	)
}

// batter stops the primaries again and again until nodes have given up waiting, and cuts all
// connections when they go on; then it deletes the epochs of all buckets, then it empties every primary.
// Another server may become primary meanwhile.
func (f *fleet) batter(primaries func() []*servertest.Server, buckets int, owner func(key string) *servertest.Server) {
	f.t.Helper()
	for range 10 {
		stopped := primaries()
		for _, s := range stopped {
			s.Stop(f.t)
		}
		pause(between(50*time.Millisecond, 400*time.Millisecond))
		for _, s := range stopped {
			s.Continue(f.t)
			s.Do(f.t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		}
		pause(between(20*time.Millisecond, 150*time.Millisecond))
	}
	for bucket := range buckets {
		key := fmt.Sprintf("plimsoll2:{default.%d}:e", bucket)
		owner(key).Do(f.t, "DEL", key)
	}
	pause(time.Second)
	epochs := f.stats().Reseeded
	expect(f.t, "new epochs", epochs)
	for _, s := range primaries() {
		s.Do(f.t, "FLUSHALL")
	}
	pause(2 * time.Second)
	expect(f.t, "new epochs after the servers were emptied", f.stats().Reseeded-epochs)
	expect(f.t, "batches in doubt", f.stats().InDoubt)
	expect(f.t, "duplicates", f.stats().Duplicates)
}

func rowClusterBattered(t underTest) string {
	f, cluster := newClusterFleet(t)
	f.batter(func() []*servertest.Server { return cluster.Primaries(t) }, 16, func(key string) *servertest.Server { return cluster.Owner(t, key) })
	return f.summary(cluster.URL(), cluster.Primaries(t)...)
}

func rowSentinelBattered(t underTest) string {
	f, set := newSentinelFleet(t)
	f.batter(func() []*servertest.Server { return []*servertest.Server{set.Primary(t)} }, 1, func(string) *servertest.Server { return set.Primary(t) })
	return f.summary(set.URL(), set.Primary(t))
}

func rowClusterJoiner(t underTest) string {
	cluster := servertest.StartCluster(t, 3)
	f := &fleet{t: t, deployments: fleetCounts, limits: engine.Limits{RPM: 60}}
	f.awayFromTurn()
	for range fleetSize {
		f.join(cluster.URL(), 0)
	}
	f.load()
	return f.joiners(cluster.URL(), func() []*servertest.Server { return cluster.Primaries(t) })
}

// rowClusterRecovered stops the primaries of a cluster for a fifth of a second again and again, which
// makes each exchange slow.
func rowClusterRecovered(t underTest) string {
	f, cluster := newClusterFleet(t)
	primaries := cluster.Primaries(t)
	for began := time.Now(); time.Since(began) < 8*time.Second; pause(50 * time.Millisecond) {
		for _, s := range primaries {
			s.Stop(t)
		}
		pause(200 * time.Millisecond)
		for _, s := range primaries {
			s.Continue(t)
		}
	}
	text := f.recovers(16)
	return f.summary(cluster.URL(), cluster.Primaries(t)...) + text
}
