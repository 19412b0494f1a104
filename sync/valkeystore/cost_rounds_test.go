package valkeystore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// state is nodes with real engines and what they do.
type state struct {
	nodes, deployments int
	rate               int // requests a second of all nodes; -1 = every deployment in each round
	cooling            int // deployments
	buckets            int
	interval           time.Duration // 0 = the default
}

// rounds is what a state cost the server, by its own clock and counters, a second.
type rounds struct {
	cores, up, down float64 // up and down in bytes
	exchanges       float64 // of a node
	interval        time.Duration
}

// BenchmarkRounds measures what nodes with real engines cost the server, by its own clock
// and counters: ten seconds of each state, after five in which the nodes have met.
//
//	go test -run '^$' -bench Rounds -benchtime 1x ./sync/valkeystore
func BenchmarkRounds(b *testing.B) {
	for _, c := range []state{
		{nodes: 1, deployments: 1000, rate: -1},
		{nodes: 1, deployments: 10_000, rate: -1},
		{nodes: 1, deployments: 1000, rate: 10},
		{nodes: 1, deployments: 10_000, rate: 10},
		{nodes: 1, deployments: 10_000, rate: 10, cooling: 1000},
		{nodes: 10, deployments: 100, rate: 500},
		{nodes: 10, deployments: 1000, rate: 500},
		{nodes: 50, deployments: 100, rate: 500},
		{nodes: 50, deployments: 1000, rate: 500},
	} {
		used := fmt.Sprintf("%d a second", c.rate)
		switch {
		case c.rate < 0:
			used = "all used"
		case c.nodes == 1:
			used = "one used"
		}
		b.Run(fmt.Sprintf("%d nodes, %d deployments, %s, %d cooling", c.nodes, c.deployments, used, c.cooling), func(b *testing.B) {
			r := c.measure(b)
			b.ReportMetric(100*r.cores, "%core")
			b.ReportMetric(r.up/1000, "kB/s-up")
			b.ReportMetric(r.down/1000, "kB/s-down")
			b.ReportMetric(r.exchanges, "exchanges/s/node")
			b.ReportMetric(float64(r.interval.Milliseconds()), "ms-interval")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkThousand measures one node of 1000 with 10,000 deployments each, in the buckets that a cluster
// of so many primaries has, and prints what all of them cost it: a server's work for a node does not depend on the others.
//
//	make costs
func BenchmarkThousand(b *testing.B) {
	const nodes = 1000
	b.ReportMetric(0, "ns/op")
	fmt.Println("| in use on each node | Interval | Buckets | one node: exchanges a second | interval kept | % of a core | MB/s | 1000 nodes: cores | MB/s | primaries | each: % of a core | MB/s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		used      string
		of        state
		primaries float64
	}{
		{"few: 10 requests a second", state{rate: 10, buckets: 1}, 0},
		{"few: 10 requests a second", state{rate: 10, buckets: 32}, 16},
		{"few: 10 requests a second", state{rate: 10, buckets: 128}, 32},
		{"few: 10 requests a second", state{rate: 10, buckets: 32, interval: time.Second}, 8},
		{"all 10,000, in each round", state{rate: -1, buckets: 32}, 32},
		{"all 10,000, in each round", state{rate: -1, buckets: 32, interval: time.Second}, 32},
		{"all 10,000, in each round", state{rate: -1, buckets: 128, interval: time.Second}, 64},
	} {
		c.of.nodes, c.of.deployments = 1, 10_000
		r := c.of.measure(b)
		sharded := "| – | – | – |"
		if c.primaries > 0 {
			sharded = fmt.Sprintf("| %.0f | %.0f | %.1f |", c.primaries, 100*nodes*r.cores/c.primaries, nodes*(r.up+r.down)/1e6/c.primaries)
		}
		fmt.Printf("| %s | %v | %d | %.1f | %v | %.2f | %.2f | %.1f | %.0f %s\n", c.used, max(c.of.interval, 100*time.Millisecond), c.of.buckets, r.exchanges,
			r.interval.Round(time.Millisecond), 100*r.cores, (r.up+r.down)/1e6, nodes*r.cores, nodes*(r.up+r.down)/1e6, sharded)
	}
}

// measure runs the nodes against a server of their own.
func (c state) measure(b *testing.B) rounds {
	b.Helper()
	server := servertest.Start(b)
	var cfg engine.Config
	for i := range c.deployments {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{
			ID: "deployment-" + strconv.Itoa(i), Group: "chat", Limits: engine.Limits{RPM: 100_000, TPM: 100_000_000},
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	var refs [][]engine.Ref
	var groups []*engine.Group
	var syncers []*syncer.Syncer
	for range c.nodes {
		clock := window.NewClock()
		cfg.Clock = clock
		e, err := engine.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		s, err := syncer.New(e, open(b, server.URL(), valkeystore.Config{Buckets: c.buckets}), syncer.Config{Clock: clock, Interval: c.interval, Deployments: func(dst []string) []string {
			for i := range cfg.Deployments {
				dst = append(dst, cfg.Deployments[i].ID)
			}
			return dst
		}})
		if err != nil {
			b.Fatal(err)
		}
		var of []engine.Ref
		for i := range cfg.Deployments {
			ref, err := e.Ref(cfg.Deployments[i].ID)
			if err != nil {
				b.Fatal(err)
			}
			of = append(of, ref)
		}
		for i := range c.cooling {
			of[1+i].Cooldown(time.Hour)
		}
		g, err := e.Group("chat")
		if err != nil {
			b.Fatal(err)
		}
		groups = append(groups, g)
		refs, syncers = append(refs, of), append(syncers, s)
		go func() { done <- s.Run(ctx) }()
	}
	use := func() {
		for _, g := range groups {
			g.Pick(engine.Demand{}) // asks for all deployments of the group
		}
		if c.rate < 0 {
			for _, r := range refs[0] {
				r.PreCheck(engine.Demand{})
				r.Record(engine.Usage{InputTokens: 10})
			}
			return
		}
		for range c.rate / 10 {
			of := refs[rand.IntN(len(refs))]
			r := of[0]
			if c.nodes > 1 {
				r = of[rand.IntN(len(of))]
			}
			r.PreCheck(engine.Demand{})
			r.Record(engine.Usage{InputTokens: 10})
		}
	}
	load := func(d time.Duration) {
		for range d / (100 * time.Millisecond) {
			use()
			pause(100 * time.Millisecond)
		}
	}
	load(5 * time.Second)
	w := way{server: server}
	number := func(section, name string) float64 {
		n, err := strconv.ParseFloat(server.Info(b, section, name), 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	exchanges := func() (n int64) {
		for _, s := range syncers {
			n += s.Stats().Exchanges
		}
		return n
	}
	began, cpu, up, down, n := time.Now(), w.serverCPU(b), number("stats", "total_net_input_bytes"), number("stats", "total_net_output_bytes"), exchanges()
	load(10 * time.Second)
	took := time.Since(began).Seconds()
	r := rounds{
		cores:     (w.serverCPU(b) - cpu) / took,
		up:        (number("stats", "total_net_input_bytes") - up) / took,
		down:      (number("stats", "total_net_output_bytes") - down) / took,
		exchanges: float64(exchanges()-n) / took / float64(c.nodes),
		interval:  syncers[0].Stats().Interval,
	}
	stop()
	for range syncers {
		if err := <-done; err != nil {
			b.Log(err) // a busy machine has no time for the last exchange
		}
	}
	return r
}
