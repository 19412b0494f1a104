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
	over := st.Overrun
	fmt.Println("beyond what escrow granted:", over.Requests, "requests,", over.Tokens, "tokens,", over.Input, "of input,", over.Output, "of output")
	// Output:
	// 2 exchanges, 0 failures, 1 node, away: false
	// beyond what escrow granted: 0 requests, 0 tokens, 0 of input, 0 of output
}

func ExamplePolicy_String() {
	fmt.Println(syncer.Share, syncer.Open, syncer.Closed)
	// Output: share open closed
}

// A reply has requests and tokens, unless a batch asks for other totals, and
// whatever a delta changes.
func ExampleBucketOf() {
	limit := window.LimitID("tpm", 30_000, "azure-eu")
	fmt.Println(syncer.BucketOf("azure-eu", 16), syncer.BucketOf(limit, 16))
	// Output: 9 9
}

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
	fmt.Println(syncer.Usage, syncer.Escrow, syncer.Auto)
	// Output: usage escrow auto
}

func ExampleParseMode() {
	mode, _ := syncer.ParseMode("escrow")
	_, err := syncer.ParseMode("exact")
	fmt.Println(mode, err)
	// Output: escrow "exact" is no mode; want usage, escrow or auto
}

// Nodes reserve tokens in the store before they use them, and report requests afterwards.
func ExampleModes() {
	fmt.Println(syncer.Modes{Tokens: syncer.Escrow})
	fmt.Println(syncer.AllModes(syncer.Auto))
	// Output:
	// requests usage, tokens escrow, input usage, output usage
	// auto
}

func ExampleAllModes() {
	cfg := syncer.Config{Modes: func(id string, kind window.Kind) syncer.Modes {
		if kind.Daily() {
			return syncer.AllModes(syncer.Usage)
		}
		return syncer.AllModes(syncer.Escrow)
	}}
	fmt.Println(cfg.Modes("gpt-a", window.KindMinute), cfg.Modes("gpt-a", window.KindDay))
	// Output: escrow usage
}

// The first batch that says which counts of a window are held by escrow decides for all nodes.
func ExampleHeldBy() {
	store := memstore.New(memstore.Config{Now: noon})
	propose := func(node string, h syncer.Held) syncer.Held {
		b := syncer.Batch{Node: node, Seq: 1, Epoch: 1, Deltas: []window.Tally{{ID: "gpt-a", Requests: 1}}, Held: []syncer.Held{h}}
		var r syncer.Reply
		_ = store.Exchange(context.Background(), b, &r)
		return r.Held[0]
	}
	first := propose("node-1", syncer.HeldBy(syncer.CountRequests))
	later := propose("node-2", syncer.HeldBy(0))
	fmt.Println(first == later, later.Known(), later.Escrow() == syncer.CountRequests)
	// Output: true true true
}

func ExampleBatch_Wants() {
	b := syncer.Batch{Deltas: make([]window.Tally, 2), Held: []syncer.Held{syncer.HeldBy(syncer.CountTokens)}}
	fmt.Println(b.Wants(0).Escrow() == syncer.CountTokens, b.Wants(1).Known())
	// Output: true false
}

func ExampleSyncer_AppendAccounts() {
	_, s := startNode(memstore.New(memstore.Config{Now: noon}))
	_ = s.Sync(context.Background())
	for _, a := range s.AppendAccounts(nil) {
		fmt.Println(a.ID, a.Name(), a.Mode, a.Own, "of", a.Limit)
	}
	// Output: gpt-a rpm usage 0 of 10
}

func ExampleAccount_Name() {
	fmt.Println(syncer.Account{Count: syncer.CountInput}.Name(), syncer.Account{Kind: window.KindDay, Count: syncer.CountRequests}.Name())
	// Output: input_tpm rpd
}

// A store keeps the modes of each node as text beside its name.
func ExampleParseNodeModes() {
	text := syncer.NodeModesOf(syncer.Escrow, true).String()
	mode, known := syncer.ParseNodeModes(text).Mode()
	fmt.Println(text, mode, known)
	// Output: escrow+ escrow true
}
