package valkeystore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// modeFleet is nodes that hold limits together in one mode, on a server of their own.
type modeFleet struct {
	way     way
	groups  []*engine.Group
	syncers []*syncer.Syncer
}

// newModeFleet starts nodes, each with its own connection.
func newModeFleet(b *testing.B, mode syncer.Mode, nodes, deployments int, limits engine.Limits) *modeFleet {
	b.Helper()
	f := &modeFleet{way: way{name: mode.String(), server: servertest.Start(b)}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() { stop(); running.Wait() })
	for range nodes {
		cfg := engine.Config{Clock: window.NewClock()}
		for i := range deployments {
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: "deployment-" + strconv.Itoa(i), Group: "chat-" + strconv.Itoa(i), Limits: limits})
		}
		e, err := engine.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		s, err := syncer.New(e, open(b, f.way.server.URL(), valkeystore.Config{}), syncer.Config{Clock: cfg.Clock, Mode: mode, Deployments: func(dst []string) []string {
			for i := range cfg.Deployments {
				dst = append(dst, cfg.Deployments[i].ID)
			}
			return dst
		}})
		if err != nil {
			b.Fatal(err)
		}
		for i := range deployments {
			g, err := e.Group("chat-" + strconv.Itoa(i))
			if err != nil {
				b.Fatal(err)
			}
			f.groups = append(f.groups, g)
		}
		f.syncers = append(f.syncers, s)
		running.Go(func() { _ = s.Run(ctx) }) // a busy machine has no time for the last exchange
	}
	return f
}

// take offers a request to a node's deployment, as the daemon does.
func (f *modeFleet) take(at int) {
	lease, err := f.groups[at].AcquireGranted(context.Background(), engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
	if err == nil {
		lease.SettleReserved()
	}
}

// costs are what a fleet has cost its server so far.
type costs struct{ cpu, up, down, exchanges float64 }

func (f *modeFleet) costs(b *testing.B) (c costs) {
	b.Helper()
	number := func(name string) float64 {
		n, err := strconv.ParseFloat(f.way.server.Info(b, "stats", name), 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	c = costs{cpu: f.way.serverCPU(b), up: number("total_net_input_bytes"), down: number("total_net_output_bytes")}
	for _, s := range f.syncers {
		c.exchanges += float64(s.Stats().Exchanges)
	}
	return c
}

// BenchmarkModes measures what escrow costs a server beside usage, by the servers' own clocks
// and counters: the same requests at the same moments to nodes of either mode, each with a
// server of its own, for a whole minute, its turn included, after 65 seconds in which the nodes have met and every
// deployment has been asked for.
//
//	go test -run '^$' -bench Modes -benchtime 1x ./sync/valkeystore
func BenchmarkModes(b *testing.B) {
	for _, c := range []struct {
		nodes, deployments, rate int // requests a second, in all
		limits                   engine.Limits
	}{
		{10, 100, 500, engine.Limits{RPM: 6000, TPM: 600_000}},
		{10, 10, 500, engine.Limits{RPM: 6000, TPM: 600_000}},
		{10, 1000, 500, engine.Limits{RPM: 600, TPM: 60_000}},
		{10, 100, 500, engine.Limits{RPM: 150, TPM: 15_000}}, // twice what they allow
		{50, 100, 500, engine.Limits{RPM: 6000, TPM: 600_000}},
	} {
		b.Run(fmt.Sprintf("%d nodes, %d deployments, %d a second, %d rpm", c.nodes, c.deployments, c.rate, c.limits.RPM), func(b *testing.B) {
			fleets := []*modeFleet{newModeFleet(b, syncer.Usage, c.nodes, c.deployments, c.limits), newModeFleet(b, syncer.Escrow, c.nodes, c.deployments, c.limits)}
			load := func(d time.Duration) {
				const tick = 20 * time.Millisecond
				var wg sync.WaitGroup
				for range d / tick {
					for range c.rate * int(tick) / int(time.Second) {
						at := rand.IntN(c.nodes * c.deployments)
						for _, f := range fleets {
							wg.Go(func() { f.take(at) })
						}
					}
					pause(tick)
				}
				wg.Wait()
			}
			load(65 * time.Second)
			var before, after [2]costs
			for i, f := range fleets {
				before[i] = f.costs(b)
			}
			load(time.Minute)
			for i, f := range fleets {
				after[i] = f.costs(b)
				name := "-" + f.way.name
				b.ReportMetric(100*(after[i].cpu-before[i].cpu)/60, "%core"+name)
				b.ReportMetric((after[i].up-before[i].up+after[i].down-before[i].down)/60e3, "kB/s"+name)
				b.ReportMetric((after[i].exchanges-before[i].exchanges)/60/float64(c.nodes), "exchanges/s/node"+name)
			}
			b.ReportMetric((after[1].cpu-before[1].cpu)/(after[0].cpu-before[0].cpu), "server-cpu/usage")
			b.ReportMetric((after[1].up-before[1].up+after[1].down-before[1].down)/(after[0].up-before[0].up+after[0].down-before[0].down), "bytes/usage")
			b.ReportMetric(0, "ns/op")
		})
	}
}
