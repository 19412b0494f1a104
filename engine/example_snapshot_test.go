package engine_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// dayLimited is an engine with a limit of three requests per day.
func dayLimited(at time.Time) *engine.Engine {
	eng, err := engine.New(engine.Config{
		Deployments: []engine.Deployment{{ID: "free-tier", Group: "chat", Limits: engine.Limits{RPD: 3}}},
		Clock:       window.NewClockFrom(func() time.Time { return at }),
	})
	if err != nil {
		panic(err)
	}
	return eng
}

// What has been used of a day is written down at the end of a process.
func ExampleEngine_Snapshot() {
	eng := dayLimited(time.Date(2026, 11, 24, 18, 30, 0, 0, time.UTC))
	for range 2 {
		if err := eng.PreCheck("free-tier", engine.Demand{}); err != nil {
			fmt.Println(err)
		}
	}
	var file bytes.Buffer
	if err := eng.Snapshot(&file); err != nil {
		fmt.Println(err)
	}
	fmt.Print(file.String())
	// Output:
	// {"version":1,"days":[{"id":"free-tier","kind":"day","start":1795478400,"requests":2,"tokens":0}]}
}

// What the process before wrote down is read by the next one, which goes on from
// there.
func ExampleEngine_Restore() {
	file := bytes.NewBufferString(`{"version":1,"days":[{"id":"free-tier","kind":"day","start":1795478400,"requests":2,"tokens":0}]}`)
	eng := dayLimited(time.Date(2026, 11, 24, 18, 35, 0, 0, time.UTC))
	if err := eng.Restore(file); err != nil {
		fmt.Println(err)
	}
	fmt.Println(eng.PreCheck("free-tier", engine.Demand{}))
	fmt.Println(eng.PreCheck("free-tier", engine.Demand{}))
	// Output:
	// <nil>
	// engine: deployment "free-tier" of group "chat" refused by rpd; retry after 5h25m0s
}

// A syncer learns from it which limits to hold back until it knows what other nodes
// have used.
func ExampleEngine_List() {
	e, err := engine.New(engine.Config{Deployments: []engine.Deployment{
		{ID: "gpt-a", Group: "chat", Limits: engine.Limits{RPM: 10}},
		{ID: "gpt-b", Group: "chat", Limits: engine.Limits{TPM: 1000, RPD: 50}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range e.List(nil) {
		fmt.Println(r.ID, r.Kind, r.RequestLimit, r.TokenLimit)
	}
	// Output:
	// gpt-a minute 10 0
	// gpt-b minute 0 1000
	// gpt-b day 50 0
}
