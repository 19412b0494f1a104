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

// BenchmarkRounds measures what nodes with real engines cost the server, by its own clock
// and counters: ten seconds of each state, after five in which the nodes have met.
//
//	go test -run '^$' -bench Rounds -benchtime 1x ./sync/valkeystore
func BenchmarkRounds(b *testing.B) {
	for _, c := range []struct {
		nodes, deployments int
		rate               int // requests a second of all nodes; -1 = every deployment in each round
		cooling            int // deployments
	}{
		{1, 1000, -1, 0},
		{1, 10_000, -1, 0},
		{1, 1000, 10, 0},
		{1, 10_000, 10, 0},
		{1, 10_000, 10, 1000},
		{10, 100, 500, 0},
		{10, 1000, 500, 0},
		{50, 100, 500, 0},
		{50, 1000, 500, 0},
	} {
		used := fmt.Sprintf("%d a second", c.rate)
		switch {
		case c.rate < 0:
			used = "all used"
		case c.nodes == 1:
			used = "one used"
		}
		b.Run(fmt.Sprintf("%d nodes, %d deployments, %s, %d cooling", c.nodes, c.deployments, used, c.cooling), func(b *testing.B) {
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
				s, err := syncer.New(e, open(b, server.URL(), valkeystore.Config{}), syncer.Config{Clock: clock, Deployments: func(dst []string) []string {
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
			b.ReportMetric(100*(w.serverCPU(b)-cpu)/took, "%core")
			b.ReportMetric((number("stats", "total_net_input_bytes")-up)/1000/took, "kB/s-up")
			b.ReportMetric((number("stats", "total_net_output_bytes")-down)/1000/took, "kB/s-down")
			b.ReportMetric(float64(exchanges()-n)/took/float64(c.nodes), "exchanges/s/node")
			b.ReportMetric(float64(syncers[0].Stats().Interval.Milliseconds()), "ms-interval")
			b.ReportMetric(0, "ns/op")
			stop()
			for range syncers {
				if err := <-done; err != nil {
					b.Log(err) // a busy machine has no time for the last exchange
				}
			}
		})
	}
}
