package fuzz

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestEveryLeaseIsExactlyOneThing: leases ended in time, late, twice and never,
// by 64 goroutines while minutes pass. Each is held, settled, released or
// expired in the end, and each once.
func TestEveryLeaseIsExactlyOneThing(t *testing.T) {
	each(t, ranked, []int{1, 10, 128}, func(t *testing.T, s engine.Strategy, n int) {
		v := newVirtual()
		e := startTTL(t, v, s, same(n, "g", engine.Limits{MaxInFlight: 1 << 40}), time.Minute)
		g := group(t, e, "g")
		var acquired, settles, releases, never, moves atomic.Int64
		var p pacer
		stop := background(func(int) {
			if p.move(func() { v.add(time.Minute) }) {
				e.Collect(nil)
				moves.Add(1)
			}
		})
		par(workers, func(k int) {
			defer p.done(k)
			random := rand.New(rand.NewPCG(6, uint64(k)))
			pending := make([]*engine.Lease, 0, 64)
			end := func(l *engine.Lease) {
				if random.IntN(2) == 0 {
					l.Settle(engine.Usage{InputTokens: 5})
					settles.Add(1)
				} else {
					l.Release()
					releases.Add(1)
				}
				l.SettleReserved() // once more
				l.Release()
				l.Add(7)
			}
			for round := 0; goesOn(round, scale(2000), &moves, 4); round++ {
				p.round(k)
				l := new(engine.Lease)
				*l, _ = g.TryAcquire(plain(10))
				acquired.Add(1)
				if random.IntN(16) == 0 {
					never.Add(1)
				} else if pending = append(pending, l); len(pending) > 48 {
					j := random.IntN(len(pending))
					end(pending[j])
					pending[j] = pending[len(pending)-1]
					pending = pending[:len(pending)-1]
				}
			}
			for _, l := range pending {
				p.round(k)
				end(l)
			}
		})
		stop()
		stats := e.Stats()
		require.Equal(t, acquired.Load(), stats.Admitted)
		require.Equal(t, acquired.Load(), stats.Held+stats.Settled+stats.Released+stats.Expired)
		require.LessOrEqual(t, stats.Settled, settles.Load())
		require.LessOrEqual(t, stats.Released, releases.Load())
		require.GreaterOrEqual(t, stats.Held+stats.Expired, never.Load())
		require.NotZero(t, stats.Expired, "too little time: no lease expired")

		v.add(5 * time.Minute) // all that is held has expired
		stats = e.Stats()
		require.Zero(t, stats.Held)
		require.Equal(t, acquired.Load(), stats.Settled+stats.Released+stats.Expired)
		for _, st := range e.AppendStates(nil) {
			require.Zero(t, st.Limit(engine.LimitInFlight).Used)
			require.Zero(t, st.Limit(engine.LimitTPM).Held)
		}
	})
}

// TestExpiredLeasesMakeRoom: leases that are not ended free their slots in flight
// after the TTL, and not before; ending them then does not free the slots twice.
func TestExpiredLeasesMakeRoom(t *testing.T) {
	const limit = 100
	v := newVirtual()
	e := start(t, v, engine.LeastUtilized, same(1, "g", engine.Limits{MaxInFlight: limit}))
	g := group(t, e, "g")
	leases := make([]engine.Lease, limit)
	for i := range leases {
		var err error
		leases[i], err = g.Acquire(plain(1))
		require.NoError(t, err)
	}
	for range 14 {
		v.add(time.Minute)
		_, ok := g.TryAcquire(plain(1))
		require.False(t, ok)
	}
	v.add(3 * time.Minute)
	require.Zero(t, e.AppendStates(nil)[0].Limit(engine.LimitInFlight).Used)
	var admitted atomic.Int64
	par(workers, func(k int) {
		for i := k; i < limit; i += workers {
			leases[i].Release() // too late to free capacity
		}
		for range limit {
			if _, ok := g.TryAcquire(plain(1)); ok {
				admitted.Add(1)
			}
		}
	})
	require.EqualValues(t, limit, admitted.Load())
	require.EqualValues(t, limit, e.AppendStates(nil)[0].Limit(engine.LimitInFlight).Used)
	require.EqualValues(t, limit, e.Stats().Expired)
}

// TestHeldLeasesHoldNoWindows: a thousand leases held over a thousand minutes
// cost what they cost in the first: no window stays alive for them.
func TestHeldLeasesHoldNoWindows(t *testing.T) {
	const minutes, deployments = 1000, 128
	v := newVirtual()
	e := start(t, v, engine.LeastUtilized, same(deployments, "g", lots))
	g := group(t, e, "g")
	leases := make([]engine.Lease, minutes)
	pass := func(i int) {
		var err error
		leases[i], err = g.Acquire(plain(10))
		require.NoError(t, err)
		v.add(time.Minute)
		e.Stats()
	}
	for i := range 50 {
		pass(i)
	}
	before := heap()
	for i := 50; i < minutes; i++ {
		pass(i)
	}
	after := heap()
	// A window of this group is some 10 KiB.
	require.Less(t, after-before, int64(256<<10), "the heap grew with the minutes")
	for i := range leases {
		leases[i].Settle(engine.Usage{InputTokens: 11})
	}
	require.EqualValues(t, 11*minutes, e.Stats().Tokens)
	runtime.KeepAlive(leases)
}

// heap is how much is alive.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
