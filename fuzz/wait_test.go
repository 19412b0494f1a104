package fuzz

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// A waiter is a call of Wait by a goroutine of its own.
type waiter struct {
	demand int // index of what it asks for
	d      engine.Demand
	cancel context.CancelFunc
	// Set before done is closed.
	lease *engine.Lease
	err   error
	done  chan struct{}
}

func (w *waiter) waits() bool {
	select {
	case <-w.done:
		return false
	default:
		return true
	}
}

// A room is a group in which goroutines wait, in a time that passes only when
// all of them sleep.
type room struct {
	t        *testing.T
	e        *engine.Engine
	cfg      engine.Config
	g        *engine.Group
	waiting  []*waiter // in the order of their arrival
	held     []*engine.Lease
	admitted int64
	steps    int
}

var waitDemands = []engine.Demand{
	plain(1), plain(10), plain(25), plain(60), plain(101),
	{InputTokens: 5},
	{InputTokens: 5, MaxOutputTokens: 3},
	{InputTokens: 40},
	{InputTokens: 10, OutputTokens: 20, Tags: []string{"eu"}},
	{InputTokens: 1, Affinity: 3},
	{InputTokens: 30, OutputTokens: 20, MaxOutputTokens: 5},
	{},
	{InputTokens: 10, OutputTokens: engine.NoOutput, Priority: 1},
	{InputTokens: 25, Priority: 2},
}

// FuzzWait plays a random history to waiters. Each time everything is at rest, no
// waiter is left whose demand fits or can never fit, and of the waiters with the
// same demand none has been overtaken.
func FuzzWait(f *testing.F) {
	for seed := range uint64(24) {
		f.Add(noise(seed, 400))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := script(data)
			r := newRoom(t, &s)
			for ; s.more() && r.steps < maxSteps; r.steps++ {
				r.step(&s)
				synctest.Wait()
				r.check()
			}
			for _, w := range r.waiting {
				w.cancel()
			}
			synctest.Wait()
			r.check()
			require.Empty(t, r.waiting)
		})
	})
}

func newRoom(t *testing.T, s *script) *room {
	t.Helper()
	r := &room{t: t, cfg: engine.Config{Strategy: strategies[s.int(len(strategies))], ExpectedOutput: 20, PriorityShare: []float64{1, 0.7, 0.3}, MaxWaiters: of(s, 0, 0, 3, 10)}}
	palette := s.int(len(limitPalettes))
	for i := range of(s, 1, 2, 3, 20, 70) {
		d := engine.Deployment{ID: fmt.Sprint("d", i), Group: "g", Limits: limitsOf(palette, i), Order: i % 3 / 2}
		if i%2 == 1 {
			d.Tags = []string{"eu"}
		}
		r.cfg.Deployments = append(r.cfg.Deployments, d)
	}
	var err error
	r.e, err = engine.New(r.cfg)
	require.NoError(t, err)
	r.g = group(t, r.e, "g")
	return r
}

func (r *room) step(s *script) {
	id := r.cfg.Deployments[s.int(len(r.cfg.Deployments))].ID
	switch s.int(14) {
	default:
		r.wait(s.int(len(waitDemands)))
	case 0, 1, 2:
		if len(r.held) > 0 {
			r.end(s)
		}
	case 3:
		if len(r.waiting) > 0 {
			r.waiting[s.int(len(r.waiting))].cancel()
		}
	case 4:
		time.Sleep(time.Duration(s.int(70)) * time.Second)
	case 5:
		ref(r.t, r.e, id).Cooldown(time.Duration(s.int(90)) * time.Second)
	case 6:
		ref(r.t, r.e, id).SetEnabled(s.byte()%3 != 0)
	case 7:
		r.cfg.Deployments[s.int(len(r.cfg.Deployments))].Limits = limitsOf(s.int(8), s.int(5))
		require.NoError(r.t, r.e.Apply(r.cfg))
	case 8:
		if l, ok := r.g.TryAcquire(waitDemands[s.int(len(waitDemands))]); ok {
			r.hold(&l)
		}
	}
}

func (r *room) wait(demand int) {
	ctx, cancel := context.WithCancel(r.t.Context())
	w := &waiter{demand: demand, d: waitDemands[demand], cancel: cancel, done: make(chan struct{})}
	r.waiting = append(r.waiting, w)
	go func() {
		defer close(w.done)
		lease, err := r.g.Wait(ctx, w.d)
		w.lease, w.err = &lease, err
	}()
}

func (r *room) hold(l *engine.Lease) {
	r.held = append(r.held, l)
	r.admitted++
}

func (r *room) end(s *script) {
	i := s.int(len(r.held))
	switch l := r.held[i]; s.int(3) {
	case 0:
		l.Settle(s.usage())
	case 1:
		l.SettleReserved()
	case 2:
		l.Release()
	}
	r.held = append(r.held[:i], r.held[i+1:]...)
}

func (r *room) check() {
	r.t.Helper()
	first := map[int]bool{} // demands of which a caller still waits
	var left []*waiter
	for _, w := range r.waiting {
		if w.waits() {
			left = append(left, w)
			first[w.demand] = true
			x := r.e.Explain("g", w.d)
			require.Empty(r.t, x.Acquire, "step %d: %+v waits", r.steps, w.d)
			limited, ok := errors.AsType[*engine.LimitError](x.Err)
			// That more output is expected than a limit allows is noticed later.
			require.True(r.t, ok && (!limited.Never || w.d.OutputTokens == 0), "step %d: %+v waits in vain: %v", r.steps, w.d, x.Err)
			continue
		}
		w.cancel()
		switch limited, _ := errors.AsType[*engine.LimitError](w.err); {
		case w.err == nil:
			require.False(r.t, first[w.demand], "step %d: %+v overtaken", r.steps, w.d)
			r.hold(w.lease)
		case limited != nil:
			require.True(r.t, limited.Never)
			require.ErrorIs(r.t, r.e.Explain("g", w.d).Err, engine.ErrLimited)
		case errors.Is(w.err, engine.ErrNoCandidate):
			require.ErrorIs(r.t, r.e.Explain("g", w.d).Err, engine.ErrNoCandidate)
		case errors.Is(w.err, engine.ErrQueueFull):
			require.NotZero(r.t, r.cfg.MaxWaiters)
		default:
			require.ErrorIs(r.t, w.err, context.Canceled)
		}
	}
	r.waiting = left
	most := r.cfg.MaxWaiters
	require.True(r.t, most == 0 || len(left) <= most, "%d wait", len(left))
	stats := r.e.Stats()
	require.EqualValues(r.t, len(left), stats.Waiting)
	require.Equal(r.t, r.admitted, stats.Held+stats.Settled+stats.Released+stats.Expired, "an admission without a lease")
}

// TestWaitUnderLoad: 64 goroutines wait for what others end, give up and take
// without waiting, while time passes and the configuration changes. No limit on
// leases is ever passed, and every caller gets an answer.
func TestWaitUnderLoad(t *testing.T) {
	each(t, strategies, []int{1, 10, 65}, func(t *testing.T, s engine.Strategy, n int) {
		const limit = 3
		v := newVirtual()
		cfg := engine.Config{Deployments: same(n, "g", engine.Limits{MaxInFlight: limit, TPM: 200, RPM: 40}), Strategy: s, Clock: v.clock(), LeaseTTL: 24 * time.Hour}
		e, err := engine.New(cfg)
		require.NoError(t, err)
		g := group(t, e, "g")
		held := make(map[string]*atomic.Int64, n)
		for _, st := range e.AppendStates(nil) {
			held[st.ID] = new(atomic.Int64)
		}
		stop := background(func(i int) {
			v.add(5 * time.Second)
			if i%4 == 0 {
				if e.Apply(cfg) != nil {
					panic("a valid configuration was refused")
				}
			}
		})
		var beyond, served, gave atomic.Int64
		par(workers, func(k int) {
			random := rand.New(rand.NewPCG(9, uint64(k)))
			for range scale(600) {
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(8) == 0 {
					cancel()
				}
				l, err := g.Wait(ctx, plain(1+random.Int64N(20)))
				cancel()
				if err != nil {
					gave.Add(1)
					continue
				}
				served.Add(1)
				h := held[l.Ref().ID()]
				if h.Add(1) > limit {
					beyond.Add(1)
				}
				h.Add(-1)
				if random.IntN(2) == 0 {
					l.Release()
				} else {
					l.Settle(engine.Usage{InputTokens: 5})
				}
			}
		})
		stop()
		require.Zero(t, beyond.Load())
		require.NotZero(t, served.Load())
		stats := e.Stats()
		require.Zero(t, stats.Held)
		require.Zero(t, stats.Waiting)
		t.Logf("%d served, %d of them after a wait, %d gave up", served.Load(), stats.Waited, gave.Load())
	})
}

// TestWaitForgetsNoWaiter: pairs of goroutines hand one place in flight to and
// fro, where one ring that is lost would leave both asleep.
func TestWaitForgetsNoWaiter(t *testing.T) {
	each(t, strategies, []int{1, 65}, func(t *testing.T, s engine.Strategy, n int) {
		ds := same(n, "g", engine.Limits{MaxInFlight: engine.Blocked})
		ds[n/2].Limits.MaxInFlight = 1
		e := start(t, newVirtual(), s, ds)
		g := group(t, e, "g")
		var inside atomic.Int64
		var once sync.Once
		par(4, func(int) {
			for range scale(4000) {
				l, err := g.Wait(t.Context(), plain(1))
				if err != nil || inside.Add(1) != 1 {
					once.Do(func() { t.Errorf("two at once, or %v", err) })
				}
				inside.Add(-1)
				l.Release()
			}
		})
		require.Zero(t, e.Stats().Held)
	})
}
