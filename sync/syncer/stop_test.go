package syncer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

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
		synctest.Wait() // the buffer is the syncer's while it runs
		got := out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, `"store away: deciding by policy"`)
		require.Contains(t, got, "connection lost")
		out.Reset()
		way.SetDown(false)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		got = out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, `"store back"`)
		out.Reset()
		for range 20 {
			store.Wipe()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		got = out.String()
		require.Equal(t, 1, strings.Count(got, "\n"), got)
		require.Contains(t, got, "store lost data")
		stop()
	})
}
