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
