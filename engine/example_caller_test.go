package engine_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A tenant with a limit of its own beside the deployments': a request counts in both, or
// in neither.
func ExampleEngine_CallerRef() {
	now := time.Date(2026, 11, 25, 12, 0, 15, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{
			{ID: "east", Group: "chat", Limits: engine.Limits{TPM: 10_000}},
			{ID: "west", Group: "chat", Limits: engine.Limits{TPM: 10_000}},
		},
		Callers: []engine.Caller{{ID: "acme", Limits: engine.Limits{RPM: 2}}},
		Clock:   window.NewClockFrom(func() time.Time { return now }),
	})
	if err != nil {
		panic(err)
	}
	chat, _ := e.Group("chat")
	acme, _ := e.CallerRef("acme") // once for each tenant, not for each request
	_, err = e.CallerRef("someone else")
	fmt.Println(errors.Is(err, engine.ErrUnknownCaller))

	demand := engine.Demand{InputTokens: 500, OutputTokens: 100, Caller: acme}
	for range 3 {
		lease, err := chat.Acquire(demand)
		if limited, ok := errors.AsType[*engine.LimitError](err); ok {
			fmt.Println(limited.Caller, limited.Limit, limited.RetryAfter)
			continue
		}
		lease.Settle(engine.Usage{InputTokens: 500, OutputTokens: 80})
	}
	for _, s := range e.AppendCallerStates(nil) {
		fmt.Println(s.ID, s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitRPM).Max, s.Limit(engine.LimitTPM).Used)
	}
	// Output:
	// true
	// acme rpm 45s
	// acme 2 2 1160
}

// A tenant that may use some groups only. Its demands to others are refused, and count nowhere.
func ExampleCaller() {
	tenants := []engine.Caller{{ID: "acme", Groups: []string{"chat-*"}, Limits: engine.Limits{TPM: 50_000}}}
	if len(tenants) > engine.MaxCallers {
		panic("too many tenants for one engine")
	}
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "small", Group: "chat-small"}, {ID: "large", Group: "reasoning"}},
		Callers:     tenants,
	})
	if err != nil {
		panic(err)
	}
	acme, _ := e.CallerRef("acme")
	for _, name := range []string{"chat-small", "reasoning"} {
		group, _ := e.Group(name)
		lease, err := group.Acquire(engine.Demand{InputTokens: 500, Caller: acme})
		lease.Release()
		fmt.Println(name, err == nil, errors.Is(err, engine.ErrNoCandidate))
	}
	// Output:
	// chat-small true false
	// reasoning false true
}

// PreCheck counts a request of the caller with the deployment's. The tokens of both are
// recorded afterwards.
func ExampleCallerRef_Record() {
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "east", Group: "chat", Limits: engine.Limits{RPM: 100}}},
		Callers:     []engine.Caller{{ID: "acme", Limits: engine.Limits{TPM: 1000}}},
	})
	if err != nil {
		panic(err)
	}
	east, _ := e.Ref("east")
	acme, _ := e.CallerRef("acme")
	fmt.Println(east.PreCheck(engine.Demand{InputTokens: 900, Caller: acme}))
	usage := engine.Usage{InputTokens: 900, OutputTokens: 60}
	east.Record(usage)
	acme.Record(usage)
	fmt.Println(east.PreCheck(engine.Demand{InputTokens: 900, Caller: acme}))
	fmt.Println(acme.ID(), e.AppendCallerStates(nil)[0].Limit(engine.LimitTPM).Used)
	// Output:
	// true
	// false
	// acme 960
}
