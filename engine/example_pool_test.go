package engine_test

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// Two names of one account's quota: what one of them uses the other cannot.
func ExampleDeployment_pool() {
	limits := engine.Limits{TPM: 1000}
	account := provider.Profile{Pool: "account"}
	e, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "chat", Group: "chat", Limits: limits, Profile: account},
		{ID: "reports", Group: "reports", Limits: limits, Profile: account},
	}})
	if err != nil {
		panic(err)
	}
	chat, _ := e.Group("chat")
	reports, _ := e.Group("reports")

	lease, _ := chat.TryAcquire(engine.Demand{InputTokens: 800, OutputTokens: engine.NoOutput})
	_, ok := reports.TryAcquire(engine.Demand{InputTokens: 300, OutputTokens: engine.NoOutput})
	fmt.Println(ok)
	lease.Release()
	_, ok = reports.TryAcquire(engine.Demand{InputTokens: 300, OutputTokens: engine.NoOutput})
	fmt.Println(ok)
	// Output:
	// false
	// true
}
