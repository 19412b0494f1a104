package bench

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/bench/table"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// The strategies that are measured.
const (
	Lowest = engine.LowestTPM
	lowest = Lowest
	even   = engine.LeastUtilized
	p2c    = engine.PowerOfTwo
	weight = engine.Weighted
)

// Plan returns the rows and checks that need nothing but the engine. Rows
// 14 to 18 compare it with other libraries and 19 with a round trip to a store;
// they live in bench/peers. Row 1, that nothing allocates, is a test of package
// engine.
func Plan() table.Plan {
	return table.Plan{
		Rows:   append(goals(), append(twoCores(), append(further(), shared()...)...)...),
		Extra:  []measure.Case{timeNow, randomNumber, mapLoad(16), mapLoad(1000)},
		Checks: checks(),
	}
}

// Floor returns the ID of the row that compares calls by name, of so many keys, with
// the least they can cost. It decides in place of rows that a peer's speed decides too.
func Floor(keys int) string { return fmt.Sprintf("5f.%d", keys) }

// byFloor lets both calls by name together decide in place of one of them: how much of a single
// look-up a processor does ahead, while it waits for the update before, differs between processors.
func byFloor(r table.Row) table.Row {
	r.Floor = Floor(1)
	return r
}

func row(id, name string, of, by measure.Case, goal table.Goal) table.Row {
	return table.Row{ID: id, Name: name, Of: of, By: by, Goal: goal}
}

func goals() []table.Row {
	most, least := table.AtMost, table.AtLeast
	rows := []table.Row{
		row("2", "Ref.Record / atomic add", refRecord, atomicAdd, most(2.2)),
		row("3", "Ref.PreCheck / atomic add", refPreCheck, atomicAdd, most(3.2)),
		byFloor(row("4", "PreCheck by name / map load + add", preCheck(16), mapAdd(16), most(1.8))),
		byFloor(row("5", "Record by name / map load + add", record(16), mapAdd(16), most(1.6))),
		row("6", "Pick(10) / plain loop over 10", Pick(lowest, 10, 1), loop(10), most(6)),
		row("7", "Pick(100) / plain loop over 100", Pick(lowest, 100, 1), loop(100), most(1.2)),
		row("8", "Pick(1000) / plain loop over 1000", Pick(lowest, 1000, 1), loop(1000), most(0.35)),
		row("9a", "Pick(100) / Pick(10)", Pick(lowest, 100, 1), Pick(lowest, 10, 1), most(3)),
		row("9b", "Pick(1000) / Pick(10)", Pick(lowest, 1000, 1), Pick(lowest, 10, 1), most(5)),
	}
	for _, keys := range []int{1, 1000} {
		rows = append(rows, row(Floor(keys), fmt.Sprintf("PreCheck + Record by name / twice map load + add, %d keys", keys),
			PreCheckAndRecord(keys, 1), mapAddTwice(keys), most(1.7)))
	}
	for i, l := range []load{random, tied, refund} {
		rows = append(rows, row(letter("10", i), fmt.Sprintf("TryAcquire+Settle(1000) / (10), %s", l),
			Acquire(lowest, 1000, l, 1), Acquire(lowest, 10, l, 1), most(7)))
	}
	for i, l := range []load{random, tied} {
		rows = append(rows, row(letter("11", i), fmt.Sprintf("PowerOfTwo TryAcquire+Settle(1000) / (10), %s", l),
			Acquire(p2c, 1000, l, 1), Acquire(p2c, 10, l, 1), most(1.3)))
	}
	for i, l := range []load{random, refund} {
		rows = append(rows, row(letter("12", i), fmt.Sprintf("TryAcquire+Settle(10) / Pick(10), %s", l),
			Acquire(lowest, 10, l, 1), Pick(lowest, 10, 1), most(2.5)))
	}
	rows = append(rows,
		row("13a", "naive Pick(10) / Pick(10)", naivePick(10), Pick(lowest, 10, 1), least(5)),
		row("13b", "naive Pick(1000) / Pick(1000)", naivePick(1000), Pick(lowest, 1000, 1), least(100)))
	for i, s := range []engine.Strategy{lowest, even} {
		rows = append(rows,
			row(letter("23", 2*i), fmt.Sprintf("%s: Pick(1000) refused, full / Pick(1000)", s), pickFull(s), Pick(s, 1000, 1), most(3)),
			row(letter("23", 2*i+1), fmt.Sprintf("%s: refused, room for 50 tokens each / Pick(1000)", s), pickTight(s), Pick(s, 1000, 1), most(6)))
	}
	return rows
}

// twoCores returns what two threads do together that one does alone: how many
// times as much. They are printed only.
func twoCores() []table.Row {
	least := table.AtLeast
	rows := []table.Row{
		row("20a", "two cores, Pick(10)", Pick(lowest, 10, 1), Pick(lowest, 10, 2), least(1.7)),
		row("20b", "two cores, Pick(1000)", Pick(lowest, 1000, 1), Pick(lowest, 1000, 2), least(1.7)),
		row("20c", "two cores, PreCheck + Record over 1000 names", PreCheckAndRecord(1000, 1), PreCheckAndRecord(1000, 2), least(1.4)),
	}
	for i, size := range []int{10, 1000} {
		rows = append(rows, row(letter("21", i), fmt.Sprintf("two cores, 1 us of work + TryAcquire + Settle(%d)", size),
			busyAcquire(size, 1), busyAcquire(size, 2), least(1.5)))
	}
	for i, size := range []int{10, 100, 1000} {
		rows = append(rows, row(letter("22", i), fmt.Sprintf("two cores, TryAcquire + Settle(%d) without pause", size),
			Acquire(lowest, size, tied, 1), Acquire(lowest, size, tied, 2), least(0.3)))
	}
	for i := range rows {
		rows[i].Loose = true
	}
	return rows
}

// letter returns the i-th part of a row.
func letter(id string, i int) string { return id + string(rune('a'+i)) }
