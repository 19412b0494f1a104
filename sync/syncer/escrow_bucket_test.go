package syncer_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

var bucketFor = flag.Duration("escrow.bucket", 2*time.Minute, "for how long demand for a bucket comes")

// TestEscrowBuckets: what nodes admit together of a bucket never fills it beyond its limit,
// and is nearly what one bucket would admit of the same demand.
func TestEscrowBuckets(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits engine.Limits
		limit  int64
		counts func(input, output int64) int64
		pool   string
	}{
		{"requests", engine.Limits{RPM: 600}, 600, requestsOf, ""},
		{"few requests", engine.Limits{RPM: 60}, 60, requestsOf, ""},
		{"tokens", engine.Limits{TPM: 600_000}, 600_000, tokensOf, ""},
		{"a pool's tokens", engine.Limits{TPM: 600_000}, 600_000, tokensOf, "account"},
	} {
		for _, nodes := range []int{2, 10} {
			if raceEnabled && nodes > 2 {
				continue // the same steps, more often
			}
			t.Run(fmt.Sprintf("%s, %d nodes", c.name, nodes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					playBucket(t, profiled(c.limits, provider.Profile{Shape: provider.Bucket, Pool: c.pool}, "a"), c.limit, c.counts, nodes)
				})
			})
		}
	}
}

// charge is a request that came, and when it was admitted; zero if it was not.
type charge struct {
	at, admitted time.Time
	n            int64
}

// playBucket offers twice what a bucket refills by, all the time.
func playBucket(t *testing.T, cfg engine.Config, limit int64, counts func(input, output int64) int64, nodes int) {
	t.Helper()
	r := rand.New(rand.NewPCG(11, uint64(nodes)))
	store := memstore.New(memstore.Config{})
	var all []*node
	for range nodes {
		way := storetest.NewFaulty(store, r.Uint64(), storetest.Plan{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
		all = append(all, newNodeOf(t, way, cfg, syncer.Config{Mode: syncer.Escrow}))
	}
	stop := run(t, all...)
	time.Sleep(3 * time.Second)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var came []charge
	c := kindCase{}
	gap := float64(time.Minute) * float64(counts(550, 220)) / (2 * float64(limit))
	for begun := time.Now(); time.Since(begun) < *bucketFor; time.Sleep(time.Duration(r.ExpFloat64() * gap)) {
		n, input, output := all[r.IntN(nodes)], 100+r.Int64N(900), 40+r.Int64N(360)
		wg.Go(func() {
			x := charge{at: time.Now(), n: counts(input, output)}
			if _, ok := offerKind(n, &c, "chat", input, output); ok {
				x.admitted = time.Now()
			}
			mu.Lock()
			defer mu.Unlock()
			came = append(came, x)
		})
	}
	wg.Wait()
	stop()
	slices.SortFunc(came, func(a, b charge) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	ideal, admitted := bucket{limit: float64(limit)}, int64(0)
	for _, x := range came {
		ideal.take(x.at, x.n)
		if !x.admitted.IsZero() {
			admitted += x.n
		}
	}
	came = slices.DeleteFunc(came, func(x charge) bool { return x.admitted.IsZero() })
	slices.SortFunc(came, func(a, b charge) int { return cmp.Compare(a.admitted.UnixNano(), b.admitted.UnixNano()) })
	shared, highest := bucket{limit: float64(limit)}, 0.0
	for _, x := range came {
		shared.at(x.admitted)
		shared.level += float64(x.n)
		highest = max(highest, shared.level)
	}
	part := float64(admitted) / float64(ideal.taken)
	t.Logf("highest level %.2f %% of the bucket, %.2f %% of what one bucket admits", 100*highest/shared.limit, 100*part)
	require.LessOrEqual(t, highest, shared.limit+1e-6)
	require.Greater(t, part, 0.97) // the bucket begins a slice short of full; over 20 minutes that is little
}

// bucket is a bucket by its definition.
type bucket struct {
	limit, level float64
	last         time.Time
	taken        int64
}

func (b *bucket) at(now time.Time) {
	if !b.last.IsZero() {
		b.level = max(b.level-b.limit/60*now.Sub(b.last).Seconds(), 0)
	}
	b.last = now
}

func (b *bucket) take(now time.Time, n int64) {
	if b.at(now); b.level+float64(n) <= b.limit {
		b.level, b.taken = b.level+float64(n), b.taken+n
	}
}

// TestIdleNodeKnowsTheBucket: a node that uses nothing of a bucket for minutes is granted what
// the other has left of it, all but a slice, as soon as requests come: it goes on to learn what
// slices came to. Without that it would take the bucket for full 60 s ago, and for as full
// ever after, since the other uses what refills.
func TestIdleNodeKnowsTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		cfg := profiled(engine.Limits{RPM: 6}, provider.Profile{Shape: provider.Bucket}, "a")
		busy := newNodeOf(t, store, cfg, syncer.Config{Mode: syncer.Escrow})
		idle := newNodeOf(t, store, cfg, syncer.Config{Mode: syncer.Escrow})
		stop := run(t, busy, idle)
		defer stop()
		time.Sleep(3 * time.Second)
		c := kindCase{}
		_, ok := offerKind(idle, &c, "chat", 1, 1)
		require.True(t, ok)
		for range 15 {
			time.Sleep(10_500 * time.Millisecond)
			_, ok := offerKind(busy, &c, "chat", 1, 1)
			require.True(t, ok)
		}
		admitted := 0
		for range 6 {
			if _, ok := offerKind(idle, &c, "chat", 1, 1); ok {
				admitted++
			}
		}
		require.GreaterOrEqual(t, admitted, 4)
	})
}

// TestIdleNodeHoldsNothing: a minute after its last request a node reserves no request of the
// slices to come.
func TestIdleNodeHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodeOf(t, memstore.New(memstore.Config{}), profiled(engine.Limits{RPM: 60}, provider.Profile{Shape: provider.Bucket}, "a"), syncer.Config{Mode: syncer.Escrow})
		stop := run(t, n)
		defer stop()
		time.Sleep(3 * time.Second)
		_, ok := offerKind(n, &kindCase{}, "chat", 1, 1)
		require.True(t, ok)
		time.Sleep(65 * time.Second)
		for range 60 {
			time.Sleep(time.Second)
			require.Zero(t, n.s.Stats().Granted)
		}
	})
}
