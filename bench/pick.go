package bench

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// Pick chooses among so many deployments whose usage differs.
func Pick(s engine.Strategy, size, threads int) measure.Case {
	name := fmt.Sprintf("Pick %s %d%s", s, size, onThreads(threads))
	return picking(name, threads, func() pool { return randomPool(s, size) }, plain)
}

// plain is the demand of most cases.
func plain(pool) engine.Demand { return hundred }

// picking times Pick on a pool, with a demand that may name its deployments.
func picking(name string, threads int, build func() pool, demand func(pool) engine.Demand) measure.Case {
	return measure.Case{Name: name, Threads: threads, Setup: func() measure.Op {
		p := build()
		d := demand(p)
		return func(_, n int) {
			for range n {
				if _, ok := p.group.Pick(d); !ok {
					panic(name + ": refused")
				}
			}
		}
	}}
}

// refusing is picking where there is no headroom.
func refusing(name string, build func() pool, demand engine.Demand) measure.Case {
	return measure.Case{Name: name, Setup: func() measure.Op {
		p := build()
		return func(_, n int) {
			for range n {
				if _, ok := p.group.Pick(demand); ok {
					panic(name + ": not refused")
				}
			}
		}
	}}
}

// tryRefusing is refusing for TryAcquire.
func tryRefusing(name string, build func() pool, demand engine.Demand) measure.Case {
	return measure.Case{Name: name, Setup: func() measure.Op {
		p := build()
		return func(_, n int) {
			for range n {
				if l, ok := p.group.TryAcquire(demand); ok {
					l.Release()
					panic(name + ": not refused")
				}
			}
		}
	}}
}

// pickByName is Pick for callers that keep no handle.
func pickByName(s engine.Strategy, size int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("Pick by name %s %d", s, size), Setup: func() measure.Op {
		p := randomPool(s, size)
		return func(_, n int) {
			for range n {
				if _, err := p.engine.Pick("group", hundred); err != nil {
					panic(err)
				}
			}
		}
	}}
}
