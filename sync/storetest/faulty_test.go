package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func one(seq uint64) syncer.Batch {
	return syncer.Batch{Node: "n", Seq: seq, Deltas: []window.Tally{{ID: "a", Requests: 1}}}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name    string
		plan    storetest.Plan
		down    bool
		err     error
		arrived int64 // right after the exchange
		later   int64 // after more exchanges
	}{
		{"none", storetest.Plan{}, false, nil, 1, 1},
		{"request lost", storetest.Plan{LoseRequest: 1}, false, storetest.ErrLost, 0, 0},
		{"reply lost", storetest.Plan{LoseReply: 1}, false, storetest.ErrLost, 1, 1},
		{"reply lost in silence", storetest.Plan{LoseReply: 1, Hang: 1}, false, context.DeadlineExceeded, 1, 1},
		{"twice", storetest.Plan{Repeat: 1}, false, nil, 1, 1},
		{"late", storetest.Plan{Late: 1}, false, storetest.ErrLost, 0, 1},
		{"late in silence", storetest.Plan{Late: 1, Hang: 1}, false, context.DeadlineExceeded, 0, 1},
		{"slow", storetest.Plan{MinDelay: 50 * time.Millisecond, MaxDelay: 90 * time.Millisecond}, false, nil, 1, 1},
		{"too slow for the request", storetest.Plan{MinDelay: time.Second}, false, context.DeadlineExceeded, 0, 0},
		{"too slow for the reply", storetest.Plan{MinDelay: 150 * time.Millisecond}, false, context.DeadlineExceeded, 1, 1},
		{"down", storetest.Plan{}, true, storetest.ErrLost, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{FixedNames: true})
				way := storetest.NewFaulty(store, 1, test.plan)
				way.SetDown(test.down)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				err := way.Exchange(ctx, one(1), &syncer.Reply{})
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.arrived, store.Total("a", 0).Requests)
				way.SetPlan(storetest.Plan{})
				way.SetDown(false)
				for range 20 {
					require.NoError(t, way.Exchange(t.Context(), syncer.Batch{Node: "other", Seq: 1}, &syncer.Reply{}))
				}
				require.Equal(t, test.later, store.Total("a", 0).Requests)
			})
		})
	}
}

// TestFaultsRepeat: the same seed and calls meet the same faults.
func TestFaultsRepeat(t *testing.T) {
	play := func(seed uint64) (outcome string) {
		way := storetest.NewFaulty(memstore.New(memstore.Config{FixedNames: true}), seed, storetest.Plan{LoseRequest: 0.3, LoseReply: 0.3, Late: 0.2})
		for i := range uint64(200) {
			var r syncer.Reply
			err := way.Exchange(t.Context(), one(i/2+1), &r)
			outcome += fmt.Sprint(err == nil, r.Duplicate, r.Totals, " ")
		}
		return outcome
	}
	require.Equal(t, play(1), play(1))
	require.NotEqual(t, play(1), play(2))
}

func TestForget(t *testing.T) {
	store := memstore.New(memstore.Config{FixedNames: true})
	way := storetest.NewFaulty(store, 1, storetest.Plan{Late: 1})
	require.Error(t, way.Exchange(t.Context(), one(1), &syncer.Reply{}))
	way.Forget()
	way.SetPlan(storetest.Plan{})
	for i := range uint64(20) {
		require.NoError(t, way.Exchange(t.Context(), syncer.Batch{Node: "n", Seq: i + 2}, &syncer.Reply{}))
	}
	require.Zero(t, store.Total("a", 0).Requests)
}

// A reply is lost, the batch is sent again, and counts once.
func ExampleNewFaulty() {
	ctx := context.Background()
	store := memstore.New(memstore.Config{FixedNames: true})
	way := storetest.NewFaulty(store, 1, storetest.Plan{LoseReply: 1})
	b := syncer.Batch{Node: "n", Seq: 1, Deltas: []window.Tally{{ID: "gpt-a", Requests: 1}}}
	var r syncer.Reply
	fmt.Println(errors.Is(way.Exchange(ctx, b, &r), storetest.ErrLost))

	way.SetPlan(storetest.Plan{})
	fmt.Println(way.Exchange(ctx, b, &r), r.Duplicate, store.Total("gpt-a", 0).Requests)
	// Output:
	// true
	// <nil> true 1
}

func ExampleFaulty_SetDown() {
	way := storetest.NewFaulty(memstore.New(memstore.Config{FixedNames: true}), 1, storetest.Plan{})
	way.SetDown(true)
	fmt.Println(way.Exchange(context.Background(), syncer.Batch{Node: "n", Seq: 1}, &syncer.Reply{}))
	// Output: storetest: connection lost
}

// A store's own tests run the contract.
func ExampleRun() {
	_ = func(t *testing.T) { // TestStore
		storetest.Run(t, func(*testing.T) syncer.Store { return memstore.New(memstore.Config{FixedNames: true}) })
	}
	fmt.Println("go test")
	// Output: go test
}

// A restart of the store drops what is in the network.
func ExampleFaulty_Forget() {
	way := storetest.NewFaulty(memstore.New(memstore.Config{Buckets: 4}), 1, storetest.Plan{Late: 1})
	b := syncer.Batch{Node: "n", Seq: 1, Bucket: way.Bucket("gpt-a")}
	fmt.Println(way.Exchange(context.Background(), b, &syncer.Reply{}))
	way.Forget()
	// Output: storetest: connection lost
}
