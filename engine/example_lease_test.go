package engine_test

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// printUsed prints what is used of the first deployment.
func printUsed(eng *engine.Engine) {
	s := eng.AppendStates(nil)[0]
	fmt.Printf("%s: %d requests, %d tokens, %d in flight\n", s.ID, s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitInFlight).Used)
}

// The usual life of a lease: reserved, then settled at the true cost. The
// deferred Release does nothing then; it matters on the ways out in between.
// A quantile reserves for long answers too, where the mean would not.
func ExampleConfig_outputQuantile() {
	for _, q := range []float64{0, 0.95} {
		eng, err := engine.New(engine.Config{
			Deployments:    []engine.Deployment{{ID: "openai", Group: "chat"}},
			OutputQuantile: q,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		chat, _ := eng.Group("chat")
		for i := range int64(100) {
			lease, _ := chat.TryAcquire(engine.Demand{InputTokens: 10})
			lease.Settle(engine.Usage{InputTokens: 10, OutputTokens: 10 * (i % 10)})
		}
		fmt.Println(eng.AppendStates(nil)[0].ExpectedOutput)
	}
	// Output:
	// 47
	// 91
}

func ExampleLease_Settle() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 1000, OutputTokens: 400})
	if !ok {
		return
	}
	defer lease.Release()
	printUsed(eng)
	lease.Settle(engine.Usage{InputTokens: 1000, OutputTokens: 150})
	printUsed(eng)
	// Output:
	// azure-eastus: 1 requests, 1400 tokens, 1 in flight
	// azure-eastus: 1 requests, 1150 tokens, 0 in flight
}

// The call was never made: everything is given back.
func ExampleLease_Release() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 1000, OutputTokens: 400})
	fmt.Println(ok)
	lease.Release()
	printUsed(eng)
	// Output:
	// true
	// azure-eastus: 0 requests, 0 tokens, 0 in flight
}

// The connection broke, and what the call has cost is unknown: what was
// reserved is taken as used.
func ExampleLease_SettleReserved() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 1000, OutputTokens: 400})
	fmt.Println(ok)
	lease.SettleReserved()
	printUsed(eng)
	// Output:
	// true
	// azure-eastus: 1 requests, 1400 tokens, 0 in flight
}

// A stream that goes on beyond its reservation is counted while it does.
func ExampleLease_Add() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 1000, OutputTokens: 400})
	fmt.Println(ok)
	lease.Add(50)
	lease.Add(50)
	printUsed(eng)
	lease.Settle(engine.Usage{InputTokens: 1000, OutputTokens: 512})
	printUsed(eng)
	// Output:
	// true
	// azure-eastus: 1 requests, 1500 tokens, 1 in flight
	// azure-eastus: 1 requests, 1512 tokens, 0 in flight
}

func ExampleLease_Ref() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	first, _ := chat.TryAcquire(engine.Demand{InputTokens: 1000})
	defer first.Release()
	// A hedged request goes elsewhere.
	second, _ := chat.TryAcquire(engine.Demand{InputTokens: 1000, Exclude: []engine.Ref{first.Ref()}})
	defer second.Release()
	fmt.Println(first.Ref().ID(), second.Ref().ID())
	// Output: azure-eastus openai
}

// Where no output is named, what calls have produced so far is reserved for it.
func ExampleLease_Reserved() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	reserved := func(d engine.Demand) int64 {
		lease, _ := chat.TryAcquire(d)
		defer lease.Release()
		return lease.Reserved()
	}
	fmt.Println(reserved(engine.Demand{InputTokens: 1000, OutputTokens: 400}), "named")
	fmt.Println(reserved(engine.Demand{InputTokens: 1000, OutputTokens: engine.NoOutput}), "none, as for embeddings")
	fmt.Println(reserved(engine.Demand{InputTokens: 1000}), "assumed")
	fmt.Println(reserved(engine.Demand{InputTokens: 1000, MaxOutputTokens: 16}), "assumed, but no more than the request's own cap")
	for range 8 {
		lease, _ := chat.TryAcquire(engine.Demand{InputTokens: 1000})
		lease.Settle(engine.Usage{InputTokens: 1000, OutputTokens: 90})
	}
	fmt.Println(reserved(engine.Demand{InputTokens: 1000}), "learned")
	// Output:
	// 1400 named
	// 1000 none, as for embeddings
	// 1256 assumed
	// 1016 assumed, but no more than the request's own cap
	// 1090 learned
}
