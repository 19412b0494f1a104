package bench

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
)

var (
	hundred = engine.Demand{InputTokens: 60, OutputTokens: 40}
	cost    = engine.Usage{InputTokens: 60, OutputTokens: 40}
)

var refRecord = measure.Case{Name: "Ref.Record", Setup: func() measure.Op {
	r := newPool(even, 10, nil).refs[3]
	return func(_, n int) {
		for range n {
			r.Record(cost)
		}
	}
}}

var refPreCheck = measure.Case{Name: "Ref.PreCheck", Setup: func() measure.Op {
	r := newPool(even, 10, nil).refs[3]
	return func(_, n int) {
		for range n {
			if !r.PreCheck(hundred) {
				panic("refused")
			}
		}
	}
}}

func preCheck(keys int) measure.Case {
	return byName("PreCheck by name", keys, 1, func(e *engine.Engine, id string) error {
		return e.PreCheck(id, hundred)
	})
}

func record(keys int) measure.Case {
	return byName("Record by name", keys, 1, func(e *engine.Engine, id string) error {
		return e.Record(id, cost)
	})
}

// PreCheckAndRecord is the case in which the engine admits a request by name and records its
// tokens, on so many deployments in turn. A rate limiter does as much in one call, for one limit
// where the engine checks both of a deployment's.
func PreCheckAndRecord(keys, threads int) measure.Case {
	return byName("PreCheck + Record by name", keys, threads, func(e *engine.Engine, id string) error {
		if err := e.PreCheck(id, hundred); err != nil {
			return err
		}
		return e.Record(id, cost)
	})
}

func byName(name string, keys, threads int, do func(*engine.Engine, string) error) measure.Case {
	name = fmt.Sprintf("%s, %d keys%s", name, keys, onThreads(threads))
	return measure.Case{Name: name, Threads: threads, Setup: func() measure.Op {
		p := newPool(even, keys, nil)
		return func(thread, n int) {
			i := thread * keys / 2
			for range n {
				if err := do(p.engine, p.ids[i]); err != nil {
					panic(err)
				}
				if i++; i == keys {
					i = 0
				}
			}
		}
	}}
}

// onThreads is the end of the name of a case that so many threads run.
func onThreads(threads int) string {
	if threads < 2 {
		return ""
	}
	return fmt.Sprintf(" [%d threads]", threads)
}
