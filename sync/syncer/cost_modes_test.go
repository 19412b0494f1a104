package syncer_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
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

var costDeployments = flag.Int("cost.deployments", 100, "of TestCostOfModes")

// counting counts what batches would cost a server: the commands and keys of valkeystore.
type counting struct {
	syncer.Store
	exchanges, increments, reads, modes, modeReads atomic.Int64
}

func (c *counting) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	c.exchanges.Add(1)
	for i := range b.Deltas {
		for _, n := range []int64{b.Deltas[i].Requests, b.Deltas[i].Tokens} {
			if n != 0 {
				c.increments.Add(1)
			} else {
				c.reads.Add(1)
			}
		}
	}
	c.reads.Add(2 * int64(len(b.Reads)))
	for _, h := range b.Held {
		if h.Known() {
			c.modes.Add(1)
		}
		if h != 0 {
			c.modeReads.Add(1)
		}
	}
	return c.Store.Exchange(ctx, b, r)
}

func (c *counting) counts() [5]float64 {
	return [5]float64{float64(c.exchanges.Load()), float64(c.increments.Load()), float64(c.reads.Load()), float64(c.modes.Load()), float64(c.modeReads.Load())}
}

// commandCosts are what an exchange, an increment, a key that is read, a mode that is fixed and one that is asked for cost a
// server, in microseconds.
var commandCosts = [5]float64{14, 1.6, 0.8, 1.9, 0.8}

// TestCostOfModes: what nodes in escrow mode ask of a store costs at most one and a half times what
// nodes in usage mode do, by its commands, at the same requests.
func TestCostOfModes(t *testing.T) {
	var cost [2]float64
	for i, mode := range []syncer.Mode{syncer.Usage, syncer.Escrow} {
		synctest.Test(t, func(t *testing.T) {
			const nodes, seconds = 10, 60
			r := rand.New(rand.NewPCG(1, 2))
			counts := &counting{Store: memstore.New(memstore.Config{})}
			var ids []string
			var cfg engine.Config
			for i := range *costDeployments {
				ids = append(ids, "deployment-"+strconv.Itoa(i))
				cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: ids[i], Group: "chat-" + strconv.Itoa(i), Limits: engine.Limits{RPM: 600, TPM: 60_000}})
			}
			var all []*node
			for range nodes {
				way := storetest.NewFaulty(counts, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond})
				all = append(all, newNodeOf(t, way, cfg, syncer.Config{Clock: window.NewClockFrom(time.Now), Mode: mode, Deployments: func(dst []string) []string { return append(dst, ids...) }}))
			}
			run(t, all...)
			var wg sync.WaitGroup
			load := func(d time.Duration) {
				rate := float64(*costDeployments) / 2 // a second
				for end := time.Now().Add(d); time.Now().Before(end); {
					time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Second) / rate))
					n, id := all[r.IntN(nodes)], r.IntN(len(ids))
					wg.Go(func() {
						g, err := n.e.Group("chat-" + strconv.Itoa(id))
						if err != nil {
							return
						}
						if lease, err := g.AcquireGranted(context.Background(), engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput}); err == nil {
							lease.SettleReserved()
						}
					})
				}
			}
			load(65 * time.Second)
			before := counts.counts()
			load(seconds * time.Second)
			after := counts.counts()
			wg.Wait()
			said := ""
			for j, name := range []string{"exchanges", "increments", "reads", "modes fixed", "modes asked"} {
				said += fmt.Sprintf(", %.0f %s", (after[j]-before[j])/seconds, name)
				cost[i] += commandCosts[j] * (after[j] - before[j])
			}
			missed, vain := int64(0), int64(0)
			for _, n := range all {
				missed, vain = missed+n.s.Stats().Missed, vain+n.s.Stats().Vain
			}
			t.Logf("%v a second: %.1f ms of a server%s; missed %d vain %d", mode, cost[i]/seconds/1000, said, missed, vain)
		})
	}
	t.Logf("ratio %.2f", cost[1]/cost[0])
	require.LessOrEqual(t, cost[1], 1.5*cost[0])
}
