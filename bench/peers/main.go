// Command peers measures the engine's hot path, other rate limiters and two
// re-stated algorithms of a gateway in one run, and prints their ratios.
// It is a module of its own, so that the other libraries stay out of the
// engine's requirements.
package main

import (
	"os"

	"github.com/plimsoll-dev/plimsoll/bench"
	"github.com/plimsoll-dev/plimsoll/bench/table"
)

func main() {
	plan := bench.Plan()
	plan.Rows = append(plan.Rows, rows()...)
	plan.Checks = append([]table.Check{roundTrip}, plan.Checks...)
	os.Exit(table.Main(plan, os.Args[1:], os.Stdout, os.Stderr))
}
