package engine_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Pick is advice: it reserves nothing. Exclude what was tried already.
func ExampleGroup_Pick() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	first, ok := chat.Pick(engine.Demand{InputTokens: 800})
	fmt.Println(first.ID(), ok)
	second, ok := chat.Pick(engine.Demand{InputTokens: 800, Exclude: []engine.Ref{first}})
	fmt.Println(second.ID(), ok)
	_, ok = chat.Pick(engine.Demand{InputTokens: 800, Exclude: []engine.Ref{first, second}})
	fmt.Println(ok)
	// Output:
	// azure-eastus true
	// openai true
	// false
}

// TryAcquire never blocks and never allocates, whatever the outcome.
func ExampleGroup_TryAcquire() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	for range 3 {
		lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 100_000, OutputTokens: engine.NoOutput})
		if !ok {
			fmt.Println("no deployment has headroom")
			continue
		}
		fmt.Println(lease.Ref().ID(), lease.Reserved())
		lease.SettleReserved()
	}
	// Output:
	// azure-eastus 100000
	// no deployment has headroom
	// no deployment has headroom
}

// Acquire says why it refuses and how long to wait.
func ExampleGroup_Acquire() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	demand := engine.Demand{InputTokens: 50_000, OutputTokens: 5_000}
	for range 4 {
		lease, err := chat.Acquire(demand)
		if limited, ok := errors.AsType[*engine.LimitError](err); ok {
			fmt.Println("429, Retry-After:", limited.RetryAfter.Seconds())
			continue
		}
		fmt.Println("200,", lease.Ref().ID())
		lease.Settle(engine.Usage{InputTokens: 50_000, OutputTokens: 4_000})
	}
	// Output:
	// 200, azure-eastus
	// 200, azure-eastus
	// 200, openai
	// 429, Retry-After: 40
}

// Wait is for callers that prefer waiting to a refusal.
func ExampleGroup_Wait() {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "gpu-box", Group: "chat", Limits: engine.Limits{MaxInFlight: 1}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, _ := eng.Group("chat")
	first, _ := chat.TryAcquire(engine.Demand{InputTokens: 800})
	go first.Settle(engine.Usage{InputTokens: 800, OutputTokens: 120})

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	second, err := chat.Wait(ctx, engine.Demand{InputTokens: 500})
	defer second.Release()
	fmt.Println(second.Ref().ID(), err)
	// Output: gpu-box <nil>
}

func ExampleGroup_Name() {
	cfg := chatConfig()
	cfg.Aliases = map[string]string{"default": "chat"}
	eng, err := engine.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _ := eng.Group("default")
	fmt.Println(g.Name())
	// Output: chat
}

// Tags narrow a request down to deployments that carry all of them.
func ExampleDemand() {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "chat", Tags: []string{"us"}},
		{ID: "azure-westeurope", Group: "chat", Tags: []string{"eu", "zdr"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := eng.Pick("chat", engine.Demand{Tags: []string{"eu"}})
	fmt.Println(id, err)
	_, err = eng.Pick("chat", engine.Demand{Tags: []string{"us", "zdr"}})
	fmt.Println(errors.Is(err, engine.ErrNoCandidate))
	// Output:
	// azure-westeurope <nil>
	// true
}

// Batch work leaves headroom for people: its class stops at 60 % of every limit.
func ExampleDemand_priority() {
	eng, err := engine.New(engine.Config{
		Deployments:   []engine.Deployment{{ID: "openai", Group: "chat", Limits: engine.Limits{RPM: 10}}},
		PriorityShare: []float64{1, 0.6},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, _ := eng.Group("chat")
	count := func(class int) (n int) {
		for {
			lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 900, Priority: class})
			if !ok {
				return n
			}
			lease.SettleReserved()
			n++
		}
	}
	fmt.Println("batch:", count(1))
	fmt.Println("interactive:", count(0))
	// Output:
	// batch: 6
	// interactive: 4
}

// Affinity keeps the turns of a conversation where its prompt is cached.
func ExampleDemand_affinity() {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "chat", Limits: engine.Limits{TPM: 150_000}},
		{ID: "openai", Group: "chat", Limits: engine.Limits{TPM: 60_000}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, _ := eng.Group("chat")
	h := fnv.New64a()
	h.Write([]byte("session 4717"))
	for range 3 {
		turn, _ := chat.TryAcquire(engine.Demand{InputTokens: 20_000, OutputTokens: 500, Affinity: h.Sum64()})
		fmt.Println(turn.Ref().ID())
	}
	// Output:
	// openai
	// openai
	// azure-eastus
}

func ExampleLimitError() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	_ = eng.Cooldown("openai", 15*time.Second)
	_ = eng.Record("azure-eastus", engine.Usage{InputTokens: 150_000})

	_, err := chat.Acquire(engine.Demand{InputTokens: 900, OutputTokens: 100})
	limited, ok := errors.AsType[*engine.LimitError](err)
	fmt.Println(ok, errors.Is(err, engine.ErrLimited))
	fmt.Println(limited.Deployment, limited.Limit, limited.RetryAfter)
	for _, s := range limited.States {
		fmt.Printf("%s: %d of %d tokens, cooling for %s\n", s.ID, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitTPM).Max, s.CoolingFor)
	}

	_, err = chat.Acquire(engine.Demand{InputTokens: 200_000})
	limited, _ = errors.AsType[*engine.LimitError](err)
	fmt.Println("larger than any limit:", limited.Never)
	// Output:
	// true true
	// openai cooldown 15s
	// azure-eastus: 150000 of 150000 tokens, cooling for 0s
	// openai: 0 of 60000 tokens, cooling for 15s
	// larger than any limit: true
}

func ExampleLimit() {
	fmt.Println(engine.LimitRPM, engine.LimitTPM, engine.LimitInFlight, engine.LimitCooldown, engine.LimitDisabled)
	// Output: rpm tpm in_flight cooldown disabled
}
