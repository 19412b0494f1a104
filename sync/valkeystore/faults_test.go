package valkeystore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// row is one line of the fault matrix in docs/PROTOCOL.md.
type row struct {
	number string
	fault  string
	run    func(underTest) string // what happened, in figures
}

// underTest is the row's test.
type underTest struct{ *testing.T }

// TestFaults breaks real servers and networks under nodes with load, and holds
// the store's totals to what the nodes used. It takes minutes, so it runs when
// asked for: make faults.
func TestFaults(t *testing.T) {
	if os.Getenv("PLIMSOLL_FAULTS") == "" {
		t.Skip("make faults runs the fault matrix")
	}
	lines := make([]string, len(rows))
	play := func(t *testing.T, i int) {
		r := rows[i]
		var figures string
		t.Run("fault", func(t *testing.T) { figures = r.run(underTest{t}) }) // ends what it began
		verdict := "holds"
		if t.Failed() {
			verdict = "FAILS"
		}
		lines[i] = fmt.Sprintf("%-3s %-5s %-45s %s", r.number, verdict, r.fault, figures)
	}
	leavesNothing := func(t *testing.T, run func()) {
		before := runtime.NumGoroutine()
		run()
		servertest.Until(t, "goroutines are as before", func() bool { return runtime.NumGoroutine() <= before+3 })
	}
	for i, r := range rows {
		if !waiting[r.number] {
			t.Run(r.number, func(t *testing.T) { leavesNothing(t, func() { play(t, i) }) })
		}
	}
	leavesNothing(t, func() {
		t.Run("waiting", func(t *testing.T) {
			for i, r := range rows {
				if waiting[r.number] {
					t.Run(r.number, func(t *testing.T) {
						t.Parallel()
						play(t, i)
					})
				}
			}
		})
	})
	for _, line := range lines {
		if line != "" { // -run names some
			fmt.Println(line)
		}
	}
	fmt.Println("19, 20: leases settled above and below what was reserved, late and never, and a TTL on every key, are part of every row")
}

// waiting is the rows that mostly wait, for a minute to end or to have a while to go: they
// run side by side.
var waiting = map[string]bool{
	"16": true, "17": true, "26": true,
	"27a": true, "27b": true, "27c": true, "27d": true, "27e": true, "27f": true, "27h": true, "27j": true, "27k": true, "27l": true,
}

var rows = []row{
	{"1", "replies cut after execution", rowCut},
	{"2", "requests that arrive after their repetition", rowZombie},
	{"3", "server stopped, 50 ms to 10 s", rowStopped},
	{"4", "slow network, then 1 KB/s", rowSlow},
	{"5a", "emptied: FLUSHALL twice, killed and empty", rowEmptied},
	{"5b", "emptied when all limits are reached", rowEmptiedFull},
	{"6", "restart from an old snapshot", rowSnapshot},
	{"7a", "cluster: primary killed", rowClusterKill},
	{"7b", "cluster: primary killed, replica behind", rowClusterBehind},
	{"7c", "cluster: stopped primary replaced, returns", rowClusterStopped},
	{"8a", "Sentinel: switched, then primary killed", rowSentinel},
	{"8b", "host name moves: READONLY, then frozen", rowName},
	{"9", "cluster: slots moving to and fro", rowMoving},
	{"10a", "refusals of a server, loading", rowRefusals},
	{"10b", "counters of another type, full counters", rowRefusedKeys},
	{"11", "one of four cut off, then half, one way", rowPartition},
	{"12", "eviction under allkeys-lru", rowEviction},
	{"13", "node killed at each step of a flush", rowNodeKilled},
	{"14", "node stopped, store up and away", rowShutdown},
	{"15", "nodes join, also while the store is away", rowJoin},
	{"16", "store stopped over the end of a minute", rowRollover},
	{"17", "clocks off, stepping, drifting; store's too", rowClocks},
	{"18", "limit lowered and raised; nodes come and go", rowLimit},
	{"22a", "the epoch deleted", rowEpochDeleted},
	{"23a", "1.5 s lost at 10,000 deployments", rowLossAtSize},
	{"23b", "cluster: 1.5 s lost at 10,000 deployments", rowClusterLossAtSize},
	{"23c", "Sentinel: 1.5 s lost at 10,000 deployments", rowSentinelLossAtSize},
	{"22b", "single counters deleted", rowSingleKeys},
	{"22c", "append-only log cut short", rowAppendOnly},
	{"24", "nodes join when limits are used up", rowJoiner},
	{"25", "slow store that recovers", rowRecovered},
	{"26", "process of a node stopped, 3 and 20 s", rowSleeper},
	{"21a", "client shared with other traffic", rowShared},
}

const (
	fleetSize   = 4
	fleetCounts = 100 // deployments
)

// pause lets the load go on for a while.
func pause(d time.Duration) { <-time.After(d) }

func between(low, high time.Duration) time.Duration { return low + rand.N(high-low) }

// newFleet is a fleet under load against one server.
func newFleet(t testing.TB, limits engine.Limits, args ...string) (*fleet, *servertest.Server) {
	t.Helper()
	server := servertest.Start(t, args...)
	f := &fleet{t: t, deployments: fleetCounts, limits: limits}
	f.start(fleetSize, server.Addr())
	f.settled()
	return f, server
}

// proxies does the same to the network before each node.
func (f *fleet) proxies(fault func(*servertest.Proxy)) {
	for _, g := range f.gateways {
		fault(g.proxy)
	}
}

// settled waits until every node has exchanged something.
func (f *fleet) settled() {
	f.t.Helper()
	servertest.Until(f.t, "every node has exchanged something", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Exchanges < 2 {
				return false
			}
		}
		return true
	})
}

// summary is what most rows report: nothing lost, nothing double, no key that
// stays.
func (f *fleet) summary(url string, servers ...*servertest.Server) string {
	f.t.Helper()
	n := f.exact(url)
	for _, s := range servers {
		ttls(f.t, s)
	}
	st := f.stats()
	return fmt.Sprintf("%d requests exact, %d exchanges, %d failed, %d in doubt, %d duplicates, %d replayed, %d reseeded",
		n, st.Exchanges, st.Failures, st.InDoubt, st.Duplicates, st.Replayed, st.Reseeded)
}

// expect fails the row if a fault left no trace: it was not tried then.
func expect(t testing.TB, what string, n int64) {
	t.Helper()
	if n == 0 {
		t.Errorf("no %s: the fault was not met", what)
	}
}
