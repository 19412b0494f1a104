package syncer_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
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

var (
	escrowNodes    = flag.Int("escrow.nodes", 0, "how many nodes; 0 = 2 and 10")
	escrowWindows  = flag.Int("escrow.windows", 1, "minutes of load")
	escrowSeeds    = flag.Int("escrow.seeds", 1, "runs of each cell")
	escrowLimit    = flag.String("escrow.limit", "", "this limit alone")
	escrowMode     = flag.String("escrow.mode", "escrow", "usage, escrow or auto")
	escrowWaits    = flag.Bool("escrow.waits", true, "callers wait for a grant")
	escrowTable    = flag.Bool("escrow.table", false, "print the table of docs/PROTOCOL.md")
	escrowArrivals = flag.String("escrow.arrivals", "", "this way of arriving alone; sparse is a request in ninety seconds for each node")
)

// escrowLoad is what is offered to nodes that share one limit.
type escrowLoad struct {
	name    string
	limits  engine.Limits
	limit   int64
	largest int64 // tokens of a request, from 500; 0 = requests are counted
}

func (l *escrowLoad) cost(r *rand.Rand) int64 {
	if l.largest == 0 {
		return 1
	}
	return 500 + r.Int64N(l.largest-499)
}

func (l *escrowLoad) mean() float64 {
	if l.largest == 0 {
		return 1
	}
	return float64(500+l.largest) / 2
}

var escrowLoads = []escrowLoad{
	{"6 rpm", engine.Limits{RPM: 6}, 6, 0},
	{"60 rpm", engine.Limits{RPM: 60}, 60, 0},
	{"600 rpm", engine.Limits{RPM: 600}, 600, 0},
	{"6000 rpm", engine.Limits{RPM: 6000}, 6000, 0},
	{"60k tpm", engine.Limits{TPM: 60_000}, 60_000, 8000},
	{"600k tpm", engine.Limits{TPM: 600_000}, 600_000, 8000},
}

// escrowOutcome is what became of a cell.
type escrowOutcome struct {
	windows, requests, waited, vain int
	over, under                     float64       // sums of percent
	floor                           float64       // the same of under, where one node has the limit alone
	waits, admittedWaits            time.Duration // of all that waited, and of those that were admitted
	roundTrip                       time.Duration // the nodes' mean
	exchanges                       int64
}

// meanWait returns how long those that waited did, in round trips.
func (o *escrowOutcome) meanWait() float64 { return o.roundTrips(o.waits, o.waited) }

func (o *escrowOutcome) roundTrips(of time.Duration, n int) float64 {
	return float64(of) / float64(max(n, 1)) / float64(max(o.roundTrip, 1))
}

// offer has a node take a request as the daemon does: it waits for a grant, for three
// round trips or 10 ms.
func offer(n *node, cost int64) (ok, waited bool) {
	g, err := n.e.Group("chat")
	if err != nil {
		return false, false
	}
	d := engine.Demand{InputTokens: cost, OutputTokens: engine.NoOutput}
	from, acquire := time.Now(), g.AcquireGranted
	if !*escrowWaits {
		acquire = func(_ context.Context, d engine.Demand) (engine.Lease, error) { return g.Acquire(d) }
	}
	lease, err := acquire(context.Background(), d)
	waited = time.Since(from) > 0
	if err != nil {
		return false, waited
	}
	lease.SettleReserved()
	return true, waited
}

// alone returns a function that offers requests to one node that has the limit for itself.
func alone(t *testing.T, limits engine.Limits) func(cost int64) bool {
	t.Helper()
	cfg := cluster(limits, "a")
	cfg.Clock = window.NewClockFrom(time.Now)
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("chat")
	require.NoError(t, err)
	return func(cost int64) bool {
		lease, err := g.Acquire(engine.Demand{InputTokens: cost, OutputTokens: engine.NoOutput})
		if err == nil {
			lease.SettleReserved()
		}
		return err == nil
	}
}

// play offers twice the limit, or four fifths of it where that is easy, to nodes for some minutes, and adds up what they admit.
func play(t *testing.T, l escrowLoad, nodes int, arrivals string, windows int, r *rand.Rand, out *escrowOutcome) {
	t.Helper()
	mode, err := syncer.ParseMode(*escrowMode)
	require.NoError(t, err)
	store := memstore.New(memstore.Config{})
	var all []*node
	for range nodes {
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond})
		all = append(all, newNode(t, way, l.limits, syncer.Config{Mode: mode, Deployments: func(dst []string) []string { return append(dst, "a") }}))
	}
	single := alone(t, l.limits)
	stop := run(t, all...)
	rollover()
	rollover()
	before := int64(0)
	for _, n := range all {
		before += n.s.Stats().Exchanges
	}
	for range windows {
		begun, start := time.Now(), minute()
		length := time.Minute
		if arrivals == "burst" || arrivals == "returning" {
			length = 200 * time.Millisecond
		}
		load := 2.0
		if arrivals == "easy" {
			load = 0.8
		}
		if arrivals == "sparse" {
			load = float64(nodes) * l.mean() / 1.5 / float64(l.limit)
		}
		gap := float64(length) * l.mean() / (load * float64(l.limit))
		var mu sync.Mutex
		var wg sync.WaitGroup
		var admitted, offered, floor int64
		for {
			time.Sleep(time.Duration(r.ExpFloat64() * gap))
			if time.Since(begun) >= length {
				break
			}
			cost, n := l.cost(r), all[r.IntN(nodes)]
			back := 150*time.Millisecond + time.Duration(r.Int64N(int64(1850*time.Millisecond)))
			if arrivals == "skew" {
				n = all[min(int(r.ExpFloat64()*float64(nodes)/8), nodes-1)]
			}
			if arrivals == "moving" { // from one node to the next
				n = all[int(time.Since(begun)/(5*time.Second))%nodes]
			}
			offered += cost
			wg.Go(func() {
				fits := single(cost)
				if !fits && arrivals == "returning" {
					time.Sleep(back)
					fits = single(cost)
				}
				mu.Lock()
				defer mu.Unlock()
				if fits && minute() == start {
					floor += cost
				}
			})
			wg.Go(func() {
				from := time.Now()
				ok, waited := offer(n, cost)
				if !ok && arrivals == "returning" {
					time.Sleep(back)
					from = time.Now()
					ok, waited = offer(n, cost)
				}
				mu.Lock()
				defer mu.Unlock()
				out.requests++
				if waited {
					out.waited++
					out.waits += time.Since(from)
					if ok {
						out.admittedWaits += time.Since(from)
					} else {
						out.vain++
					}
				}
				if ok && minute() == start {
					admitted += cost
				}
			})
		}
		wg.Wait()
		out.windows++
		part := func(n int64) float64 { return 100 * float64(n) / float64(l.limit) }
		out.over += max(part(admitted)-100, 0)
		out.under += max(min(part(offered), 100)-part(admitted), 0)
		out.floor += max(min(part(offered), 100)-part(floor), 0)
		rollover()
	}
	for _, n := range all {
		out.exchanges += n.s.Stats().Exchanges
		out.roundTrip += n.s.Stats().RoundTrip / time.Duration(nodes)
	}
	out.exchanges -= before
	stop()
	require.Zero(t, total(store, "a", minute()), "what was reserved for a minute without load is returned")
}

// most is how much of a limit may stay unused, in percent: of a burst whose refused callers
// do not come back more than of one whose callers do within two seconds.
var most = map[string]float64{"steady": 0.5, "skew": 0.5, "moving": 0.5, "easy": 0.5, "sparse": 0.5, "burst": 5, "returning": 1}

// TestEscrow: at every node, limit and way of arriving nothing is admitted beyond the
// limit, and little of it stays unused. Without PLIMSOLL_FULL a part of the cells runs.
func TestEscrow(t *testing.T) {
	full := os.Getenv("PLIMSOLL_FULL") != ""
	sizes := []int{2, 10}
	if raceEnabled {
		sizes = sizes[:1]
	}
	if full {
		sizes = append(sizes, 50)
	}
	if *escrowNodes > 0 {
		sizes = []int{*escrowNodes}
	}
	table := escrowHead
	for _, l := range escrowLoads {
		for _, nodes := range sizes {
			row := escrowRow{}
			ways := []string{"steady", "burst", "returning", "skew", "moving", "easy"}
			if *escrowArrivals != "" {
				ways = []string{*escrowArrivals}
			}
			for _, arrivals := range ways {
				if *escrowLimit != "" && l.name != *escrowLimit || raceEnabled && arrivals != "burst" && arrivals != "moving" {
					continue
				}
				t.Run(fmt.Sprintf("%s, %d nodes, %s", l.name, nodes, arrivals), func(t *testing.T) {
					var out escrowOutcome
					row[arrivals] = &out
					for seed := range *escrowSeeds {
						synctest.Test(t, func(t *testing.T) {
							play(t, l, nodes, arrivals, *escrowWindows, rand.New(rand.NewPCG(uint64(seed), uint64(nodes))), &out)
						})
					}
					w := float64(out.windows)
					t.Logf("over %.2f %%, under %.2f %% (one node %.2f %%), waited %.1f %% (in vain %.1f %%), mean %v, %.2f round trips (of the admitted %.2f), %.1f exchanges per node and second",
						out.over/w, out.under/w, out.floor/w, out.part(out.waited), out.part(out.vain),
						(out.waits / time.Duration(max(out.waited, 1))).Round(10*time.Microsecond), out.meanWait(), out.roundTrips(out.admittedWaits, out.waited-out.vain), float64(out.exchanges)/float64(nodes)/w/60)
					if *escrowMode == "escrow" {
						require.Zero(t, out.over)
					}
					if *escrowMode == "escrow" && *escrowWaits && l.limit >= 600 && l.name != "60k tpm" {
						require.Less(t, out.under/w, most[arrivals])
					}
					if *escrowMode == "escrow" && *escrowWaits && arrivals == "easy" && float64(l.limit) >= 600*float64(nodes)*max(float64(l.largest), 1) {
						require.LessOrEqual(t, float64(out.waited), 0.03*float64(out.requests))
					}
				})
			}
			if len(row) == len(most)-1 {
				table += "\n" + row.row(l.name, nodes)
			}
		}
	}
	if *escrowTable {
		fmt.Println(table)
	}
}
