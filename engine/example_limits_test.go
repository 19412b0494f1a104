package engine_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Input and output can have limits of their own, and so can a day.
func ExampleLimits() {
	now := time.Date(2026, 11, 24, 18, 30, 0, 0, time.UTC)
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{
			ID: "claude", Group: "chat",
			Limits: engine.Limits{RPM: 50, InputTPM: 30_000, OutputTPM: 8_000, RPD: 2},
		}},
		Clock: window.NewClockFrom(func() time.Time { return now }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, _ := eng.Group("chat")
	ask := func(d engine.Demand) {
		lease, err := chat.Acquire(d)
		if limited, ok := errors.AsType[*engine.LimitError](err); ok {
			fmt.Println(limited.Limit, limited.RetryAfter)
			return
		}
		fmt.Println("admitted")
		lease.SettleReserved()
	}
	ask(engine.Demand{InputTokens: 20_000, OutputTokens: 500})
	ask(engine.Demand{InputTokens: 12_000, OutputTokens: 500})
	ask(engine.Demand{InputTokens: 2_000, OutputTokens: 500})
	ask(engine.Demand{InputTokens: 2_000, OutputTokens: 500})
	// Output:
	// admitted
	// input_tpm 1m0s
	// admitted
	// rpd 5h30m0s
}

// A provider whose limit refills all the time has headroom again long before the
// next minute.
func ExampleDeployment_profile() {
	now := time.Date(2026, 11, 24, 18, 30, 0, 0, time.UTC)
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{
			ID: "openai", Group: "chat", Limits: engine.Limits{TPM: 60_000},
			Profile: provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitLarger},
		}},
		Clock: window.NewClockFrom(func() time.Time { return now }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, _ := eng.Group("chat")
	lease, err := chat.Acquire(engine.Demand{InputTokens: 60_000, MaxOutputTokens: 1_000})
	fmt.Println(lease.Reserved(), err)
	_, err = chat.Acquire(engine.Demand{InputTokens: 5_000})
	if limited, ok := errors.AsType[*engine.LimitError](err); ok {
		fmt.Println(limited.Limit, limited.RetryAfter)
	}
	// Output:
	// 60000 <nil>
	// tpm 5s
}
