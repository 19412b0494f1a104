package valkeystore_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// newClusterFleet is a fleet under load against a cluster.
func newClusterFleet(t testing.TB) (*fleet, *servertest.Cluster) {
	t.Helper()
	cluster := servertest.StartCluster(t, 3)
	f := &fleet{t: t, deployments: fleetCounts}
	for range fleetSize {
		f.join(cluster.URL(), 0)
	}
	f.load()
	f.settled()
	pause(time.Second)
	return f, cluster
}

// newSentinelFleet is a fleet under load against servers behind Sentinels.
func newSentinelFleet(t testing.TB) (*fleet, *servertest.Sentinels) {
	t.Helper()
	set := servertest.StartSentinels(t)
	f := &fleet{t: t, deployments: fleetCounts}
	for range fleetSize {
		f.join(set.URL(), 0)
	}
	f.load()
	f.settled()
	return f, set
}

// failover is how long a store may be away while a primary is replaced: the
// cluster's node timeout and three seconds.
const failover = 4 * time.Second

// killed kills a primary and waits until its slots have another one. It returns how long the store may
// be away for the nodes: as long, and two seconds for them to find out.
func killed(t testing.TB, cluster *servertest.Cluster, primary *servertest.Server) (most time.Duration) {
	t.Helper()
	began := time.Now()
	primary.Kill(t)
	firstBucket(t, cluster)
	return time.Since(began) + 2*time.Second
}

// clusterSummary also says how long the store was away, in all.
func clusterSummary(t testing.TB, f *fleet, cluster *servertest.Cluster, most time.Duration) string {
	t.Helper()
	cluster.Await(t)
	pause(time.Second)
	text := f.summary(cluster.URL(), cluster.Primaries(t)...)
	away := f.stats().Degraded
	if away > most {
		t.Errorf("the store was away for %v, want at most %v", away, most)
	}
	return text + fmt.Sprintf("; away for %v", away.Round(10*time.Millisecond))
}

// firstBucket is the primary that has a part of every node's usage.
func firstBucket(t testing.TB, cluster *servertest.Cluster) *servertest.Server {
	t.Helper()
	return cluster.Owner(t, "plimsoll2:{default.0}:e")
}

func rowClusterKill(t underTest) string {
	f, cluster := newClusterFleet(t)
	owner := firstBucket(t, cluster)
	servertest.Until(t, "the replica is in step", func() bool { return owner.Do(t, "WAIT", "1", "100") == int64(1) })
	most := killed(t, cluster, owner)
	pause(2 * time.Second)
	return clusterSummary(t, f, cluster, most)
}

func rowClusterBehind(t underTest) string {
	f, cluster := newClusterFleet(t)
	owner := firstBucket(t, cluster)
	// The replica loses its link and is not let in again, so what is acknowledged
	// from now on is lost with the primary.
	owner.Do(t, "ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
	owner.Do(t, "CLIENT", "KILL", "TYPE", "replica")
	pause(700 * time.Millisecond)
	most := killed(t, cluster, owner)
	pause(3 * time.Second)
	text := clusterSummary(t, f, cluster, most)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

func rowClusterStopped(t underTest) string {
	f, cluster := newClusterFleet(t)
	owner := firstBucket(t, cluster)
	for range 3 {
		owner.Stop(t)
		pause(720 * time.Millisecond)
		owner.Continue(t)
		pause(300 * time.Millisecond)
	}
	began := time.Now()
	owner.Stop(t)
	servertest.Until(t, "another primary has the slot", func() bool {
		for _, n := range cluster.Nodes {
			if n == owner {
				continue
			}
			if _, err := servertest.Ask(n.Addr(), "EXISTS", "plimsoll2:{default.0}:e"); err == nil { // others say MOVED or CLUSTERDOWN
				if role, err := servertest.Ask(n.Addr(), "ROLE"); err == nil && role.([]any)[0] == "master" {
					return true
				}
			}
		}
		return false
	})
	replaced := time.Since(began)
	pause(5*time.Second - replaced)
	owner.Continue(t)
	pause(time.Second)
	return clusterSummary(t, f, cluster, replaced+2*time.Second+3*time.Second)
}

func rowSentinel(t underTest) string {
	f, set := newSentinelFleet(t)
	old := set.Primary(t)
	// The old primary stays up and its connections open, and takes no writes.
	set.Sentinels[0].Do(t, "SENTINEL", "FAILOVER", servertest.MasterSet)
	servertest.Until(t, "the Sentinels have switched", func() bool { return set.Primary(t) != old })
	servertest.Until(t, "the old primary follows", func() bool {
		info, err := servertest.Ask(old.Addr(), "INFO", "replication") // it drops connections on the way
		return err == nil && strings.Contains(info.(string), "role:slave") && strings.Contains(info.(string), "master_link_status:up")
	})
	pause(time.Second)
	primary := set.Primary(t)
	servertest.Until(t, "the replica is in step", func() bool { return primary.Do(t, "WAIT", "1", "100") == int64(1) })
	primary.Kill(t)
	servertest.Until(t, "the Sentinels have switched again", func() bool { return set.Primary(t) != primary })
	pause(2 * time.Second)
	return f.summary(set.URL(), set.Primary(t)) + fmt.Sprintf("; away for %v", f.stats().Degraded.Round(10*time.Millisecond))
}

// rowName has the servers behind a host name change, as with a managed store:
// once the old one refuses writes on connections that stay open, once it freezes.
func rowName(t underTest) string {
	first, second := servertest.Start(t), servertest.Start(t)
	follow := func(s, primary *servertest.Server) {
		s.Do(t, "REPLICAOF", "127.0.0.1", strconv.Itoa(primary.Port))
		servertest.Until(t, "the replica is in step", func() bool { return s.Info(t, "replication", "master_link_status") == "up" })
	}
	follow(second, first)
	one := servertest.NewProxyAt(t, "127.0.0.2:0", first.Addr())
	_, port, _ := net.SplitHostPort(one.Addr())
	servertest.NewProxyAt(t, "127.0.0.3:"+port, second.Addr())
	dns := servertest.StartDNS(t)
	dns.Point("127.0.0.2")
	f := &fleet{t: t, deployments: fleetCounts}
	for range fleetSize {
		f.join("valkey://store.plimsoll.test:"+port, 0)
	}
	f.load()
	f.settled()
	pause(time.Second)

	second.Do(t, "REPLICAOF", "NO", "ONE")
	dns.Point("127.0.0.3")
	follow(first, second)
	pause(2 * time.Second)
	answered := f.stats().Exchanges
	second.Stop(t)
	first.Do(t, "REPLICAOF", "NO", "ONE")
	dns.Point("127.0.0.2")
	pause(3 * time.Second)
	second.Continue(t)
	expect(t, "exchanges with the second server, and the first again", min(answered, f.stats().Exchanges-answered))
	text := f.summary(first.URL(), first)
	away := f.stats().Degraded
	if away > 2*time.Second {
		t.Errorf("the store was away for %v, want at most 1 s each time", away)
	}
	return text + fmt.Sprintf("; away for %v", away.Round(10*time.Millisecond))
}

func rowMoving(t underTest) string {
	f, cluster := newClusterFleet(t)
	key := "plimsoll2:{default.0}:e"
	slot := strconv.FormatInt(cluster.Nodes[0].Do(t, "CLUSTER", "KEYSLOT", key).(int64), 10)
	const moves = 6
	var moving time.Duration
	for range moves {
		from := cluster.Owner(t, key)
		to := cluster.Nodes[0]
		if to == from {
			to = cluster.Nodes[1]
		}
		began := time.Now()
		to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.ID(t))
		from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.ID(t))
		for {
			keys := from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, "50").([]any)
			if len(keys) == 0 {
				break
			}
			for _, k := range keys {
				from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(to.Port), k.(string), "0", "1000")
			}
			pause(20 * time.Millisecond)
		}
		to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", to.ID(t))
		from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", to.ID(t))
		moving += time.Since(began)
		pause(300 * time.Millisecond)
	}
	// A transaction over keys of both servers is refused until the move ends.
	return clusterSummary(t, f, cluster, moving+failover) + fmt.Sprintf("; %d moves in %v", moves, moving.Round(10*time.Millisecond))
}
