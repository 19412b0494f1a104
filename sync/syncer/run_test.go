package syncer_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
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

func TestConfig(t *testing.T) {
	tests := []struct {
		name  string
		cfg   syncer.Config
		wants []string // fields; none = valid
	}{
		{"zero", syncer.Config{}, nil},
		{"everything", syncer.Config{
			Node: "host-1.example_a:2", Interval: 10 * time.Millisecond, Timeout: time.Second, Nodes: 3,
			Away: syncer.Policies{Requests: syncer.Closed, Tokens: syncer.Open},
		}, nil},
		{"node", syncer.Config{Node: "a b"}, []string{"Node"}},
		{"long node", syncer.Config{Node: strings.Repeat("a", 129)}, []string{"Node"}},
		{"interval", syncer.Config{Interval: time.Millisecond}, []string{"Interval"}},
		{"negative", syncer.Config{Interval: -1, Timeout: -1, Nodes: -1}, []string{"Interval", "Timeout", "Nodes"}},
		{"long", syncer.Config{Interval: time.Minute, Timeout: time.Minute}, []string{"Interval", "Timeout"}},
		{"policies", syncer.Config{Away: syncer.Policies{Requests: 3, Tokens: 200}}, []string{"Away.Requests", "Away.Tokens"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.cfg.Validate()
			_, newErr := syncer.New(nil, memstore.New(memstore.Config{}), test.cfg)
			if test.wants == nil {
				require.NoError(t, err)
				require.NoError(t, newErr)
				return
			}
			require.Equal(t, err, newErr)
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.wants))
			for _, field := range test.wants {
				require.ErrorContains(t, err, "Config."+field+": ")
			}
		})
	}
}

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
		way := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{LoseReply: 1})
		store := &spy{Store: way}
		n := newNode(t, store, unlimited, syncer.Config{})
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
		require.Equal(t, uint64(2), batches[1].Seq)
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

// TestIdleNodeLearns: a node that nobody asks knows within a second or so what
// the others have used, and reads no more often than that.
func TestIdleNodeLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		busy := newNode(t, store, unlimited, syncer.Config{})
		seen := &spy{Store: store}
		idle := newNode(t, seen, unlimited, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
		stop := run(t, busy, idle)
		for range 200 { // over two minutes
			busy.use("a", 1, 10)
			before := total(store, "a", minute())
			time.Sleep(1100 * time.Millisecond)
			if time.Now().Unix()%60 > 1 {
				require.GreaterOrEqual(t, idle.others("a").Requests, before.Requests)
			}
		}
		require.Less(t, len(seen.take()), 350)
		require.Equal(t, 2, idle.s.Stats().Nodes)
		stop()
	})
}

// TestJoin: a node that joins in mid-minute knows at once what is left.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		first := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{})
		time.Sleep(30 * time.Second)
		require.Equal(t, 60, first.use("a", 60, 0))
		first.sync()
		second := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
		second.sync()
		require.Equal(t, 40, second.use("a", 100, 0))
		for range 50 { // many at once
			n := newNode(t, store, engine.Limits{RPM: 100}, syncer.Config{Deployments: func(dst []string) []string { return append(dst, "a") }})
			second.sync()
			n.sync()
			require.Zero(t, n.use("a", 1, 0))
		}
	})
}

// TestRollover: what a minute's last requests used goes to that minute's key,
// whenever it is told.
func TestRollover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		n := newNode(t, way, unlimited, syncer.Config{})
		old := minute()
		time.Sleep(59*time.Second + 950*time.Millisecond)
		stop := run(t, n)
		n.use("a", 7, 70)
		time.Sleep(60 * time.Millisecond)
		n.use("a", 5, 50)
		way.SetDown(true)
		time.Sleep(50 * time.Second)
		n.use("a", 1, 1)
		way.SetDown(false)
		time.Sleep(2 * time.Second)
		require.Equal(t, syncer.Count{Requests: 7, Tokens: 70}, total(store, "a", old))
		require.Equal(t, syncer.Count{Requests: 6, Tokens: 51}, total(store, "a", old+60))
		stop()
	})
}

// TestTooLate: what could not be told for two minutes is dropped and counted,
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
		require.Zero(t, n.s.Stats().Keys, "forgotten when nobody asked for it in an hour")
		stop()
	})
}

func TestStop(t *testing.T) {
	tests := []struct {
		name string
		plan storetest.Plan
		down bool
		ok   bool
		most time.Duration
	}{
		{name: "store up", ok: true},
		{name: "slow store", plan: storetest.Plan{MinDelay: 40 * time.Millisecond}, ok: true, most: 200 * time.Millisecond},
		{name: "store away", down: true, most: 500 * time.Millisecond},
		{name: "store hangs", plan: storetest.Plan{LoseRequest: 1, Hang: 1}, most: 500 * time.Millisecond},
		{name: "replies get lost", plan: storetest.Plan{LoseReply: 0.5}, ok: true, most: 500 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				way := storetest.NewFaulty(store, 5, storetest.Plan{})
				n := newNode(t, way, unlimited, syncer.Config{})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- n.s.Run(ctx) }()
				time.Sleep(time.Second)
				way.SetPlan(test.plan)
				way.SetDown(test.down)
				time.Sleep(120 * time.Millisecond) // an exchange may be under way
				n.use("a", 3, 30)
				began := time.Now()
				cancel()
				err := <-done
				require.LessOrEqual(t, time.Since(began), test.most)
				require.Equal(t, test.ok, err == nil, err)
				if test.ok {
					require.Equal(t, int64(3), store.Total("a", minute()).Requests)
				}
			}) // which fails if a goroutine is left
		})
	}
}

func TestRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, memstore.New(memstore.Config{}), unlimited, syncer.Config{})
		stop := run(t, n)
		synctest.Wait()
		require.ErrorContains(t, n.s.Run(t.Context()), "running already")
		stop()
		stop = run(t, n) // and again
		stop()
	})
}

// TestConcurrentUse: Run, Sync and Stats at the same time, under the race
// detector.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{Buckets: 4})
		way := storetest.NewFaulty(store, 1, storetest.Plan{LoseReply: 0.1, MaxDelay: 20 * time.Millisecond})
		n := newNode(t, way, unlimited, syncer.Config{}, "a", "b", "c", "d")
		stop := run(t, n)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for range 100 {
					n.use([]string{"a", "b", "c", "d"}[i], 1, 1)
					_ = n.s.Sync(t.Context())
					n.s.Stats()
				}
			})
		}
		wg.Wait()
		way.SetPlan(storetest.Plan{})
		stop()
		var sum int64
		for _, id := range []string{"a", "b", "c", "d"} {
			for start := minute() - 60; start <= minute(); start += 60 {
				sum += store.Total(id, start).Requests
			}
		}
		require.Equal(t, int64(400), sum)
	})
}

// TestLogs: a line when the store goes and one when it comes back, however long
// that takes.
func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		store := memstore.New(memstore.Config{Buckets: 3})
		way := storetest.NewFaulty(store, 1, storetest.Plan{})
		way.SetDown(true)
		n := newNode(t, way, unlimited, syncer.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}, "a", "b", "c", "d")
		for _, id := range []string{"a", "b", "c", "d"} {
			n.use(id, 1, 1)
		}
		stop := run(t, n)
		time.Sleep(30 * time.Second)
		got := out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, `"store away: deciding by policy"`)
		require.Contains(t, got, "connection lost")
		out.Reset()
		way.SetDown(false)
		time.Sleep(30 * time.Second)
		got = out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, `"store back"`)
		out.Reset()
		for range 20 {
			store.Wipe()
			time.Sleep(time.Second)
		}
		got = out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, "store was emptied")
		stop()
	})
}
