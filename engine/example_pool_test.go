package engine_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Two names of one account's quota: what one of them uses the other cannot.
func ExampleDeployment_pool() {
	limits := engine.Limits{TPM: 1000}
	account := provider.Profile{Pool: "account"}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) // an example needs no other minute
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{
			{ID: "chat", Group: "chat", Limits: limits, Profile: account},
			{ID: "reports", Group: "reports", Limits: limits, Profile: account},
		},
		Clock: window.NewClockFrom(func() time.Time { return now }),
	})
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
