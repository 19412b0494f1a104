package valkeystore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// rowEpochDeleted deletes the key that says which epoch counts, and nothing else.
func rowEpochDeleted(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	for range 4 {
		pause(time.Second)
		server.Do(t, "DEL", "plimsoll2:{default.0}:e")
	}
	pause(time.Second)
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

// useAll uses every deployment on every node.
func (f *fleet) useAll() {
	f.t.Helper()
	for _, g := range f.gateways {
		for _, d := range f.config().Deployments {
			ref, err := g.engine.Ref(d.ID)
			if err != nil {
				f.t.Fatal(err)
			}
			ref.PreCheck(engine.Demand{})
			ref.Record(engine.Usage{InputTokens: 10})
		}
	}
}

// many is how many deployments the rows have that ask whether losses are made good at any size.
const many = 10_000

// lossAtSize has many deployments in use, and returns how many. The primary stops for a while and
// is emptied; after lose it has what it had 1.5 s before, when keep was called.
func lossAtSize(t underTest, f *fleet, primary *servertest.Server, keep, lose func()) int {
	t.Helper()
	f.settled()
	f.useAll()
	pause(2 * time.Second)
	primary.Stop(t)
	pause(400 * time.Millisecond) // the replica and the Sentinels wait for a second
	primary.Continue(t)
	pause(300 * time.Millisecond)
	primary.Do(t, "FLUSHALL")
	pause(2 * time.Second)
	keep()
	f.useAll()
	used := map[string]bool{}
	for p, sum := range own(f.gateways...) {
		if sum.Requests > 0 {
			used[p.id] = true
		}
	}
	if len(used) < many*9/10 {
		t.Errorf("%d of %d deployments are used", len(used), many)
	}
	pause(1500 * time.Millisecond)
	lose()
	pause(2 * time.Second)
	return len(used)
}

// atSize adds to a summary how many deployments were used.
func (f *fleet) atSize(summary string, used int) string {
	expect(f.t, "new epochs", f.stats().Reseeded)
	return summary + fmt.Sprintf("; %d of %d deployments used", used, many)
}

// rowLossAtSize stops and empties a server and loses 1.5 s of acknowledged writes while 10,000 deployments are busy.
func rowLossAtSize(t underTest) string {
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: many}
	f.start(fleetSize, server.Addr())
	used := lossAtSize(t, f, server, func() { server.Do(t, "SAVE") }, func() {
		server.Kill(t)
		server.Run(t)
		server.Await(t)
	})
	return f.atSize(f.summary(server.URL(), server), used)
}

// behind keeps the replicas of a server from following it any further.
func behind(t underTest, primary *servertest.Server) {
	primary.Do(t, "ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
	primary.Do(t, "CLIENT", "KILL", "TYPE", "replica")
}

// rowClusterLossAtSize is rowLossAtSize on a cluster, one of whose primaries dies.
func rowClusterLossAtSize(t underTest) string {
	cluster := servertest.StartCluster(t, 3)
	f := &fleet{t: t, deployments: many}
	for range fleetSize {
		f.join(cluster.URL(), 0)
	}
	f.load()
	owner := firstBucket(t, cluster)
	used := lossAtSize(t, f, owner, func() { behind(t, owner) }, func() { owner.Kill(t) })
	cluster.Await(t)
	return f.atSize(f.summary(cluster.URL(), cluster.Primaries(t)...), used)
}

// rowSentinelLossAtSize is rowLossAtSize where Sentinels replace the primary.
func rowSentinelLossAtSize(t underTest) string {
	set := servertest.StartSentinels(t)
	f := &fleet{t: t, deployments: many}
	for range fleetSize {
		f.join(set.URL(), 0)
	}
	f.load()
	old := set.Primary(t)
	used := lossAtSize(t, f, old, func() { behind(t, old) }, func() {
		old.Kill(t)
		servertest.Until(t, "another primary", func() bool { return set.Primary(t).Addr() != old.Addr() })
	})
	return f.atSize(f.summary(set.URL(), set.Primary(t)), used)
}

// rowSingleKeys deletes counters one at a time, of minutes and of days, of one deployment
// and of all its counts, while they are in use: what a total lacks of a node's own part is added again.
func rowSingleKeys(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(time.Second)
	for i := range 8 {
		epoch, _, _ := strings.Cut(server.Do(t, "GET", "plimsoll2:{default.0}:e").(string), ":")
		for _, count := range [][]string{{"t"}, {"r"}, {"t", "r", "i", "o"}, {"dt", "dr"}}[i%4] {
			start := begin()
			if len(count) == 2 {
				start -= start % 86400
			}
			server.Do(t, "DEL", fmt.Sprintf("plimsoll2:{default.0}:%s:c:dep-%03d:%s:%d", epoch, 1+9*(i/4), count, start))
		}
		pause(time.Second)
	}
	pause(6 * time.Second) // an epoch that begins for what a total lacks is 5 s after the last
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

// rowAppendOnly kills a server that logs each second, cuts the end of its log off as a crash of
// the machine would, and starts it again: three times.
func rowAppendOnly(t underTest) string {
	f, server := newFleet(t, engine.Limits{}, "--appendonly", "yes", "--appendfsync", "everysec", "--aof-load-truncated", "yes")
	for range 3 {
		pause(1500 * time.Millisecond)
		server.Kill(t)
		logs, err := filepath.Glob(filepath.Join(server.Dir, "appendonlydir", "*.incr.aof"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("%d logs, %v", len(logs), err)
		}
		last := logs[len(logs)-1]
		info, err := os.Stat(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(last, info.Size()*9/10); err != nil {
			t.Fatal(err)
		}
		server.Run(t)
		server.Await(t)
	}
	pause(2 * time.Second)
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

func rowJoiner(t underTest) string {
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: fleetCounts, limits: engine.Limits{RPM: 60}}
	f.awayFromTurn()
	f.start(fleetSize, server.Addr())
	return f.joiners(server.URL(), func() []*servertest.Server { return []*servertest.Server{server} })
}

// joiners has nodes join when the limits are used up, and be asked at once. What counts is
// the minute that was full: on a busy machine the next one may begin meanwhile.
func (f *fleet) joiners(url string, servers func() []*servertest.Server) string {
	f.t.Helper()
	f.full(f.limits.RPM)
	minute := begin()
	f.rest()
	if n := requestsOf(minute, f.gateways...); n < fleetCounts*f.limits.RPM {
		f.t.Errorf("%d requests, want all that the limits allow", n)
	}
	asked := 0
	for range 3 {
		joined := f.join(url, 0)
		for began := time.Now(); time.Since(began) < time.Second && begin() == minute; asked++ {
			if lease, ok := joined.group.TryAcquire(engine.Demand{InputTokens: 1, OutputTokens: engine.NoOutput}); ok {
				lease.SettleReserved()
			}
		}
	}
	expect(f.t, "requests to a node that joined while all was used", int64(asked))
	got := requestsOf(minute, f.gateways[fleetSize:]...)
	if got > fleetCounts {
		f.t.Errorf("nodes that joined admitted %d requests though the limits were used up", got)
	}
	return f.summary(url, servers()...) + fmt.Sprintf("; three nodes that joined admitted %d of %d when nothing was left", got, asked)
}

func rowRecovered(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(2 * time.Second)
	f.proxies(func(p *servertest.Proxy) { p.Slow(servertest.ToClient, 200*time.Millisecond, 0) })
	pause(10 * time.Second)
	f.proxies(func(p *servertest.Proxy) { p.Slow(servertest.ToClient, 0, 0) })
	text := f.recovers(1)
	return f.summary(server.URL(), server) + text
}

// recovers requires, of a store that was slow until now, that the nodes exchange as often as
// before 5 s later.
func (f *fleet) recovers(buckets float64) string {
	f.t.Helper()
	stretched := f.stats().Interval
	pause(5 * time.Second)
	before, began := f.stats().Exchanges, time.Now()
	pause(3 * time.Second)
	rate := float64(f.stats().Exchanges-before) / time.Since(began).Seconds() / fleetSize / buckets
	if rate > 1.2*10+2 || f.stats().Interval > 150*time.Millisecond {
		f.t.Errorf("%.1f exchanges a second, node and bucket, interval %v", rate, f.stats().Interval)
	}
	return fmt.Sprintf("; interval to %v, then %.1f exchanges a second, node and bucket", stretched.Round(time.Millisecond), rate)
}
