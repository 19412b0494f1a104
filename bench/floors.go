package bench

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// sink receives results, so that the compiler does not remove the operations.
var sink atomic.Int64

// atomicAdd is the unit of comparison: the least cost of a shared count.
var atomicAdd = measure.Case{Name: "atomic add", Setup: func() measure.Op {
	var v atomic.Int64
	return func(_, n int) {
		for range n {
			v.Add(1)
		}
	}
}}

// counters returns a map of that many counters, and its keys.
func counters(keys int) (*xsync.MapOf[string, *atomic.Int64], []string) {
	m := xsync.NewMapOf[string, *atomic.Int64]()
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = deploymentID(i)
		m.Store(ids[i], new(atomic.Int64))
	}
	return m, ids
}

func mapLoad(keys int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("map load, %d keys", keys), Setup: func() measure.Op {
		m, ids := counters(keys)
		return func(_, n int) {
			i := 0
			for range n {
				if v, ok := m.Load(ids[i]); !ok || v == nil {
					panic("lost")
				}
				if i++; i == keys {
					i = 0
				}
			}
		}
	}}
}

// mapAdd is the least cost of a count by name.
func mapAdd(keys int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("map load + add, %d keys", keys), Setup: func() measure.Op {
		m, ids := counters(keys)
		return func(_, n int) {
			i := 0
			for range n {
				v, _ := m.Load(ids[i])
				v.Add(1)
				if i++; i == keys {
					i = 0
				}
			}
		}
	}}
}

// mapAddTwice is the least cost of a check and a count by name, which are two calls.
func mapAddTwice(keys int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("twice map load + add, %d keys", keys), Setup: func() measure.Op {
		m, ids := counters(keys)
		return func(_, n int) {
			i := 0
			for range n {
				for range 2 {
					v, _ := m.Load(ids[i])
					v.Add(1)
				}
				if i++; i == keys {
					i = 0
				}
			}
		}
	}}
}

// loop finds the smallest of size numbers by a scan. Each search depends on the result
// of the last one. Otherwise the CPU would overlap several short searches, and how
// many would differ between builds.
func loop(size int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("plain loop %d", size), Setup: func() measure.Op {
		used := randomUsage(size)
		return func(_, n int) {
			var last int64
			for range n {
				last = smallest(used, last>>62)
			}
			sink.Store(last)
		}
	}}
}

// smallest returns the smallest number in vs plus from.
func smallest(vs []int64, from int64) int64 {
	least := vs[0] + from
	for _, v := range vs {
		least = min(least, v)
	}
	return least
}

var timeNow = measure.Case{Name: "time.Now", Setup: func() measure.Op {
	return func(_, n int) {
		var t time.Time
		for range n {
			t = time.Now()
		}
		sink.Store(int64(t.Nanosecond()))
	}
}}

var randomNumber = measure.Case{Name: "rand/v2 Uint64", Setup: func() measure.Op {
	return func(_, n int) {
		var x uint64
		for range n {
			x ^= rand.Uint64()
		}
		sink.Store(int64(x))
	}
}}
