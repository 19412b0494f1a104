package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// send asks for the epoch, and then sends a batch for it.
func send(s *memstore.Store, b syncer.Batch) (r syncer.Reply) {
	if err := s.Exchange(context.Background(), syncer.Batch{Node: b.Node}, &r); err != nil {
		panic(err)
	}
	b.Epoch = r.Epoch
	if err := s.Exchange(context.Background(), b, &r); err != nil {
		panic(err)
	}
	return r
}

// add sends a batch of one request.
func add(s *memstore.Store, seq uint64) syncer.Reply {
	return send(s, syncer.Batch{Node: "n", Seq: seq, Deltas: []window.Tally{{ID: "gpt-a", Requests: 1}}})
}

func ExampleNew() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	fmt.Println(add(s, 2).Totals[0].Requests)
	fmt.Println(add(s, 2).Duplicate)
	// Output:
	// 2
	// true
}

func ExampleStore_Bucket() {
	fmt.Println(memstore.New(memstore.Config{}).Bucket("gpt-a"))
	// Output: 0
}

func ExampleStore_Total() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	fmt.Println(s.Total("gpt-a", 0).Requests, s.Total("gpt-b", 0).Requests)
	// Output: 1 0
}

func ExampleStore_Size() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	add(s, 2)
	fmt.Println(s.Size())
	// Output: 1 2
}

// A failover to a replica that was behind.
func ExampleStore_Load() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	behind := s.Save()
	add(s, 2)
	s.Load(behind)
	fmt.Println(add(s, 3).PrevMissing)
	// Output: true
}

func ExampleStore_Wipe() {
	s := memstore.New(memstore.Config{})
	before := add(s, 1).Epoch
	s.Wipe()
	after := add(s, 2)
	fmt.Println(after.Totals[0].Requests, after.Epoch == before)
	// Output: 1 false
}

func ExampleStore_Evict() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	s.Evict("gpt-a", 0)
	fmt.Println(s.Total("gpt-a", 0).Requests)
	// Output: 0
}

// DropEpochs simulates a deletion of the key of the current epoch. The counters of
// the next epoch begin at zero.
func ExampleStore_DropEpochs() {
	s := memstore.New(memstore.Config{})
	add(s, 1)
	s.DropEpochs()
	fmt.Println(add(s, 1).Totals[0].Requests)
	// Output: 1
}

func ExampleStore_TotalOf() {
	s := memstore.New(memstore.Config{Now: func() time.Time { return time.Unix(1_795_478_400, 0) }})
	day := window.Tally{ID: "gpt-a", Kind: window.KindDay, Start: 1_795_478_400, Requests: 3}
	send(s, syncer.Batch{Node: "n", Seq: 1, Deltas: []window.Tally{day}})
	fmt.Println(s.TotalOf(window.KindDay, "gpt-a", day.Start).Requests, s.TotalOf(window.KindMinute, "gpt-a", day.Start).Requests)
	// Output: 3 0
}
