package syncer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// noon is where the clocks of the examples stand.
func noon() time.Time { return time.Date(2025, 6, 2, 12, 0, 30, 0, time.UTC) }

// startNode is an engine with one deployment, ten requests a minute, and its
// syncer.
func startNode(store syncer.Store) (*engine.Engine, *syncer.Syncer) {
	clock := window.NewClockFrom(noon)
	eng, err := engine.New(engine.Config{
		Clock:       clock,
		Deployments: []engine.Deployment{{ID: "gpt-a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
	})
	if err != nil {
		panic(err)
	}
	s, err := syncer.New(eng, store, syncer.Config{Clock: clock})
	if err != nil {
		panic(err)
	}
	return eng, s
}

// Two nodes share a limit of ten requests a minute.
func Example() {
	ctx := context.Background()
	store := memstore.New(memstore.Config{Now: noon})
	one, oneSync := startNode(store)
	two, twoSync := startNode(store)

	_ = oneSync.Sync(ctx) // before its first exchange a node admits nothing
	for range 7 {
		_ = one.PreCheck("gpt-a", engine.Demand{})
	}
	_ = oneSync.Sync(ctx)
	_ = twoSync.Sync(ctx)

	admitted := 0
	for range 7 {
		if two.PreCheck("gpt-a", engine.Demand{}) == nil {
			admitted++
		}
	}
	fmt.Println(admitted, "more")
	// Output: 3 more
}

// A process gives its engine, its syncer and itself one clock, and runs the
// syncer until it stops.
func ExampleNew() {
	clock := window.NewClock()
	eng, err := engine.New(engine.Config{
		Clock:       clock,
		Deployments: []engine.Deployment{{ID: "gpt-a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = syncer.New(eng, memstore.New(memstore.Config{}), syncer.Config{
		Clock: clock,
		Deployments: func(dst []string) []string {
			for _, s := range eng.AppendStates(nil) {
				dst = append(dst, s.ID)
			}
			return dst
		},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleConfig_Validate() {
	fmt.Println(syncer.Config{Interval: time.Hour, Nodes: -1}.Validate())
	// Output:
	// syncer: Config.Interval: 1h0m0s is not from 10ms to 1s
	// syncer: Config.Nodes: -1 is not from 0 to 1048576
}

func ExampleSyncer_Sync() {
	store := memstore.New(memstore.Config{Now: noon})
	eng, s := startNode(store)
	_ = s.Sync(context.Background()) // before its first exchange a node admits nothing
	_ = eng.PreCheck("gpt-a", engine.Demand{})
	_ = eng.Record("gpt-a", engine.Usage{InputTokens: 1200})
	fmt.Println(s.Sync(context.Background()))
	total := store.Total("gpt-a", noon().Truncate(time.Minute).Unix())
	fmt.Println(total.Requests, total.Tokens)
	// Output:
	// <nil>
	// 1 1200
}

// What was used until the end is in the store when Run returns.
func ExampleSyncer_Run() {
	store := memstore.New(memstore.Config{Now: noon})
	eng, s := startNode(store)
	_ = s.Sync(context.Background()) // before its first exchange a node admits nothing
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	_ = eng.PreCheck("gpt-a", engine.Demand{})
	stop()
	fmt.Println(<-done)
	fmt.Println(store.Total("gpt-a", noon().Truncate(time.Minute).Unix()).Requests)
	// Output:
	// <nil>
	// 1
}

func ExampleSyncer_Stats() {
	_, s := startNode(memstore.New(memstore.Config{Now: noon}))
	_ = s.Sync(context.Background())
	st := s.Stats()
	fmt.Println(st.Exchanges, "exchanges,", st.Failures, "failures,", st.Nodes, "node, away:", st.Away)
	// Output: 2 exchanges, 0 failures, 1 node, away: false
}

func ExamplePolicy_String() {
	fmt.Println(syncer.Share, syncer.Open, syncer.Closed)
	// Output: share open closed
}

// A reply tells requests and tokens, unless a batch asks for other totals, and
// whatever a delta changes.
func ExampleBatch_Of() {
	b := syncer.Batch{
		Deltas: []window.Tally{{ID: "gpt-a", Requests: 1, Input: 100}},
		Reads:  []window.Tally{{ID: "gpt-b"}},
		Counts: []syncer.Counts{0, syncer.CountOutput},
	}
	fmt.Println(b.Of(0) == syncer.CountRequests|syncer.CountTokens|syncer.CountInput)
	fmt.Println(b.Of(1) == syncer.CountOutput)
	// Output:
	// true
	// true
}

// Whatever the clock says, an epoch is above the one before.
func ExampleNewEpoch() {
	before := syncer.NewEpoch(0, noon())
	fmt.Println(syncer.NewEpoch(before, noon()) > before, syncer.NewEpoch(before, time.Unix(0, 0)) > before)
	// Output: true true
}

func ExampleMode() {
	fmt.Println(syncer.Usage, syncer.Escrow)
	// Output: usage escrow
}
