package valkeystore_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// idle is the store of a node that uses nothing, and what the node exchanged with it.
type idle struct {
	*valkeystore.Store
	exchanges, tallies, bytes *atomic.Int64
}

func (s idle) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	err := s.Store.Exchange(ctx, b, r)
	if err == nil {
		s.exchanges.Add(1)
		s.tallies.Add(int64(len(b.Deltas) + len(b.Reads)))
		s.bytes.Add(int64(r.Bytes))
	}
	return err
}

// BenchmarkIdleBuckets measures what it costs a server that nodes hold deployments by escrow which they do
// not use: for each node and deployment the totals read and the bytes both ways in a second, as the nodes
// count them, and the commands and keys by the server's own counters. Beside minutes and buckets that no node
// uses these are buckets that every node has used a minute before, and those that one more node uses all the
// time; of those the server's counters, in which that node is too, are left out.
//
//	go test -run '^$' -bench IdleBuckets -benchtime 1x ./sync/valkeystore
func BenchmarkIdleBuckets(b *testing.B) {
	const (
		nodes, deployments = 4, 100
		settled            = 70 * time.Second
		measured           = 20 * time.Second
	)
	for _, c := range []struct {
		name       string
		shape      provider.Shape
		once, busy bool // each node has used each deployment; one more uses all of them
	}{
		{"minutes", provider.Minute, true, false},
		{"buckets never used", provider.Bucket, false, false},
		{"buckets used before", provider.Bucket, true, false},
		{"buckets another node uses", provider.Bucket, true, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			server := servertest.Start(b)
			ctx, stop := context.WithCancel(context.Background())
			var running sync.WaitGroup
			b.Cleanup(func() { stop(); running.Wait() })
			var exchanges, tallies, bytes atomic.Int64
			join := func(idles bool) *engine.Engine {
				cfg := engine.Config{Clock: window.NewClock()}
				for i := range deployments {
					cfg.Deployments = append(cfg.Deployments, engine.Deployment{
						ID: "deployment-" + strconv.Itoa(i), Group: "chat-" + strconv.Itoa(i), Limits: engine.Limits{RPM: 600}, Profile: provider.Profile{Shape: c.shape},
					})
				}
				e, err := engine.New(cfg)
				if err != nil {
					b.Fatal(err)
				}
				of := open(b, server.URL(), valkeystore.Config{})
				store := syncer.Store(of)
				if idles {
					store = idle{of, &exchanges, &tallies, &bytes}
				}
				s, err := syncer.New(e, store, syncer.Config{Clock: cfg.Clock, Mode: syncer.Escrow, Deployments: func(dst []string) []string {
					for i := range cfg.Deployments {
						dst = append(dst, cfg.Deployments[i].ID)
					}
					return dst
				}})
				if err != nil {
					b.Fatal(err)
				}
				running.Go(func() { _ = s.Run(ctx) })
				return e
			}
			use := func(e *engine.Engine) {
				for i := range deployments {
					if g, err := e.Group("chat-" + strconv.Itoa(i)); err != nil {
						b.Error(err)
					} else if lease, err := g.AcquireGranted(context.Background(), engine.Demand{}); err == nil {
						lease.SettleReserved()
					}
				}
			}
			if c.busy {
				e := join(false)
				running.Go(func() {
					for ctx.Err() == nil {
						use(e)
						pause(time.Second)
					}
				})
			}
			for range nodes {
				if e := join(true); c.once {
					running.Go(func() {
						pause(3 * time.Second)
						use(e)
					})
				}
			}
			pause(settled)
			counters := func() (n [5]float64) {
				for i, names := range [][]string{{"total_commands_processed"}, {"keyspace_hits", "keyspace_misses"}} {
					for _, name := range names {
						more, err := strconv.ParseFloat(server.Info(b, "stats", name), 64)
						if err != nil {
							b.Fatal(err)
						}
						n[i] += more
					}
				}
				n[2], n[3], n[4] = float64(exchanges.Load()), float64(tallies.Load()), float64(bytes.Load())
				return n
			}
			before := counters()
			pause(measured)
			after := counters()
			for i, unit := range []string{"commands/s", "keys/s", "exchanges/s/node", "totals/s", "bytes/s"} {
				per := float64(nodes * deployments)
				switch {
				case i < 2 && c.busy:
					continue
				case i == 2:
					per = nodes
				}
				b.ReportMetric((after[i]-before[i])/measured.Seconds()/per, unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
