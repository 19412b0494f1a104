package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
	"github.com/plimsoll-dev/plimsoll/bench/table"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// exchangeEvery is the interval of a synced pool: a fiftieth of the default, so that an
// exchange falls into most quanta.
const exchangeEvery = 2 * time.Millisecond

// synced is a pool with a syncer. A second node uses every deployment all the time, so
// that every exchange changes the totals of all of them.
type synced struct {
	pool
	own, others *syncer.Syncer
	other       pool
	active      atomic.Bool // while it is being measured
}

func newSynced(size int) *synced {
	p := randomPool(lowest, size)
	store := memstore.New(memstore.Config{Now: func() time.Time { return time.Unix(0, slowClock().Read()) }})
	join := func(p pool) *syncer.Syncer {
		return must(syncer.New(p.engine, store, syncer.Config{Clock: slowClock()}))
	}
	s := &synced{pool: p, other: newPool(lowest, len(p.ids), nil)}
	s.own, s.others = join(s.pool), join(s.other)
	for i, used := range randomUsage(len(p.ids)) { // p counts it as the others' usage, and now it is
		s.other.refs[i].Record(engine.Usage{InputTokens: used})
	}
	s.exchange()
	go func() {
		for range time.Tick(exchangeEvery) {
			if s.active.Load() {
				s.exchange()
			}
		}
	}()
	return s
}

func (s *synced) exchange() {
	for _, r := range s.other.refs {
		r.Record(cost)
	}
	for _, node := range []*syncer.Syncer{s.others, s.own} {
		if err := node.Sync(context.Background()); err != nil {
			panic(err)
		}
	}
}

// withSyncer is a case on a pool of its own, whose syncer runs meanwhile.
func withSyncer(name string, size int, op func(pool) func(n int)) measure.Case {
	return measure.Case{Name: name + ", with a syncer", Setup: func() measure.Op {
		s := newSynced(size)
		run := op(s.pool)
		return func(_, n int) {
			s.active.Store(true)
			defer s.active.Store(false)
			run(n)
		}
	}}
}

// shared returns the rows about the cost of a syncer for the requests of its node.
func shared() []table.Row {
	var rows []table.Row
	for i, size := range []int{10, 1000} {
		pick := withSyncer(fmt.Sprintf("Pick %s %d", lowest, size), size, func(p pool) func(n int) {
			return func(n int) {
				for range n {
					if _, ok := p.group.Pick(hundred); !ok {
						panic("refused")
					}
				}
			}
		})
		acquire := withSyncer(fmt.Sprintf("TryAcquire + Settle %s %d", lowest, size), size, func(p pool) func(n int) {
			return random.settle(p.group)
		})
		rows = append(rows,
			row(letter("44", 2*i), fmt.Sprintf("Pick(%d): with a syncer / without", size), pick, Pick(lowest, size, 1), table.AtMost(1.1)),
			row(letter("44", 2*i+1), fmt.Sprintf("TryAcquire+Settle(%d): with a syncer / without", size), acquire, Acquire(lowest, size, random, 1), table.AtMost(1.1)))
	}
	return rows
}
