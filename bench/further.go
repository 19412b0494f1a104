package bench

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/bench/table"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// further returns the rows beyond the plain choice: the default strategy, and groups
// whose best deployments cannot be chosen.
func further() []table.Row {
	none, most := table.Goal{}, table.AtMost
	var rows []table.Row
	for _, size := range []int{10, 100, 1000} {
		rows = append(rows, row(fmt.Sprint("30.", size), fmt.Sprintf("Pick(%d): least-utilized / lowest-tpm", size),
			Pick(even, size, 1), Pick(lowest, size, 1), none))
	}
	for _, size := range []int{10, 100, 1000} {
		rows = append(rows, row(fmt.Sprint("31.", size), fmt.Sprintf("TryAcquire+Settle(%d): least-utilized / lowest-tpm, all tied", size),
			Acquire(even, size, tied, 1), Acquire(lowest, size, tied, 1), none))
	}
	for i, s := range []engine.Strategy{lowest, even} {
		id := func(n int) string { return letter(fmt.Sprint(n), i) }
		name := func(what string) string { return fmt.Sprintf("%s: %s", s, what) }
		pick, scan := Pick(s, many, 1), loop(many)
		rows = append(rows,
			row(id(32), name("Pick(1000), 1 least used cooling / none"), pickCooling(s, 1), pick, most(2)),
			row(id(33), name("Pick(1000), 100 least used cooling / none"), pickCooling(s, 100), pick, most(2)),
			row(id(34), name("Pick(1000), too large for 1 least used / for none"), pickTooSmall(s, 1), pick, none),
			row(id(35), name("Pick(1000), too large for 100 least used / for none"), pickTooSmall(s, 100), pick, most(14)),
			row(id(36), name("Pick(1000) with a tag / plain loop over 1000"), pickTagged(s), scan, most(1.5)),
			row(id(37), name("Pick(1000), 1 excluded / plain loop over 1000"), pickExcluding(s, 1), scan, none),
			row(id(38), name("Pick(1000), 3 excluded / plain loop over 1000"), pickExcluding(s, 3), scan, none),
			row(id(39), name("TryAcquire(1000) refused, full / Pick(1000)"), tryFull(s), pick, none),
		)
	}
	for i, b := range []struct {
		name     string
		load     load
		counters int
	}{
		{"buckets", buckets, 2}, {"minutes with a phase", phased, 2}, {"requests per 10 s too", parts, 1}, {"days too", days, 2}, {"minutes that end apart", apart, 2},
	} {
		is, floor := Acquire(even, 10, b.load, 1), letter("48f", i)
		goal := most(1.5)
		if b.load == apart {
			goal = most(2) // every window has a number of its own, for which the floor reads no second word
		}
		old := row(letter("48", i), b.name+" / minute cells, TryAcquire+Settle(10)", is, Acquire(even, 10, tied, 1), most(1.5))
		old.Floor = floor
		rows = append(rows, old, row(floor, b.name+" / minute cells and the least of its counters, TryAcquire+Settle(10)",
			is, leastBeside(10, b.counters, b.load == apart), goal))
	}
	return append(rows,
		row("40a", "output unnamed / named, TryAcquire+Settle(10)", Acquire(even, 10, unnamed, 1), Acquire(even, 10, random, 1), none),
		row("40b", "output unnamed / named, TryAcquire+Settle(1000)", Acquire(even, 1000, unnamed, 1), Acquire(even, 1000, random, 1), none),
		row("41a", "in-flight limit / none, TryAcquire+Settle(10)", Acquire(even, 10, inFlight, 1), Acquire(even, 10, random, 1), none),
		row("41b", "in-flight limit / none, TryAcquire+Settle(1000)", Acquire(even, 1000, inFlight, 1), Acquire(even, 1000, random, 1), none),
		row("42", "Pick(10) by name / by handle", pickByName(even, 10), Pick(even, 10, 1), none),
		row("43a", "PowerOfTwo Pick(1000) / Pick(1000)", Pick(p2c, many, 1), Pick(lowest, many, 1), none),
		row("43b", "Weighted Pick(1000) / Pick(1000)", Pick(weight, many, 1), Pick(lowest, many, 1), none),
	)
}
