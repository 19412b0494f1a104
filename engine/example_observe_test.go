package engine_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// refusedFor is what a provider says that refuses for a while.
func refusedFor(wait string) provider.Signal {
	header := http.Header{"Retry-After": {wait}}
	return provider.Read(provider.Answer{Provider: "openai", Status: http.StatusTooManyRequests, Header: header.Get, At: time.Now()})
}

// observed is an engine whose clock stands, in the middle of a minute: a wait in
// whole seconds that leads just into the next one ends with it.
func observed() *engine.Engine {
	middle := time.Date(2026, 3, 4, 12, 0, 30, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "east", Group: "chat"}, {ID: "west", Group: "chat"}},
		Clock:       window.NewClockFrom(func() time.Time { return middle }),
	})
	if err != nil {
		panic(err)
	}
	return e
}

func coolingOf(e *engine.Engine, id string) time.Duration {
	for _, s := range e.AppendStates(nil) {
		if s.ID == id {
			return s.CoolingFor.Round(time.Second)
		}
	}
	return 0
}

func ExampleLease_Observe() {
	e := observed()
	g, err := e.Group("chat")
	if err != nil {
		panic(err)
	}
	lease, err := g.Acquire(engine.Demand{InputTokens: 900})
	if err != nil {
		panic(err)
	}
	id := lease.Ref().ID()
	// The call is made, and refused.
	lease.Observe(refusedFor("7"))
	lease.Settle(engine.Usage{})
	fmt.Println(coolingOf(e, id))
	// Output: 7s
}

func ExampleRef_Observe() {
	e := observed()
	east, err := e.Ref("east")
	if err != nil {
		panic(err)
	}
	if east.PreCheck(engine.Demand{InputTokens: 900}) {
		mark := east.Mark()
		// The call is made, and refused.
		east.Observe(refusedFor("20"), mark)
	}
	fmt.Println(coolingOf(e, "east"))
	// Output: 20s
}

func ExampleRef_Mark() {
	e := observed()
	east, err := e.Ref("east")
	if err != nil {
		panic(err)
	}
	first := east.Mark()
	fmt.Println(first == engine.Mark{}, first == east.Mark())
	// Output: false false
}

func ExampleEngine_Observe() {
	e := observed()
	if err := e.Observe("west", refusedFor("3")); err != nil {
		panic(err)
	}
	fmt.Println(coolingOf(e, "west"))
	// Output: 3s
}

func ExampleRef_Cooldowns() {
	e := observed()
	east, err := e.Ref("east")
	if err != nil {
		panic(err)
	}
	east.Observe(refusedFor("7"), engine.Mark{})
	counts := east.Cooldowns()
	fmt.Println(engine.CooldownRateLimit, counts[engine.CooldownRateLimit])
	fmt.Println(engine.CooldownFailure, counts[engine.CooldownFailure])
	// Output:
	// rate_limit 1
	// failure 0
}
