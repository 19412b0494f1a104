package syncer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// spy notes what passes to a store.
type spy struct {
	syncer.Store
	mu      sync.Mutex
	batches []syncer.Batch
	flying  int
	most    int // at once
}

func (s *spy) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	s.mu.Lock()
	s.batches = append(s.batches, b)
	s.flying++
	s.most = max(s.most, s.flying)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flying--
	}()
	return s.Store.Exchange(ctx, b, r)
}

// take returns the batches since the last take.
func (s *spy) take() []syncer.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.batches
	s.batches = nil
	return b
}

func TestIntervals(t *testing.T) {
	tests := []struct {
		name      string
		delay     time.Duration
		low, high int // batches in 10 s of load
	}{
		{"fast", 0, 95, 105},
		{"at half the interval", 50 * time.Millisecond, 90, 105},
		{"slow", 200 * time.Millisecond, 23, 30},
		{"too slow", 450 * time.Millisecond, 9, 14},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{MinDelay: test.delay})
				store := &spy{Store: way}
				n := newNode(t, store, unlimited, syncer.Config{Timeout: time.Second})
				stop := run(t, n)
				load := func() {
					for range 1000 {
						n.use("a", 1, 0)
						time.Sleep(10 * time.Millisecond)
					}
				}
				load() // until it has learned how slow the store is
				store.take()
				load()
				got := len(store.take())
				require.GreaterOrEqual(t, got, test.low)
				require.LessOrEqual(t, got, test.high)
				require.Equal(t, 1, store.most, "batches under way")
				require.LessOrEqual(t, n.s.Stats().Interval, time.Second)
				way.SetPlan(storetest.Plan{})
				time.Sleep(time.Second)
				stop()
			})
		})
	}
}

// TestResendsAreIdentical: until it is resolved a batch goes out again as it is,
// and what is used meanwhile waits for the next.
func TestResendsAreIdentical(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{})
		store := &spy{Store: way}
		n := newNode(t, store, unlimited, syncer.Config{})
		n.sync() // it meets the store
		last := store.take()
		before := last[len(last)-1].Seq
		way.SetPlan(storetest.Plan{LoseReply: 1})
		for range 5 {
			n.use("a", 1, 10)
			require.Error(t, n.s.Sync(t.Context()))
		}
		batches := store.take()
		require.Len(t, batches, 5)
		for _, b := range batches {
			require.Equal(t, batches[0], b)
		}
		way.SetPlan(storetest.Plan{})
		n.sync()
		batches = store.take()
		require.Equal(t, before+2, batches[1].Seq)
		require.Equal(t, []window.Tally{{ID: "a", Start: minute(), Requests: 4, Tokens: 40}}, batches[1].Deltas, "coalesced")
	})
}

func TestManyDeployments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 1200 {
			ids = append(ids, fmt.Sprint(i))
		}
		store := &spy{Store: memstore.New(memstore.Config{})}
		n := newNode(t, store, unlimited, syncer.Config{}, ids...)
		for _, id := range ids {
			n.use(id, 1, 1)
		}
		n.sync()
		seen := map[string]int{}
		for _, b := range store.take() {
			require.LessOrEqual(t, len(b.Deltas)+len(b.Reads), 250)
			for _, d := range b.Deltas {
				seen[d.ID]++
			}
		}
		require.Len(t, seen, 1200)
	})
}

// TestTooLate: what could not be reported for two minutes is dropped and counted,
// and nothing remains of it.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		way.SetDown(true)
		n := newNode(t, way, unlimited, syncer.Config{})
		stop := run(t, n)
		n.use("a", 2, 20)
		time.Sleep(200 * time.Millisecond) // in doubt from now on
		n.use("a", 3, 30)
		time.Sleep(3 * time.Minute)
		n.use("a", 1, 10)
		way.SetDown(false)
		time.Sleep(2 * time.Second)
		s := n.s.Stats()
		require.Equal(t, syncer.Count{Requests: 5, Tokens: 50}, s.Dropped)
		require.Equal(t, syncer.Count{Requests: 1, Tokens: 10}, total(store, "a", minute()))
		require.LessOrEqual(t, s.Keys, 4, "the windows that count, and the next")
		time.Sleep(time.Hour)
		require.LessOrEqual(t, n.s.Stats().Keys, 3)
		time.Sleep(5 * time.Minute)
		require.Zero(t, n.s.Stats().Keys, "forgotten when no request asked for it in an hour")
		stop()
	})
}

// TestPaused: a node that stood still for minutes has dropped nothing that was reported,
// and counts what was not.
func TestPaused(t *testing.T) {
	for pause := 100 * time.Second; pause < 200*time.Second; pause += 7 * time.Second {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New(memstore.Config{})
			n := newNode(t, store, engine.Limits{RPM: 600}, syncer.Config{})
			rollover()
			n.use("a", 10, 100)
			n.sync()
			time.Sleep(pause) // nothing was left to report
			for range 3 {
				n.sync()
				time.Sleep(100 * time.Millisecond)
			}
			require.Zero(t, n.s.Stats().Dropped, pause)

			n.use("a", 3, 30)
			time.Sleep(300 * time.Second) // this was never reported
			n.sync()
			require.Equal(t, syncer.Count{Requests: 3, Tokens: 30}, n.s.Stats().Dropped, pause)
			n.sync()
			require.Equal(t, syncer.Count{Requests: 3, Tokens: 30}, n.s.Stats().Dropped, "once")
		})
	}
}

// TestReadsFollowUse: of many deployments that are asked for, a round carries those
// that are used, and the others in turn.
func TestReadsFollowUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 2000 {
			ids = append(ids, fmt.Sprint("d", i))
		}
		seen := &spy{Store: memstore.New(memstore.Config{})}
		n := newNode(t, seen, engine.Limits{RPM: 1000}, syncer.Config{}, ids...)
		stop := run(t, n)
		carried := func(d time.Duration) (tallies int) {
			seen.take()
			for range d / (50 * time.Millisecond) {
				n.use("d7", 1, 10) // which asks for the group
				_, _ = n.e.Pick("chat", engine.Demand{})
				time.Sleep(50 * time.Millisecond)
			}
			for _, b := range seen.take() {
				tallies += len(b.Deltas) + len(b.Reads)
			}
			return tallies
		}
		carried(10 * time.Second)
		got := carried(20 * time.Second)
		require.Less(t, got, 2000*4+400, "each once in 8 s, and one in each round")
		require.Greater(t, got, 2000*2)
		stop()
	})
}
