package main

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/bench"
	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/bench/table"
)

// rows compares one decision by key with ours, which is PreCheck and Record by
// name: two limits checked and counted, where a limiter has one.
func rows() []table.Row {
	var all []table.Row
	for _, p := range []struct {
		id, name string
		of       func(keys int) measure.Case
		goal     float64
	}{
		{"14", "x/time/rate Allow", timeRate, 3},
		{"15", "go-limiter Take", goLimiter, 2},
		{"16", "failsafe-go smooth", failsafe, 1.5},
		{"17a", "throttled GCRA", throttledGCRA, 6},
		{"17b", "ulule/limiter Get", ulule, 6},
		{"18a", "gateway check-and-reserve", reserve, 6},
	} {
		for _, keys := range []int{1, 1000} {
			all = append(all, table.Row{
				ID:   fmt.Sprintf("%s.%d", p.id, keys),
				Name: fmt.Sprintf("%s / PreCheck + Record by name, %d keys", p.name, keys),
				Of:   p.of(keys), By: bench.PreCheckAndRecord(keys, 1), Goal: table.AtLeast(p.goal), Floor: bench.Floor(keys),
			})
		}
	}
	return append(all, table.Row{
		ID: "18b", Name: "gateway weighted key selection of 1000 / Pick(1000)",
		Of: selection(1000), By: bench.Pick(bench.Lowest, 1000, 1), Goal: table.AtLeast(300),
	})
}

// decide is a case in which each call asks about the next of so many keys. Every call
// is allowed, because the limits are never reached.
func decide(name string, keys int, setup func(ids []string) func(id string) bool) measure.Case {
	return measure.Case{Name: fmt.Sprintf("%s, %d keys", name, keys), Setup: func() measure.Op {
		ids := make([]string, keys)
		for i := range ids {
			ids[i] = fmt.Sprintf("deployment-%025d", i)
		}
		allow := setup(ids)
		return func(_, n int) {
			i := 0
			for range n {
				if !allow(ids[i]) {
					panic(name + ": refused")
				}
				if i++; i == keys {
					i = 0
				}
			}
		}
	}}
}
