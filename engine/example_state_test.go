package engine_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// What is used of each limit, those per hour included.
func ExampleState_Limit() {
	now := time.Date(2026, 11, 24, 18, 40, 0, 0, time.UTC)
	limits := engine.Limits{TPM: 60_000}
	*limits.Of(engine.LimitTPH) = 500_000 // the same as limits.TPH, for code that ranges over kinds
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "llama", Group: "chat", Limits: limits}},
		Clock:       window.NewClockFrom(func() time.Time { return now }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = eng.Record("llama", engine.Usage{InputTokens: 30_000})
	s := eng.AppendStates(nil)[0]
	for _, l := range s.Limits {
		fmt.Println(l.Limit, l.Used, l.Max, l.Utilization())
	}
	fmt.Println(s.Limit(engine.LimitTPH).Max - s.Limit(engine.LimitTPH).Used)
	// Output:
	// rpm 0 0 0
	// tpm 30000 60000 0.5
	// tph 30000 500000 0.06
	// in_flight 0 0 0
	// 470000
}
