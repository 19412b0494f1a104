package engine_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

func ExampleRef_ID() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	if ref, ok := chat.Pick(engine.Demand{InputTokens: 800}); ok {
		fmt.Println(ref.ID())
	}
	// Output: azure-eastus
}

// PreCheck counts a request that it admits. Tokens that are named are weighed,
// not reserved: Record adds them when the answer is there.
func ExampleRef_PreCheck() {
	eng := newChat()
	ref, _ := eng.Ref("azure-eastus")
	fmt.Println(ref.PreCheck(engine.Demand{}), ref.PreCheck(engine.Demand{InputTokens: 150_001}))
	printUsed(eng)
	// Output:
	// true false
	// azure-eastus: 1 requests, 0 tokens, 0 in flight
}

func ExampleRef_Record() {
	eng := newChat()
	ref, _ := eng.Ref("azure-eastus")
	ref.Record(engine.Usage{InputTokens: 1187, OutputTokens: 342})
	printUsed(eng)
	// Output: azure-eastus: 0 requests, 1529 tokens, 0 in flight
}

// A provider has answered 429: leave it alone for as long as it says.
func ExampleRef_Cooldown() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	ref, _ := chat.Pick(engine.Demand{})
	ref.Cooldown(30 * time.Second)
	next, _ := chat.Pick(engine.Demand{})
	fmt.Println(ref.ID(), next.ID())
	ref.Cooldown(0) // it has recovered earlier
	next, _ = chat.Pick(engine.Demand{})
	fmt.Println(next.ID())
	// Output:
	// azure-eastus openai
	// azure-eastus
}

// A health check takes a deployment out and puts it back.
func ExampleRef_SetEnabled() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	ref, _ := eng.Ref("azure-eastus")
	ref.SetEnabled(false)
	next, _ := chat.Pick(engine.Demand{})
	fmt.Println(next.ID(), ref.PreCheck(engine.Demand{}))
	ref.SetEnabled(true)
	next, _ = chat.Pick(engine.Demand{})
	fmt.Println(next.ID(), ref.PreCheck(engine.Demand{}))
	// Output:
	// openai false
	// azure-eastus true
}

// By name: one look-up each, for callers that keep no handles.
func ExampleEngine_Pick() {
	eng := newChat()
	id, err := eng.Pick("chat", engine.Demand{InputTokens: 800})
	fmt.Println(id, err)
	_, err = eng.Pick("images", engine.Demand{InputTokens: 800})
	fmt.Println(err)
	// Output:
	// azure-eastus <nil>
	// engine: unknown group "images"
}

func ExampleEngine_PreCheck() {
	cfg := chatConfig()
	cfg.Deployments[0].Limits.RPM = 1
	eng, err := engine.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(eng.PreCheck("azure-eastus", engine.Demand{}))
	err = eng.PreCheck("azure-eastus", engine.Demand{})
	fmt.Println(errors.Is(err, engine.ErrLimited))
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// engine: deployment "azure-eastus" of group "chat" refused by rpm; retry after 40s
}

// Pick, PreCheck, call, Record: for gateways that work in these steps already.
func ExampleEngine_Record() {
	eng := newChat()
	id, err := eng.Pick("chat", engine.Demand{InputTokens: 1200})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := eng.PreCheck(id, engine.Demand{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := eng.Record(id, engine.Usage{InputTokens: 1187, OutputTokens: 342}); err != nil {
		fmt.Println(err)
	}
	printUsed(eng)
	// Output: azure-eastus: 1 requests, 1529 tokens, 0 in flight
}

func ExampleEngine_Cooldown() {
	eng := newChat()
	fmt.Println(eng.Cooldown("azure-eastus", 30*time.Second))
	id, _ := eng.Pick("chat", engine.Demand{})
	fmt.Println(id)
	// Output:
	// <nil>
	// openai
}

func ExampleEngine_Explain() {
	eng := newChat()
	_ = eng.Record("azure-eastus", engine.Usage{InputTokens: 149_500})
	x := eng.Explain("chat", engine.Demand{InputTokens: 1000, OutputTokens: 200})
	for _, c := range x.Candidates {
		fmt.Printf("%s: %d of %d tokens used, %d to reserve, refused by %s\n", c.ID, c.Limit(engine.LimitTPM).Used, c.Limit(engine.LimitTPM).Max, c.Cost, c.Refused)
	}
	fmt.Println("TryAcquire would choose among", x.Acquire)
	// Output:
	// azure-eastus: 149500 of 150000 tokens used, 1200 to reserve, refused by tpm
	// openai: 0 of 60000 tokens used, 1200 to reserve, refused by none
	// TryAcquire would choose among [openai]
}

func ExampleEngine_AppendStates() {
	eng := newChat()
	_ = eng.PreCheck("openai", engine.Demand{})
	_ = eng.Record("openai", engine.Usage{InputTokens: 15_000})
	var states []engine.State // a caller that reads them regularly reuses the slice
	states = eng.AppendStates(states[:0])
	for _, s := range states {
		fmt.Printf("%s: %d of %d requests, %d of %d tokens, %.0f %%\n",
			s.ID, s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitRPM).Max, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitTPM).Max, 100*s.Utilization)
	}
	// Output:
	// azure-eastus: 0 of 300 requests, 0 of 150000 tokens, 0 %
	// openai: 1 of 60 requests, 15000 of 60000 tokens, 25 %
}

func ExampleEngine_Stats() {
	eng := newChat()
	chat, _ := eng.Group("chat")
	lease, _ := chat.TryAcquire(engine.Demand{InputTokens: 1000})
	lease.Settle(engine.Usage{InputTokens: 1000, OutputTokens: 20})
	_, ok := chat.TryAcquire(engine.Demand{InputTokens: 1_000_000})
	fmt.Println(ok)
	s := eng.Stats()
	fmt.Println(s.Admitted, "admitted,", s.Settled, "settled,", s.Refused[engine.LimitTPM], "refused by", engine.LimitTPM)
	// Output:
	// false
	// 1 admitted, 1 settled, 1 refused by tpm
}

// What this node has used, for the other nodes.
func ExampleEngine_Collect() {
	eng := newChat()
	_ = eng.PreCheck("openai", engine.Demand{})
	_ = eng.Record("openai", engine.Usage{InputTokens: 15_000})
	for _, r := range eng.Collect(nil) {
		start := time.Unix(r.Start, 0).UTC().Format("15:04")
		fmt.Println(start, r.ID, r.Requests, "of", r.RequestLimit, "requests,", r.Tokens, "of", r.TokenLimit, "tokens")
	}
	// Output: 09:45 openai 1 of 60 requests, 15000 of 60000 tokens
}

// What the other nodes have used counts against the limits here.
func ExampleEngine_Absorb() {
	eng := newChat()
	minute := morning.Truncate(time.Minute).Unix()
	eng.Absorb([]window.Share{
		{Tally: window.Tally{ID: "azure-eastus", Start: minute, Requests: 270, Tokens: 149_800}},
	})
	id, err := eng.Pick("chat", engine.Demand{InputTokens: 800})
	fmt.Println(id, err)
	// Output: openai <nil>
}

func ExampleRef_Profile() {
	rule, _ := provider.Preset("anthropic", "")
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "main", Group: "claude", Profile: rule}}})
	if err != nil {
		panic(err)
	}
	ref, _ := eng.Ref("main")
	fmt.Println(ref.Profile().Shape, ref.Profile().Admit)
	// Output: bucket input
}
