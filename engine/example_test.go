package engine_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// morning is the time in most examples, 40 seconds before the next minute.
var morning = time.Date(2025, 6, 2, 9, 45, 20, 0, time.UTC)

// chatConfig is what most examples run on: a group "chat" of two deployments,
// of which the second is used when the first has no headroom, at a fixed time.
func chatConfig() engine.Config {
	return engine.Config{
		Deployments: []engine.Deployment{
			{ID: "azure-eastus", Group: "chat", Limits: engine.Limits{RPM: 300, TPM: 150_000}},
			{ID: "openai", Group: "chat", Order: 1, Limits: engine.Limits{RPM: 60, TPM: 60_000}},
		},
		Clock: window.NewClockFrom(func() time.Time { return morning }),
	}
}

func newChat() *engine.Engine {
	eng, err := engine.New(chatConfig())
	if err != nil {
		panic(err)
	}
	return eng
}

// A gateway asks for a deployment, calls it and says what the call has cost.
func Example() {
	eng, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "chat", Limits: engine.Limits{RPM: 300, TPM: 150_000}},
		{ID: "openai", Group: "chat", Order: 1, Limits: engine.Limits{RPM: 60, TPM: 60_000}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, err := eng.Group("chat") // once, at start-up
	if err != nil {
		fmt.Println(err)
		return
	}

	// For each request:
	lease, err := chat.Acquire(engine.Demand{InputTokens: 1200, MaxOutputTokens: 500})
	if err != nil {
		fmt.Println(err) // says which limit, and how long to wait
		return
	}
	defer lease.Release() // gives the reservation back unless the call was made
	fmt.Println("calling", lease.Ref().ID())
	lease.Settle(engine.Usage{InputTokens: 1187, OutputTokens: 342})
	// Output: calling azure-eastus
}

func ExampleNew() {
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{
			{ID: "azure-eastus", Group: "gpt-4o", Limits: engine.Limits{RPM: 300, TPM: 150_000}},
			{ID: "azure-westeurope", Group: "gpt-4o", Limits: engine.Limits{RPM: 300, TPM: 50_000}},
			{ID: "local", Group: "llama", Limits: engine.Limits{MaxInFlight: 8}},
		},
		Aliases:  map[string]string{"chat": "gpt-4o", "cheap": "llama"},
		Strategy: engine.LeastUtilized,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := eng.Pick("cheap", engine.Demand{})
	fmt.Println(id, err)
	// Output: local <nil>
}

func ExampleConfig_Validate() {
	cfg := engine.Config{Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "chat", Limits: engine.Limits{RPM: -300}},
		{ID: "azure-eastus", Group: "chat"},
		{ID: "openai"},
	}}
	if err := cfg.Validate(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// engine: Deployments[0].Limits.RPM: is -300; use 0 for unlimited, engine.Blocked (-1) for none, or from 1 to 4398046511104
	// engine: Deployments[1].ID: "azure-eastus" is Deployments[0].ID already; IDs must be unique
	// engine: Deployments[2].Group: is empty; name the group that callers ask for
}

// Apply takes over a new configuration while requests go on: usage, leases and
// learned means stay with the deployments' IDs.
func ExampleEngine_Apply() {
	cfg := chatConfig()
	eng, err := engine.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = eng.Record("azure-eastus", engine.Usage{InputTokens: 90_000})

	cfg.Deployments[0].Limits.TPM = 100_000
	if err := eng.Apply(cfg); err != nil {
		fmt.Println(err)
	}
	for _, s := range eng.AppendStates(nil) {
		fmt.Printf("%s: %d of %d tokens\n", s.ID, s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitTPM).Max)
	}

	cfg.Deployments[0].Limits.TPM = -5
	fmt.Println(eng.Apply(cfg) != nil, "and nothing has changed")
	// Output:
	// azure-eastus: 90000 of 100000 tokens
	// openai: 0 of 60000 tokens
	// true and nothing has changed
}

func ExampleEngine_Group() {
	eng := newChat()
	chat, err := eng.Group("chat")
	fmt.Println(chat.Name(), err)
	_, err = eng.Group("chta")
	fmt.Println(errors.Is(err, engine.ErrUnknownGroup), err)
	// Output:
	// chat <nil>
	// true engine: unknown group "chta"
}

func ExampleEngine_Ref() {
	eng := newChat()
	ref, err := eng.Ref("openai")
	fmt.Println(ref.ID(), err)
	_, err = eng.Ref("chat")
	fmt.Println(errors.Is(err, engine.ErrUnknownDeployment), err)
	// Output:
	// openai <nil>
	// true engine: unknown deployment "chat"
}

// A configuration tool offers every strategy, and asks for weights where they count.
func ExampleAllStrategies() {
	fmt.Println(engine.StrategyNames())
	for s := range engine.AllStrategies() {
		if s.UsesWeights() {
			fmt.Println(s, "reads weights")
		}
	}
	// Output:
	// least-utilized, lowest-tpm, power-of-two, weighted or least-busy
	// weighted reads weights
}

func ExampleParseStrategy() {
	s, err := engine.ParseStrategy("lowest-tpm")
	fmt.Println(s == engine.LowestTPM, err)
	_, err = engine.ParseStrategy("round-robin")
	fmt.Println(err)
	// Output:
	// true <nil>
	// engine: unknown strategy "round-robin"; use least-utilized, lowest-tpm, power-of-two, weighted or least-busy
}
