package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A syncer asks the store for more when a ceiling, and no limit, refuses requests.
func ExampleEngine_Want() {
	at := time.Date(2025, 3, 4, 12, 34, 0, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return at }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
	})
	if err != nil {
		panic(err)
	}
	short := e.Short()
	e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: at.Unix()}, CeilingRequests: 1}})
	g, _ := e.Group("chat")
	for range 3 {
		g.TryAcquire(engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput})
	}
	<-short
	for _, w := range e.Want(nil) {
		fmt.Println(w.ID, w.Missed, w.MissedTokens)
	}
	// Output: a 2 200
}

// Short says when to call Want.
func ExampleEngine_Short() {
	e, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}}})
	if err != nil {
		panic(err)
	}
	select {
	case <-e.Short():
		fmt.Println("ask the store for more")
	default:
		fmt.Println("nothing was refused")
	}
	// Output: nothing was refused
}

// AcquireGranted waits for what a syncer obtains from the store; without one it is Acquire.
func ExampleGroup_AcquireGranted() {
	e, err := engine.New(engine.Config{Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}}})
	if err != nil {
		panic(err)
	}
	g, _ := e.Group("chat")
	lease, err := g.AcquireGranted(context.Background(), engine.Demand{InputTokens: 100})
	fmt.Println(lease.Ref().ID(), err)
	lease.Release()
	// Output: a <nil>
}

// GrantWithin bounds how long AcquireGranted waits; the syncer calls it.
func ExampleEngine_GrantWithin() {
	at := time.Date(2025, 3, 4, 12, 34, 0, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return at }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
	})
	if err != nil {
		panic(err)
	}
	e.GrantWithin(time.Millisecond)
	e.Absorb([]window.Share{{Tally: window.Tally{ID: "a", Start: at.Unix()}, CeilingRequests: -1}})
	g, _ := e.Group("chat")
	_, err = g.AcquireGranted(context.Background(), engine.Demand{InputTokens: 100})
	fmt.Println(err)
	// Output: engine: deployment "a" of group "chat" refused by share; retry after 1m0s
}
