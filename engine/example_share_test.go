package engine_test

import (
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A syncer says how long what it has absorbed is valid. A process that stands still for
// longer admits its share of what is left, until an Absorb names the window again.
func ExampleEngine_ValidFor() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	e, err := engine.New(engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return now }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 100}}},
	})
	if err != nil {
		panic(err)
	}
	share := window.Share{Tally: window.Tally{ID: "a", Start: now.Unix(), Requests: 60}}
	e.Absorb([]window.Share{share})
	e.ValidFor(time.Second, 4) // of four nodes

	now = now.Add(20 * time.Second)
	a, _ := e.Ref("a")
	n := 0
	for a.PreCheck(engine.Demand{}) {
		n++
	}
	fmt.Println(n, "of the 40 that were left")
	fmt.Println("passed:", e.ValidFor(time.Second, 4))

	share.Requests = 85
	e.Absorb([]window.Share{share})
	for a.PreCheck(engine.Demand{}) {
		n++
	}
	fmt.Println(n)
	// Output:
	// 10 of the 40 that were left
	// passed: true
	// 15
}
