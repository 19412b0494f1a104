package bench

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// BenchmarkSyncer measures what a syncer costs decisions: two engines of ten deployments take
// turns of a thousand acquires and settles, one with a syncer that runs, at its default interval, beside a
// node that uses every deployment all the time, and one without. See [compareTurns].
//
//	make overhead
func BenchmarkSyncer(b *testing.B) {
	const deployments = 10
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	clock := window.NewClock()
	running.Go(func() { _ = clock.Run(ctx) })
	store := memstore.New(memstore.Config{})
	node := func(synced bool) (*engine.Engine, *engine.Group) {
		cfg := engine.Config{Clock: clock}
		for i := range deployments {
			cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: strconv.Itoa(i), Group: "chat", Limits: engine.Limits{RPM: 1 << 32, TPM: 1 << 40}})
		}
		e := must(engine.New(cfg))
		if synced {
			s := must(syncer.New(e, store, syncer.Config{Clock: clock}))
			running.Go(func() { _ = s.Run(ctx) })
		}
		return e, must(e.Group("chat"))
	}
	other, _ := node(true)
	running.Go(func() {
		for tick := time.NewTicker(10 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			for i := range deployments {
				must(other.Ref(strconv.Itoa(i))).Record(engine.Usage{InputTokens: 100})
			}
		}
	})
	_, without := node(false)
	_, with := node(true)
	time.Sleep(300 * time.Millisecond) // until a first exchange has opened the windows
	compareTurns(b, [2]*engine.Group{without, with}, mostOverhead)
}
