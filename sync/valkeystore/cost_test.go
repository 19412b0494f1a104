package valkeystore_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	costKeys  = 1000 // counters changed in one round
	costBatch = 250  // deployments in one batch: 500 counters, as the syncer sends them
)

// way is one way to add 1000 counters, and what it cost.
type way struct {
	name   string
	round  func()
	times  []time.Duration
	allocs uint64
	cpu    float64 // of the server, seconds
	keys   int
	server *servertest.Server
}

// BenchmarkCost compares a guarded batch with bare pipelined INCRBYs, and with
// INCRBY and EXPIRE on every key, all three taking turns against one server. One
// operation is two turns of each way, 1000 counters each.
//
//	go test -run '^$' -bench Cost -benchtime 400x ./sync/valkeystore
func BenchmarkCost(b *testing.B) {
	ways := costWays(b, servertest.Start(b))
	warm(ways)
	measureTime(ways, b.N)
	measureUse(b, ways, b.N)
	guarded, bare, each := ways[0], ways[1], ways[2]
	ratios := make([]float64, b.N)
	for i := range ratios {
		ratios[i] = guarded.times[i].Seconds() / bare.times[i].Seconds()
	}
	b.ReportMetric(median(ratios), "time/bare")
	b.ReportMetric(guarded.perKey()/bare.perKey(), "server-cpu/bare")
	b.ReportMetric(guarded.perKey()/each.perKey(), "server-cpu/incrby+expire")
	b.ReportMetric(float64(guarded.allocs)/float64(guarded.keys), "allocs/key")
	b.ReportMetric(guarded.perKey()*1e6, "server-µs/key")
	b.ReportMetric(float64(median(guarded.times).Microseconds()), "µs/1000keys")
	b.ReportMetric(0, "ns/op")
}

// TestAllocations holds the one figure of the benchmark that needs no quiet
// machine.
func TestAllocations(t *testing.T) {
	ways := costWays(t, servertest.Start(t))
	warm(ways[:1])
	measureUse(t, ways[:1], 20)
	if got := float64(ways[0].allocs) / float64(ways[0].keys); got > 1.3 && !raceEnabled {
		t.Errorf("allocations per key = %.2f, want at most 1.3", got)
	}
}

// serverCPU is what the server's process has used, in seconds.
func (w *way) serverCPU(tb testing.TB) float64 {
	tb.Helper()
	var sum float64
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(w.server.Info(tb, "cpu", field), 64)
		if err != nil {
			tb.Fatal(err)
		}
		sum += seconds
	}
	return sum
}

func (w *way) perKey() float64 { return w.cpu / float64(w.keys) }

func median[T cmp.Ordered](of []T) T {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

func costWays(tb testing.TB, server *servertest.Server) []*way {
	tb.Helper()
	store := open(tb, server.URL(), valkeystore.Config{})
	n := newNode(tb, store)
	n.timeout = 5 * time.Second
	at := begin()
	var deltas []window.Tally
	for i := range costKeys / 2 {
		deltas = append(deltas, tally(fmt.Sprintf("azure-eastus-gpt-4o-%03d", i), at, 3, 4711+int64(i)))
	}
	c, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{server.Addr()}, ForceSingleClient: true, DisableCache: true, DisableRetry: true,
		AlwaysPipelining: true, PipelineMultiplex: -1, BlockingPipeline: -1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	name := func(d window.Tally, kind string) string {
		return "bare:{default.0}:c:" + d.ID + kind + strconv.FormatInt(d.Start, 10)
	}
	pipeline := func(expire bool) func() {
		cmds := make([]valkey.Completed, 0, 4*costBatch)
		return func() {
			for part := range slices.Chunk(deltas, costBatch) {
				cmds = cmds[:0]
				for _, d := range part {
					for _, k := range []struct {
						key string
						n   int64
					}{{name(d, ":t:"), d.Tokens}, {name(d, ":r:"), d.Requests}} {
						cmds = append(cmds, c.B().Incrby().Key(k.key).Increment(k.n).Build())
						if expire {
							cmds = append(cmds, c.B().Expire().Key(k.key).Seconds(130).Build())
						}
					}
				}
				for _, r := range c.DoMulti(tb.Context(), cmds...) {
					if _, err := r.AsInt64(); err != nil {
						tb.Fatal(err)
					}
				}
			}
		}
	}
	guarded := func() {
		for part := range slices.Chunk(deltas, costBatch) {
			b := syncer.Batch{Node: n.name, Seq: n.seq + 1, Generation: n.generation, Deltas: part}
			if err := n.try(b); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return []*way{
		{server: server, name: "guarded batch", round: guarded},
		{server: server, name: "bare INCRBY", round: pipeline(false)},
		{server: server, name: "INCRBY and EXPIRE", round: pipeline(true)},
	}
}

// warm sets the TTLs and fills the pools.
func warm(ways []*way) {
	for _, w := range ways {
		for range 5 {
			w.round()
		}
	}
}

// measureTime lets the ways take turns.
func measureTime(ways []*way, rounds int) {
	for range rounds {
		for _, w := range ways {
			began := time.Now()
			w.round()
			w.times = append(w.times, time.Since(began))
		}
	}
}

// measureUse reads allocations, and the server's CPU time, which is coarse,
// around runs of some rounds.
func measureUse(tb testing.TB, ways []*way, rounds int) {
	tb.Helper()
	const run = 50
	for done := 0; done < rounds; done += run {
		for _, w := range ways {
			var before, after runtime.MemStats
			cpu := w.serverCPU(tb)
			runtime.ReadMemStats(&before)
			for range min(run, rounds-done) {
				w.round()
				w.keys += costKeys
			}
			runtime.ReadMemStats(&after)
			w.allocs += after.Mallocs - before.Mallocs
			w.cpu += w.serverCPU(tb) - cpu
		}
	}
}
