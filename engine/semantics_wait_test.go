package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// waiting is a call of Wait.
type waiting struct {
	h      *hall
	cancel context.CancelFunc
	// What it has returned, and when after the test began. Under the hall's mutex.
	lease *engine.Lease
	error error
	ended bool
	after time.Duration
}

func (w *waiting) done() bool        { w.h.mu.Lock(); defer w.h.mu.Unlock(); return w.ended }
func (w *waiting) err() error        { w.h.mu.Lock(); defer w.h.mu.Unlock(); return w.error }
func (w *waiting) at() time.Duration { w.h.mu.Lock(); defer w.h.mu.Unlock(); return w.after }

// hall starts waiters within a synctest bubble, in which time runs by itself.
type hall struct {
	t     *testing.T
	e     *engine.Engine
	g     *engine.Group
	begun time.Time
	mu    sync.Mutex
	out   []string // names in the order in which they were admitted
	last  *engine.Lease
}

func openHall(t *testing.T, cfg engine.Config) *hall {
	t.Helper()
	cfg.Rand = seededRand(1)
	e, err := engine.New(cfg)
	require.NoError(t, err)
	return &hall{t: t, e: e, g: group(t, e, "chat"), begun: time.Now()}
}

// wait starts a waiter, and returns when it waits or has been served.
func (h *hall) wait(name string, d engine.Demand) *waiting {
	w := &waiting{h: h}
	ctx, cancel := context.WithCancel(h.t.Context())
	w.cancel = cancel
	go func() {
		defer cancel()
		lease, err := h.g.Wait(ctx, d)
		h.mu.Lock()
		defer h.mu.Unlock()
		w.lease, w.error, w.ended, w.after = &lease, err, true, time.Since(h.begun)
		if err == nil {
			h.out, h.last = append(h.out, name), w.lease
		}
	}()
	synctest.Wait()
	return w
}

// admitted returns the names of those admitted, in order.
func (h *hall) admitted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.out)
}

// bubble runs f for every strategy in a bubble of virtual time, which must be
// left by every goroutine.
func bubble(t *testing.T, f func(t *testing.T, s engine.Strategy)) {
	t.Helper()
	for _, s := range allStrategies {
		t.Run(s.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, s) }) })
	}
}

func chat(s engine.Strategy, n int, limits engine.Limits) engine.Config {
	cfg := engine.Config{Strategy: s}
	for i := range n {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id(i), Group: "chat", Limits: limits})
	}
	return cfg
}

// TestWaitInOrder: what a minute takes is admitted at its first instant, in the
// order of arrival, and no more.
func TestWaitInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		h := openHall(t, chat(s, 3, engine.Limits{TPM: 40}))
		var ws []*waiting
		for i := range 34 {
			time.Sleep(time.Millisecond)
			ws = append(ws, h.wait(fmt.Sprint(i), exactly(10)))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for i, w := range ws {
			require.True(t, w.done())
			require.NoError(t, w.err())
			if minute := i / 12; minute == 0 {
				require.Equal(t, time.Duration(i+1)*time.Millisecond, w.at())
			} else {
				require.Equal(t, time.Duration(minute)*time.Minute, w.at(), "waiter %d", i)
			}
		}
		stats := h.e.Stats()
		require.Equal(t, [4]int64{34, 22, 0, 0}, [4]int64{stats.Admitted, stats.Waited, stats.Waiting, stats.Refused[engine.LimitTPM]})
	})
}

// TestWaitForWhateverMakesRoom: each event admits as many as it frees capacity for,
// the first ones, at once.
func TestWaitForWhateverMakesRoom(t *testing.T) {
	one := func(l engine.Limits) []engine.Deployment {
		return []engine.Deployment{{ID: "a", Group: "chat", Limits: l}}
	}
	tests := []struct {
		name   string
		limits engine.Limits
		before func(h *hall)
		event  func(h *hall, held *engine.Lease)
		want   int // of 3 admitted, 10 tokens each
	}{
		{"settled for less", engine.Limits{TPM: 100}, nil, func(_ *hall, l *engine.Lease) { l.Settle(engine.Usage{InputTokens: 75}) }, 2},
		{"released", engine.Limits{TPM: 110, RPM: 1}, nil, func(_ *hall, l *engine.Lease) { l.Release() }, 1},
		{"lease ended", engine.Limits{MaxInFlight: 1}, nil, func(_ *hall, l *engine.Lease) { l.SettleReserved() }, 1},
		{
			"cooldown over",
			engine.Limits{TPM: 200},
			func(h *hall) { ref(h.t, h.e, "a").Cooldown(20 * time.Second) },
			func(*hall, *engine.Lease) { time.Sleep(20 * time.Second) }, 3,
		},
		{
			"cooldown ended early",
			engine.Limits{TPM: 200},
			func(h *hall) { ref(h.t, h.e, "a").Cooldown(time.Hour) },
			func(h *hall, _ *engine.Lease) { ref(h.t, h.e, "a").Cooldown(0) }, 3,
		},
		{
			"cooldown shortened by nothing",
			engine.Limits{TPM: 200},
			func(h *hall) { ref(h.t, h.e, "a").Cooldown(time.Hour) },
			func(h *hall, _ *engine.Lease) { ref(h.t, h.e, "a").Cooldown(time.Second); time.Sleep(time.Minute) }, 0,
		},
		{
			"others used less",
			engine.Limits{TPM: 200},
			func(h *hall) { others(h.e, time.Now(), "a", 0, 100) },
			func(h *hall, _ *engine.Lease) { others(h.e, time.Now(), "a", 0, 85) }, 1,
		},
		{
			"ceiling raised",
			engine.Limits{TPM: 200},
			func(h *hall) {
				h.e.Absorb([]window.Share{{Tally: tally(time.Now(), "a", 0, 0), CeilingTokens: 100}})
			},
			func(h *hall, _ *engine.Lease) {
				h.e.Absorb([]window.Share{{Tally: tally(time.Now(), "a", 0, 0), CeilingTokens: 125}})
			}, 2,
		},
		{"limit raised", engine.Limits{TPM: 100}, nil, func(h *hall, _ *engine.Lease) {
			require.NoError(h.t, h.e.Apply(engine.Config{Deployments: one(engine.Limits{TPM: 129})}))
		}, 2},
		{"deployment added", engine.Limits{TPM: 100}, nil, func(h *hall, _ *engine.Lease) {
			require.NoError(h.t, h.e.Apply(engine.Config{Deployments: append(one(engine.Limits{TPM: 100}),
				engine.Deployment{ID: "b", Group: "chat", Limits: engine.Limits{RPM: 2}})}))
		}, 2},
		{"next minute", engine.Limits{RPM: 1}, nil, func(*hall, *engine.Lease) { time.Sleep(time.Minute) }, 1},
		{"nothing", engine.Limits{TPM: 100}, nil, func(_ *hall, l *engine.Lease) { l.SettleReserved() }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s engine.Strategy) {
				cfg := engine.Config{Strategy: s, Deployments: one(test.limits)}
				h := openHall(t, cfg)
				held := acquire(t, h.g, exactly(100))
				if test.before != nil {
					test.before(h)
				}
				ws := []*waiting{h.wait("0", exactly(10)), h.wait("1", exactly(10)), h.wait("2", exactly(10))}
				require.Empty(t, h.admitted())
				require.EqualValues(t, 3, h.e.Stats().Waiting)
				test.event(h, held)
				synctest.Wait()
				for i, w := range ws {
					require.Equal(t, i < test.want, w.done(), "waiter %d", i)
					require.NoError(t, w.err())
					w.cancel()
				}
				synctest.Wait()
				require.Zero(t, h.e.Stats().Waiting)
			})
		})
	}
}

// TestWaitLearns: what is expected of a call may shrink, with nothing given back.
func TestWaitLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := chat(engine.LeastUtilized, 1, engine.Limits{TPM: 1000})
		cfg.ExpectedOutput = 10
		h := openHall(t, cfg)
		var leases []*engine.Lease
		for range 9 {
			leases = append(leases, acquire(t, h.g, exactly(100)))
		}
		for _, l := range leases[:8] {
			l.Settle(engine.Usage{InputTokens: 40, OutputTokens: 60})
		}
		w := h.wait("w", engine.Demand{InputTokens: 45})
		require.False(t, w.done(), "60 tokens are expected, 55 left")
		leases[8].Settle(engine.Usage{InputTokens: 100, OutputTokens: 0})
		synctest.Wait()
		require.True(t, w.done(), "53 are expected")
		require.NoError(t, w.err())
	})
}

// TestWaitGivesUp: a waiter whose context ends reserves nothing and leaves the
// others where they were.
func TestWaitGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		h := openHall(t, chat(s, 1, engine.Limits{MaxInFlight: 1}))
		held := acquire(t, h.g, exactly(1))
		ws := []*waiting{h.wait("0", exactly(1)), h.wait("1", exactly(1)), h.wait("2", exactly(1))}
		ws[0].cancel()
		ws[1].cancel()
		synctest.Wait()
		require.ErrorIs(t, ws[0].err(), context.Canceled)
		require.ErrorIs(t, ws[1].err(), context.Canceled)
		require.Equal(t, engine.Ref{}, ws[0].lease.Ref())
		held.Release()
		synctest.Wait()
		require.True(t, ws[2].done())
		require.NoError(t, ws[2].err())
		ws[2].lease.Release()

		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		held = acquire(t, h.g, exactly(1))
		_, err := h.g.Wait(ctx, exactly(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 90*time.Second, time.Since(h.begun))
		held.Release()
		_, err = h.g.Wait(ctx, exactly(1))
		require.ErrorIs(t, err, context.DeadlineExceeded, "whatever the headroom")
		stats := h.e.Stats()
		require.Equal(t, [4]int64{3, 0, 0, 3}, [4]int64{stats.GaveUp, stats.Held, stats.Waiting, stats.Released})
	})
}

// TestWaitAdmittedAsContextEnds: whether admission or context wins, no reservation is left
// without a lease that the caller has.
func TestWaitAdmittedAsContextEnds(t *testing.T) {
	e, _ := start(t, one(engine.Limits{MaxInFlight: 1}))
	g := group(t, e, "chat")
	rounds := 2000
	if raceEnabled {
		rounds = 300
	}
	admitted := 0
	for range rounds {
		held := acquire(t, g, exactly(1))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { held.Release() })
		wg.Go(cancel)
		lease, err := g.Wait(ctx, exactly(1))
		if err == nil {
			admitted++
			lease.Release()
		} else {
			require.ErrorIs(t, err, context.Canceled)
		}
		wg.Wait()
		require.Zero(t, state(t, e, "a").Limit(engine.LimitInFlight).Used)
	}
	t.Logf("%d of %d admitted", admitted, rounds)
}

// TestWaitFull: so many may wait and no more, but who fits need not wait.
func TestWaitFull(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 1, engine.Limits{TPM: 100})
		cfg.MaxWaiters = 2
		h := openHall(t, cfg)
		acquire(t, h.g, exactly(90))
		ws := []*waiting{h.wait("0", exactly(20)), h.wait("1", exactly(20))}
		third := h.wait("2", exactly(20))
		require.ErrorIs(t, third.err(), engine.ErrQueueFull)
		require.ErrorContains(t, third.err(), `2 requests wait in group "chat"`)
		require.NotErrorIs(t, third.err(), engine.ErrLimited)
		fits := h.wait("3", exactly(10))
		require.True(t, fits.done())
		require.NoError(t, fits.err())
		require.False(t, ws[0].done() || ws[1].done())
		require.EqualValues(t, 1, h.e.Stats().TurnedAway)

		cfg.MaxWaiters = 3
		require.NoError(t, h.e.Apply(cfg))
		require.False(t, h.wait("4", exactly(20)).done())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ElementsMatch(t, []string{"0", "1", "3", "4"}, h.admitted())
	})
}

// TestWaitDefault: 1024 may wait unless configured.
func TestWaitDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHall(t, chat(engine.LeastUtilized, 1, engine.Limits{RPM: 1024, MaxInFlight: 3000}))
		ref(t, h.e, id(0)).Cooldown(time.Second)
		for i := range 1024 {
			require.False(t, h.wait(fmt.Sprint(i), exactly(1)).done())
		}
		require.ErrorIs(t, h.wait("more", exactly(1)).err(), engine.ErrQueueFull)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, h.admitted(), 1024)
	})
}

// TestWaitInVain: no waiting helps, so there is none.
func TestWaitInVain(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		cfg := chat(s, 2, engine.Limits{TPM: 100})
		cfg.Deployments[1].Limits.TPM = 200
		h := openHall(t, cfg)
		requireNever := func(w *waiting) {
			t.Helper()
			synctest.Wait()
			require.True(t, w.done())
			limited, ok := errors.AsType[*engine.LimitError](w.err())
			require.True(t, ok, w.err())
			require.True(t, limited.Never)
			require.Zero(t, limited.RetryAfter)
		}
		requireNever(h.wait("too large", exactly(201)))
		require.ErrorIs(t, h.wait("invalid", exactly(-1)).err(), engine.ErrInvalidDemand)
		require.ErrorIs(t, h.wait("nowhere", engine.Demand{Tags: []string{"mars"}}).err(), engine.ErrNoCandidate)
		require.EqualValues(t, 1, h.e.Stats().Invalid)

		acquire(t, h.g, exactly(200))
		acquire(t, h.g, exactly(100))
		small, large := h.wait("small", exactly(50)), h.wait("large", exactly(150))
		ref(t, h.e, id(1)).SetEnabled(false)
		requireNever(large)
		require.False(t, small.done())
		ref(t, h.e, id(0)).SetEnabled(false)
		requireNever(small)
		ref(t, h.e, id(0)).SetEnabled(true)

		small, large = h.wait("small", exactly(50)), h.wait("large", exactly(90))
		cfg.Deployments[0].Limits.TPM = 60
		require.NoError(t, h.e.Apply(cfg))
		requireNever(large)
		require.False(t, small.done())
		require.NoError(t, h.e.Apply(engine.Config{Deployments: []engine.Deployment{{ID: "x", Group: "other"}}}))
		synctest.Wait()
		require.ErrorIs(t, small.err(), engine.ErrNoCandidate)
		require.ErrorContains(t, small.err(), "no longer has deployments")
		require.ErrorIs(t, h.wait("late", exactly(1)).err(), engine.ErrNoCandidate)

		time.Sleep(5 * time.Minute) // the group is forgotten, then there again
		require.NoError(t, h.e.Apply(engine.Config{Deployments: []engine.Deployment{{ID: "x", Group: "other"}}}))
		require.NoError(t, h.e.Apply(engine.Config{Deployments: []engine.Deployment{{ID: "y", Group: "chat", Limits: engine.Limits{RPM: 1}}}}))
		require.NoError(t, h.wait("back", exactly(1)).err())
		w := h.wait("by an old handle", exactly(1))
		require.False(t, w.done())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, w.done())
		require.NoError(t, w.err())
	})
}

// TestWaitSmallBehindLarge: a waiter that does not fit keeps none back that does, but comes
// first in a new minute.
func TestWaitSmallBehindLarge(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		h := openHall(t, chat(s, 1, engine.Limits{TPM: 100}))
		acquire(t, h.g, exactly(60))
		large := h.wait("large", exactly(80))
		require.True(t, h.wait("small", exactly(30)).done())
		require.False(t, h.wait("small", exactly(30)).done())
		other := h.wait("tiny", exactly(20))
		require.False(t, other.done())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, large.done())
		require.True(t, other.done())
		require.Len(t, h.admitted(), 3)
	})
}

// TestWaitByHand: on a clock that is moved by hand too.
func TestWaitByHand(t *testing.T) {
	e, clock := start(t, one(engine.Limits{RPM: 1}))
	g := group(t, e, "chat")
	acquire(t, g, exactly(1))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := g.Wait(t.Context(), exactly(1))
			require.NoError(t, err)
			clock.Advance(time.Minute) // for the next one
		})
	}
	clock.Advance(time.Minute)
	wg.Wait()
	require.EqualValues(t, 4, e.Stats().Admitted)
}
