package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// slowStore applies every batch a delay after it was sent, whether its sender still waits
// or not, as a network and a busy server do. It loses as many replies as lose says.
type slowStore struct {
	syncer.Store
	delay atomic.Int64 // nanoseconds, from request to reply
	lose  atomic.Int64 // so many replies
}

func (s *slowStore) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	delay := time.Duration(s.delay.Load())
	b.Deltas, b.Reads = slices.Clone(b.Deltas), slices.Clone(b.Reads)
	b.Counts, b.Held = slices.Clone(b.Counts), slices.Clone(b.Held)
	type answer struct {
		reply syncer.Reply
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		time.Sleep(delay)
		var a answer
		a.err = s.Store.Exchange(context.WithoutCancel(ctx), b, &a.reply)
		answered <- a
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case a := <-answered:
		if s.lose.Add(-1) >= 0 {
			return errors.New("reply lost")
		}
		*r = a.reply
		return a.err
	}
}

// TestEscrowLeaveSlowly: however slow the last exchange is, the counters hold what was used
// and at most what the node reports as stranded, and when it reports success exactly what
// was used. Later exchanges return the rest.
func TestEscrowLeaveSlowly(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, test := range []struct {
		delay time.Duration
		lose  int64
		ok    bool
	}{
		{ms(2), 0, true},
		{ms(2), 1, true},
		{ms(2), 3, true},
		{ms(40), 1, true},
		{ms(100), 0, false},
		{ms(300), 0, false},
		{ms(700), 0, false},
		{ms(700), 2, false},
		{ms(3000), 0, false},
	} {
		for underWay := range 2 {
			t.Run(fmt.Sprintf("%v, %d replies lost, exchange under way %d", test.delay, test.lose, underWay), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := memstore.New(memstore.Config{})
					way := &slowStore{Store: store}
					way.delay.Store(int64(ms(2)))
					n := newNode(t, way, engine.Limits{RPM: 6000}, syncer.Config{Mode: syncer.Escrow})
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error)
					go func() { done <- n.s.Run(ctx) }()
					rollover()
					used := take(n, 500)
					require.NotZero(t, used)
					way.delay.Store(int64(test.delay))
					way.lose.Store(test.lose)
					if underWay == 1 {
						time.Sleep(ms(120))
						used += take(n, 20) // the exchange under way has something to add
					}
					require.Greater(t, total(store, "a", minute()).Requests, int64(400))
					began := time.Now()
					cancel()
					err := <-done
					require.LessOrEqual(t, time.Since(began), ms(500))
					time.Sleep(ms(4000)) // what is on the way arrives
					over := total(store, "a", minute()).Requests - int64(used)
					require.GreaterOrEqual(t, over, int64(0), "used is committed")
					require.LessOrEqual(t, over, n.s.Stats().Stranded.Requests)
					if test.ok {
						require.NoError(t, err)
					}
					if err == nil {
						require.Zero(t, over)
					} else if over > 0 {
						require.ErrorContains(t, err, "stay reserved")
					}
					if test.delay > time.Second {
						way.delay.Store(int64(ms(2))) // no exchange waits that long
					}
					for range 20 {
						if err = n.s.Sync(t.Context()); n.s.Stats().Stranded == (syncer.Count{}) {
							break
						}
						time.Sleep(ms(50))
					}
					require.Zero(t, n.s.Stats().Stranded, err)
					require.EqualValues(t, used, total(store, "a", minute()).Requests)
					time.Sleep(ms(4000)) // copies arrive, and change nothing
					require.EqualValues(t, used, total(store, "a", minute()).Requests)
				})
			})
		}
	}
}

// TestEscrowRunsAgain: a syncer whose Run has ended reserves again when it runs again.
func TestEscrowRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, memstore.New(memstore.Config{}), engine.Limits{RPM: 600}, syncer.Config{Mode: syncer.Escrow})
		stop := run(t, n)
		rollover()
		require.Equal(t, 100, take(n, 100))
		stop()
		stop = run(t, n)
		time.Sleep(time.Second)
		require.Equal(t, 100, take(n, 100))
		stop()
	})
}
