package replay_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

var (
	fleetWindows = flag.Int("grid.windows", 8, "minutes of each run of the fleet grid")
	fleetSeeds   = flag.Int("grid.seeds", 1, "runs of each cell of the fleet grid")
	fleetNodes   = flag.String("grid.nodes", "2", "numbers of nodes in the fleet grid, as 2,10,50")
	fleetLoads   = flag.String("grid.loads", "burst", "loads of the fleet grid, of steady,burst,returning")
	fleetLimits  = flag.String("grid.limits", "6 rpm", "limits of the fleet grid, as '6 rpm,600k tpm'; all = each")
	fleetRows    = flag.String("grid.rows", "", "file of rows of the fleet grid that are there already: others are added to it")
)

// gridRows is the rows of a file, which a test that is run again goes on with.
type gridRows struct {
	file string
	text string
}

// find returns the row of a cell; empty = there is none.
func (g *gridRows) find(cell string) string {
	for row := range strings.Lines(g.text) {
		if strings.HasPrefix(row, cell) {
			return row
		}
	}
	return ""
}

// add writes a row to the file, if there is one.
func (g *gridRows) add(row string) error {
	if g.text += row; g.file == "" {
		return nil
	}
	return os.WriteFile(g.file, []byte(g.text), 0o600)
}

// crew is nodes that share one limit by a rule: ask has one of them take a request, and
// end ends them.
type crew struct {
	ask func(node int, tokens int64) bool
	end func()
}

// engineCrew is engines with their syncers, on a network of 1 to 5 ms. Callers take
// requests as the daemon does: where nodes reserve, they wait for a grant for three round trips or 10 ms.
func engineCrew(t *testing.T, mode syncer.Mode, limit provider.Deployment, nodes int, r *rand.Rand) crew {
	t.Helper()
	store := memstore.New(memstore.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var groups []*engine.Group
	for i := range nodes {
		clock := window.NewClockFrom(time.Now)
		e, err := engine.New(engine.Config{Clock: clock, Deployments: []engine.Deployment{
			{ID: "a", Group: "chat", Limits: engine.Limits{RPM: limit.RPM, TPM: limit.TPM}},
		}})
		require.NoError(t, err)
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond})
		s, err := syncer.New(e, way, syncer.Config{
			Node: fmt.Sprintf("node-%d", i), Clock: clock, Mode: mode,
			Deployments: func(dst []string) []string { return append(dst, "a") },
		})
		require.NoError(t, err)
		g, err := e.Group("chat")
		require.NoError(t, err)
		groups = append(groups, g)
		time.Sleep(time.Duration(r.Int64N(int64(100 * time.Millisecond / time.Duration(nodes)))))
		wg.Go(func() { _ = s.Run(ctx) })
	}
	return crew{
		ask: func(node int, tokens int64) bool {
			lease, err := groups[node].AcquireGranted(ctx, engine.Demand{InputTokens: tokens, OutputTokens: engine.NoOutput})
			if err != nil {
				return false
			}
			lease.SettleReserved()
			return true
		},
		end: func() { cancel(); wg.Wait() },
	}
}

// litellmCrew is LiteLLM's usage-based-routing-v2: requests are synced every 100 ms, tokens by
// each node for itself. Calls end at once, which suits it: it counts tokens when a call ends.
func litellmCrew(t *testing.T, limit provider.Deployment, nodes int, r *rand.Rand) crew {
	t.Helper()
	unlimited := func(n int64) float64 {
		if n == 0 {
			return 1e18
		}
		return float64(n)
	}
	shared := litellm.NewShared()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex // over shared and all
	all := make([]*litellm.Strategy, nodes)
	sleep := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
	for i := range nodes {
		all[i] = litellm.New([]litellm.Deployment{{ID: "a", RPM: unlimited(limit.RPM), TPM: unlimited(limit.TPM)}})
		first, draws := time.Duration(r.Int64N(int64(100*time.Millisecond))), rand.New(rand.NewPCG(r.Uint64(), 1))
		way := func() time.Duration { return (time.Millisecond + time.Duration(draws.Int64N(4_000_000))) / 2 }
		wg.Go(func() {
			for sleep(first) {
				first = 90*time.Millisecond + time.Duration(draws.Int64N(20_000_000))
				mu.Lock()
				pushes := all[i].AppendPushes(nil, time.Now())
				mu.Unlock()
				if len(pushes) == 0 {
					continue
				}
				_ = sleep(way())
				mu.Lock()
				shared.Add(pushes)
				mu.Unlock()
				_ = sleep(way())
				mu.Lock()
				all[i].Merge(time.Now(), pushes)
				mu.Unlock()
			}
		})
	}
	return crew{
		ask: func(node int, tokens int64) bool {
			mu.Lock()
			defer mu.Unlock()
			now := time.Now()
			if len(all[node].AppendCandidates(nil, now, tokens, nil)) == 0 || !all[node].PreCheck(now, 0) {
				return false
			}
			all[node].Record(now, 0, tokens)
			return true
		},
		end: func() { cancel(); wg.Wait() },
	}
}

// kept is how a rule kept a limit: sums over windows.
type kept struct {
	windows               int
	over, most            int64 // beyond the limit
	under, least          int64 // below the limit, or below what was offered if that is less
	pairs, swings         int   // of successive windows after the sixth; those more than 15 % and one request apart
	limit, largest, total int64
}

// settled is after how many windows nodes know a kind of load.
const settled = 6

// play offers twice the limit: evenly, or each minute's in its first 200 ms; returning is a
// burst whose refused callers come back once within two seconds.
func (k *kept) play(t *testing.T, c crew, limit provider.Deployment, nodes int, load string, r *rand.Rand) {
	t.Helper()
	mean, cost := 1.0, func() int64 { return 1 }
	k.limit, k.largest = limit.RPM, 1
	if limit.TPM > 0 {
		mean, cost = 4250, func() int64 { return 500 + r.Int64N(7501) }
		k.limit, k.largest = limit.TPM, 8000
	}
	length := time.Minute
	if load != "steady" {
		length = burstLength
	}
	gap := float64(length) * mean / float64(2*k.limit)
	before := int64(0)
	for w := range *fleetWindows {
		now := time.Now().UnixNano()
		time.Sleep(time.Duration(window.Minute - now%window.Minute))
		begun, epoch := time.Now(), window.EpochAt(time.Now().UnixNano())
		var mu sync.Mutex
		var callers sync.WaitGroup
		var admitted, offered int64
		for {
			time.Sleep(time.Duration(r.ExpFloat64() * gap))
			if time.Since(begun) >= length {
				break
			}
			node, tokens := r.IntN(nodes), cost()
			back := 150*time.Millisecond + time.Duration(r.Int64N(1_850_000_000))
			offered += tokens
			callers.Go(func() {
				ok := c.ask(node, tokens)
				if !ok && load == "returning" {
					time.Sleep(back)
					ok = c.ask(node, tokens)
				}
				if ok && window.EpochAt(time.Now().UnixNano()) == epoch {
					mu.Lock()
					defer mu.Unlock()
					admitted += tokens
				}
			})
		}
		callers.Wait()
		k.total += admitted
		off := admitted - min(k.limit, offered)
		k.windows++
		k.over, k.most = k.over+max(admitted-k.limit, 0), max(k.most, admitted-k.limit)
		k.under, k.least = k.under+max(-off, 0), max(k.least, -off)
		if w >= settled {
			k.pairs++
			if d := max(off-before, before-off); d > max(k.limit*15/100, k.largest) {
				k.swings++
			}
		}
		before = off
	}
	c.end()
}

func (k *kept) mean(n int64) float64 { return 100 * float64(n) / float64(k.limit) / float64(k.windows) }

func (k *kept) String() string {
	most := func(n int64) float64 { return 100 * float64(n) / float64(k.limit) }
	return fmt.Sprintf("%.2f [%.1f] | %.2f [%.1f] | %d of %d", k.mean(k.over), most(max(k.most, 0)), k.mean(k.under), most(k.least), k.swings, k.pairs)
}

// TestFleetGrid has nodes with real engines and syncers share a limit of which twice is offered, in
// mode usage and in mode auto, and has LiteLLM's rule do the same: what they admit beyond
// the limit and leave unused, and how often successive minutes differ by more than 15 % of the limit and one
// request. -v shows the table of docs/PROTOCOL.md, which make grid renews.
func TestFleetGrid(t *testing.T) {
	there := gridRows{file: *fleetRows}
	if there.file != "" {
		text, err := os.ReadFile(there.file)
		require.True(t, err == nil || os.IsNotExist(err), "%v", err)
		there.text = string(text)
	}
	if full && *fleetLimits == "6 rpm" {
		*fleetNodes, *fleetLimits = "2,10", "all"
	}
	if raceEnabled {
		*fleetWindows = min(*fleetWindows, 2)
	}
	fmt.Println("| limit | nodes | load | usage: beyond | below | swings | auto: beyond | below | swings | LiteLLM: beyond | below | swings |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, limit := range gridLimits {
		if *fleetLimits != "all" && !slices.Contains(strings.Split(*fleetLimits, ","), limit.ID) {
			continue
		}
		for _, nodes := range []int{2, 10, 50} {
			if !slices.Contains(strings.Split(*fleetNodes, ","), fmt.Sprint(nodes)) {
				continue
			}
			for load := range strings.SplitSeq(*fleetLoads, ",") {
				cell := fmt.Sprintf("| %s | %d | %s | ", limit.ID, nodes, load)
				if row := there.find(cell); row != "" {
					fmt.Print(row)
					continue
				}
				var usage, auto, theirs kept
				for seed := range uint64(*fleetSeeds) {
					for i, k := range []*kept{&usage, &auto, &theirs} {
						synctest.Test(t, func(t *testing.T) {
							r := rand.New(rand.NewPCG(seed, uint64(nodes))) // the same arrivals
							apart := rand.New(rand.NewPCG(seed, 7))
							var c crew
							switch i {
							case 0:
								c = engineCrew(t, syncer.Usage, limit, nodes, apart)
							case 1:
								c = engineCrew(t, syncer.Auto, limit, nodes, apart)
							case 2:
								c = litellmCrew(t, limit, nodes, apart)
							}
							k.play(t, c, limit, nodes, load, r)
						})
					}
				}
				row := fmt.Sprintf("%s%v | %v | %v |\n", cell, &usage, &auto, &theirs)
				fmt.Print(row)
				name := fmt.Sprintf("%s, %d nodes, %s", limit.ID, nodes, load)
				require.Zero(t, auto.over, "%s: held by escrow", name)
				require.Zero(t, auto.swings, "%s: held by escrow", name)
				if load != "steady" && usage.windows >= 8 { // the first burst, which no node foresees, is one of them
					require.Less(t, usage.over+usage.under, theirs.over+theirs.under, name)
				}
				require.NoError(t, there.add(row))
			}
		}
	}
}
