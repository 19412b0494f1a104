package valkeystore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// escrowLimit is the limit of each deployment of an escrow row, in requests a minute.
const escrowLimit = 600

func init() {
	at := slices.IndexFunc(rows, func(r row) bool { return r.number == "21a" })
	rows = slices.Insert(rows, at,
		row{"27a", "escrow: a node crashes", rowEscrowCrash},
		row{"27b", "escrow: a node leaves", rowEscrowLeave},
		row{"27c", "escrow: limit lowered and raised", rowEscrowLimit},
		row{"27d", "escrow: clocks half a second off", rowEscrowClocks},
		row{"27e", "escrow: store away, then back", rowEscrowAway},
		row{"27f", "escrow: store emptied three times", rowEscrowEmptied},
		row{"27g", "escrow: failover that loses grants", rowEscrowFailover},
		row{"27h", "escrow: requests after their repetition", rowEscrowZombies},
		row{"27i", "escrow: Sentinel switches", rowEscrowSentinel},
		row{"27j", "escrow: nodes join when all is used", rowEscrowJoin},
		row{"27k", "escrow: a node in usage mode", rowEscrowMode},
		row{"27l", "escrow: restart from an old snapshot", rowEscrowSnapshot},
		row{"27m", "escrow: process of a node stopped, 3 s", rowEscrowSleeper},
	)
}

// newEscrowFleet is a fleet in escrow mode whose nodes have been granted something.
func newEscrowFleet(t testing.TB) (*fleet, *servertest.Server) {
	t.Helper()
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: 9, limits: engine.Limits{RPM: escrowLimit}, mode: syncer.Escrow}
	f.awayFromTurn()
	f.start(fleetSize, server.Addr())
	f.granted()
	return f, server
}

// awayFromTurn waits until the minute has a while to go.
func (f *fleet) awayFromTurn() {
	if left := time.Until(time.Unix(begin()+60, 0)); left < 20*time.Second {
		pause(left + time.Second)
	}
}

// granted waits until every node has admitted something.
func (f *fleet) granted() {
	f.t.Helper()
	servertest.Until(f.t, "every node has been granted something", func() bool {
		for _, g := range f.gateways {
			if requests(g.engine.own()) == 0 {
				return false
			}
		}
		return true
	})
}

// over returns by how much the fullest window passed a limit; below zero, none did.
func (f *fleet) over(limit int64) int64 {
	most := -limit
	for _, used := range own(f.gateways...) {
		most = max(most, used.Requests-limit)
	}
	return most
}

// within fails the row if a window passed the limit.
func (f *fleet) within(limit int64) {
	f.t.Helper()
	if n := f.over(limit); n > 0 {
		f.t.Errorf("%d requests beyond a limit of %d", n, limit)
	}
}

// full waits until the limits of this minute are used, except what is granted to other nodes.
func (f *fleet) full(part int64) {
	f.t.Helper()
	servertest.Until(f.t, "the limits are used", func() bool {
		full := 0
		for at, used := range own(f.gateways...) {
			if at.start == begin() && used.Requests >= part {
				full++
			}
		}
		return full == f.deployments
	})
}

// agree reports whether all nodes know of each limit the sum of what the nodes were granted.
func (f *fleet) agree() bool {
	granted, known := map[string]int64{}, map[string][]int64{}
	for _, g := range f.gateways {
		for _, a := range g.syncer.AppendAccounts(nil) {
			granted[a.ID] += a.Granted
			known[a.ID] = append(known[a.ID], a.Granted+a.Others)
		}
	}
	for id, totals := range known {
		if len(totals) != len(f.gateways) || slices.Min(totals) != granted[id] || slices.Max(totals) != granted[id] {
			return false
		}
	}
	return len(known) == f.deployments
}

// books ends all nodes and compares what they used with the store's counters.
func (f *fleet) books(url string) string {
	f.t.Helper()
	f.rest()
	for _, g := range f.gateways {
		g.leaveExactly()
	}
	want := own(f.gateways...)
	for at, stored := range f.stored(url, want) {
		if at.start == begin() && stored.Requests != want[at].Requests {
			f.t.Errorf("the store has %d requests of %v, the nodes used %d", stored.Requests, at, want[at].Requests)
		}
	}
	return fmt.Sprintf("%d requests, most over a limit of %d: %d, books equal", requests(want), escrowLimit, max(f.over(escrowLimit), 0))
}

func rowEscrowCrash(t underTest) string {
	f, _ := newEscrowFleet(t)
	dead := f.gateways[0]
	dead.proxy.Refuse() // for good: nothing is returned
	dead.idle()
	dead.work.Wait()
	f.full(escrowLimit / 2)
	pause(3 * time.Second)
	f.within(escrowLimit)
	stranded := int64(0)
	for _, used := range own(f.gateways...) {
		stranded = max(stranded, escrowLimit-used.Requests)
	}
	return fmt.Sprintf("%d requests, none over a limit of %d; at most %d stranded of it", requests(own(f.gateways...)), escrowLimit, stranded)
}

func rowEscrowLeave(t underTest) string {
	f, server := newEscrowFleet(t)
	took := f.gateways[0].leaveExactly()
	if took > 500*time.Millisecond {
		t.Errorf("leaving took %v", took)
	}
	f.full(escrowLimit * 9 / 10)
	f.within(escrowLimit)
	return f.books(server.URL()) + fmt.Sprintf("; left within %v", took.Round(time.Millisecond))
}

func rowEscrowLimit(t underTest) string {
	f, server := newEscrowFleet(t)
	apply := func(limit int64) {
		f.limits.RPM = limit
		for _, g := range f.gateways {
			cfg := f.config()
			cfg.Clock = g.clock
			if err := g.engine.Apply(cfg); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.full(escrowLimit / 2)
	apply(10)
	pause(2 * time.Second)
	before := requests(own(f.gateways...))
	pause(time.Second)
	if n := requests(own(f.gateways...)) - before; n > 0 {
		t.Errorf("%d requests admitted after the limit was lowered below what is used", n)
	}
	apply(escrowLimit)
	f.full(escrowLimit * 9 / 10)
	f.within(escrowLimit)
	return f.books(server.URL())
}

func rowEscrowClocks(t underTest) string {
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: 9, limits: engine.Limits{RPM: escrowLimit}, mode: syncer.Escrow}
	for _, skew := range []time.Duration{0, 500 * time.Millisecond, -500 * time.Millisecond} {
		f.join(server.URL(), skew)
	}
	pause(time.Until(time.Unix(begin()+60, 0)) - 5*time.Second)
	f.load()
	pause(10 * time.Second) // over the end of a minute
	f.within(escrowLimit)
	return f.books(server.URL())
}

// rowEscrowAway stops the store when all nodes know the same of it: then their shares of what is
// left, of the policy, come to what is left.
func rowEscrowAway(t underTest) string {
	f, server := newEscrowFleet(t)
	f.full(escrowLimit / 6)
	f.rest()
	servertest.Until(t, "all nodes know what all were granted", f.agree)
	server.Stop(t)
	f.load()
	pause(1800 * time.Millisecond)
	f.within(escrowLimit)
	before := requests(own(f.gateways...))
	pause(3 * time.Second)
	f.within(escrowLimit)
	expect(t, "requests by the policy", requests(own(f.gateways...))-before)
	server.Continue(t)
	f.full(escrowLimit * 9 / 10)
	pause(time.Second)
	f.within(escrowLimit)
	return f.books(server.URL())
}

func rowEscrowEmptied(t underTest) string {
	f, server := newEscrowFleet(t)
	for range 3 {
		server.Do(t, "FLUSHALL")
		pause(700 * time.Millisecond)
	}
	f.full(escrowLimit * 9 / 10)
	f.within(escrowLimit)
	expect(t, "new epochs", f.stats().Reseeded)
	return f.books(server.URL())
}

func rowEscrowFailover(t underTest) string {
	cluster := servertest.StartCluster(t, 3)
	f := &fleet{t: t, deployments: 9, limits: engine.Limits{RPM: escrowLimit}, mode: syncer.Escrow}
	f.awayFromTurn()
	for range fleetSize {
		f.join(cluster.URL(), 0)
	}
	f.load()
	f.granted()
	owner := firstBucket(t, cluster)
	servertest.Until(t, "the replica is in step", func() bool { return owner.Do(t, "WAIT", "1", "100") == int64(1) })
	owner.Do(t, "ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
	owner.Do(t, "CLIENT", "KILL", "TYPE", "replica")
	before := requests(own(f.gateways...))
	pause(700 * time.Millisecond)
	owner.Kill(t)
	lost := requests(own(f.gateways...)) - before // what was granted before the first node notices is no more than was asked for
	pause(8 * time.Second)
	cluster.Await(t)
	over := f.over(escrowLimit)
	if over > lost {
		t.Errorf("%d requests beyond the limit, and %d were admitted while the replica was behind", over, lost)
	}
	return fmt.Sprintf("%s; %d admitted while the replica was behind", f.books(cluster.URL()), lost)
}

func rowEscrowZombies(t underTest) string {
	f, server := newEscrowFleet(t)
	for range 8 {
		f.proxies(func(p *servertest.Proxy) { p.HoldRequests() })
		pause(between(100*time.Millisecond, 700*time.Millisecond))
		f.proxies(func(p *servertest.Proxy) { p.Heal() })
		pause(300 * time.Millisecond)
	}
	f.full(escrowLimit * 9 / 10)
	f.within(escrowLimit)
	expect(t, "batches in doubt", f.stats().InDoubt)
	return f.books(server.URL())
}

func rowEscrowSentinel(t underTest) string {
	sentinels := servertest.StartSentinels(t)
	f := &fleet{t: t, deployments: 9, limits: engine.Limits{RPM: escrowLimit}, mode: syncer.Escrow}
	f.awayFromTurn()
	for range fleetSize {
		f.join(sentinels.URL(), 0)
	}
	f.load()
	f.granted()
	old := sentinels.Primary(t)
	servertest.Until(t, "the replica is in step", func() bool { return old.Do(t, "WAIT", "1", "100") == int64(1) })
	old.Kill(t)
	servertest.Until(t, "another primary", func() bool { return sentinels.Primary(t).Addr() != old.Addr() })
	f.full(escrowLimit * 9 / 10)
	f.within(escrowLimit)
	return f.books(sentinels.URL())
}

func rowEscrowJoin(t underTest) string {
	f, server := newEscrowFleet(t)
	f.full(escrowLimit)
	before := requests(own(f.gateways...))
	for range 3 {
		f.join(server.URL(), 0).load()
	}
	pause(3 * time.Second)
	f.within(escrowLimit)
	more := int64(0)
	for at, used := range own(f.gateways...) {
		if at.start == begin() {
			more += used.Requests
		}
	}
	return f.books(server.URL()) + fmt.Sprintf("; %d admitted by three nodes that joined when nothing was left", max(more-before, 0))
}

func rowEscrowMode(t underTest) string {
	f, server := newEscrowFleet(t)
	f.full(10) // who is first in a minute decides
	f.mode = syncer.Usage
	f.join(server.URL(), 0).load()
	f.full(escrowLimit)
	pause(2 * time.Second)
	f.within(escrowLimit)
	expect(t, "deployments in another mode", int64(f.stats().Differing))
	return f.books(server.URL()) + "; a node in usage mode follows"
}

func rowEscrowSnapshot(t underTest) string {
	f, server := newEscrowFleet(t)
	server.Do(t, "SAVE")
	pause(1500 * time.Millisecond)
	server.Kill(t)
	server.Run(t)
	server.Await(t)
	f.full(escrowLimit * 9 / 10)
	servertest.Until(t, "new epochs", func() bool { return f.stats().Reseeded > 0 })
	f.within(escrowLimit)
	return f.books(server.URL())
}
