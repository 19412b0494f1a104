package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// prompt is how soon a waiter must be served once its demand fits.
const prompt = 5 * time.Millisecond

// timed runs f in bubbles of virtual time, so long after their beginning: on a clock
// that is read, on one that Clock.Run keeps, and on one whose every reading is later
// than the one before.
func timed(t *testing.T, after time.Duration, f func(t *testing.T, clock *window.Clock)) {
	t.Helper()
	in := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(after)
				f(t)
			})
		})
	}
	in("read", func(t *testing.T) { f(t, window.NewClock()) })
	in("run", func(t *testing.T) {
		clock := window.NewClock()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = clock.Run(ctx) }()
		time.Sleep(2 * time.Millisecond)
		f(t, clock)
	})
	in("advancing", func(t *testing.T) {
		var reads atomic.Int64
		f(t, window.NewClockFrom(func() time.Time { return time.Now().Add(time.Duration(reads.Add(1)) * 20 * time.Nanosecond) }))
	})
}

// bubbleBegins is when time begins in a bubble.
var bubbleBegins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestWaitAlone: a waiter alone is served within 5 ms of the RetryAfter that it
// LimitError would have reported, for a limit of every kind and shape.
func TestWaitAlone(t *testing.T) {
	for _, l := range limitCases() {
		t.Run(l.name, func(t *testing.T) {
			e, _ := startAt(t, bubbleBegins, l.config())
			l := l.on(t, e)
			l.exhaust(t, group(t, e, "chat"))
			full := refusal(t, group(t, e, "chat"), l.q).RetryAfter
			timed(t, max(full-3*time.Second, 0), func(t *testing.T, clock *window.Clock) {
				cfg := l.config()
				cfg.Clock = clock
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g, l := group(t, e, "chat"), l.on(t, e)
				l.exhaust(t, g)
				retryAfter := refusal(t, g, l.q).RetryAfter
				begun := time.Now()
				lease, err := g.Wait(t.Context(), l.q)
				require.NoError(t, err)
				lease.SettleReserved()
				took := time.Since(begun)
				require.LessOrEqual(t, took, retryAfter+prompt, "RetryAfter %v", retryAfter)
				require.GreaterOrEqual(t, took, retryAfter-prompt)
			})
		})
	}
}

// TestWaitCrowd: of 200 who wait, one is served within 5 ms whenever the first in
// line fits, until all are.
func TestWaitCrowd(t *testing.T) {
	step := 5 * time.Millisecond
	waiters := int64(200)
	switch {
	case raceEnabled: // the same goroutines meet, fewer of them and less often
		step, waiters = 20*time.Millisecond, 60
	case full:
		step = time.Millisecond
	}
	for _, l := range []limitCase{
		{name: "requests of a bucket", d: engine.Deployment{Limits: engine.Limits{RPM: 600}, Profile: provider.Profile{Shape: provider.Bucket}}, q: exactly(1), fill: 600},
		{name: "tokens of a bucket", d: engine.Deployment{Limits: engine.Limits{TPM: 60_000}, Profile: provider.Profile{Shape: provider.Bucket}}, q: exactly(150), fill: 400},
		{name: "a pool's bucket", d: engine.Deployment{Limits: engine.Limits{TPM: 60_000}, Profile: provider.Profile{Shape: provider.Bucket, Pool: "p"}}, q: exactly(150), fill: 400},
		{name: "learned output", d: engine.Deployment{Limits: engine.Limits{TPM: 60_000}, Profile: provider.Profile{Shape: provider.Bucket}}, q: engine.Demand{InputTokens: 50}, fill: 200},
		{name: "minutes", d: engine.Deployment{Limits: engine.Limits{RPM: 150}}, q: exactly(1), fill: 150},
		{name: "minutes with a phase", d: engine.Deployment{Limits: engine.Limits{RPM: 250}, Profile: provider.Profile{Phase: 3 * time.Second}}, q: exactly(1), fill: 250},
		{name: "parts of a minute", d: engine.Deployment{Limits: engine.Limits{RPM: 600}, Profile: provider.Profile{RequestWindow: time.Second}}, q: exactly(1), fill: 10},
		{name: "requests of a caller's bucket", d: engine.Deployment{Limits: engine.Limits{RPM: 600}, Profile: provider.Profile{Shape: provider.Bucket}}, q: exactly(1), fill: 600, caller: true},
		{name: "minutes of a caller", d: engine.Deployment{Limits: engine.Limits{RPM: 150}}, q: exactly(1), fill: 150, caller: true},
		{name: "hours", d: engine.Deployment{Limits: engine.Limits{RPH: 250}}, q: exactly(1), fill: 250},
		{name: "a pool's minutes", d: engine.Deployment{Limits: engine.Limits{TPM: 30_000}, Profile: provider.Profile{Pool: "p"}}, q: exactly(150), fill: 200},
	} {
		t.Run(l.name, func(t *testing.T) {
			after := 55 * time.Second
			if l.d.Limits.RPH != 0 {
				after += 59 * time.Minute
			}
			timed(t, after, func(t *testing.T, clock *window.Clock) {
				cfg := l.config()
				cfg.Clock = clock
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g, l := group(t, e, "chat"), l.on(t, e)
				l.exhaust(t, g)
				var left atomic.Int64
				left.Store(waiters)
				for range waiters {
					go func() {
						lease, err := g.Wait(t.Context(), l.q)
						if err != nil {
							panic(err)
						}
						lease.SettleReserved()
						left.Add(-1)
					}()
				}
				synctest.Wait()
				fitted := 0
				for steps := 0; left.Load() > 0; steps++ {
					require.Less(t, steps, 200_000, "%d wait for ever", left.Load())
					time.Sleep(step)
					if fitted++; len(e.Explain("chat", l.q).Acquire) == 0 {
						fitted = 0
					}
					require.LessOrEqual(t, fitted, 5, "it fits, %d wait", left.Load())
				}
			})
		})
	}
}

// TestWaitServesEveryone: a hundred thousand waits on limits that refill all the
// time, each of them served in time.
func TestWaitServesEveryone(t *testing.T) {
	waits, perMinute := 6_000, int64(60_000)
	if full && !raceEnabled {
		waits, perMinute = 100_000, 600_000
	}
	for _, p := range []provider.Profile{{Shape: provider.Bucket}, {Shape: provider.Bucket, Pool: "p"}} {
		timed(t, 0, func(t *testing.T, clock *window.Clock) {
			cfg := one(engine.Limits{RPM: perMinute})
			cfg.Deployments[0].Profile, cfg.Clock = p, clock
			e, err := engine.New(cfg)
			require.NoError(t, err)
			g := group(t, e, "chat")
			l := limitCase{q: exactly(1), fill: 1_000_000}
			l.exhaust(t, g)
			for i := range waits / 6 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				lease, err := g.Wait(ctx, exactly(1))
				cancel()
				require.NoError(t, err, "wait %d", i)
				lease.SettleReserved()
				for {
					lease, ok := g.TryAcquire(exactly(1))
					if !ok {
						break
					}
					lease.SettleReserved()
				}
			}
		})
	}
}

// TestWaitWhoFits: what would be charged decides which waiter goes first. A waiter
// whose demand fits passes one who is charged more, though it expects no less.
func TestWaitWhoFits(t *testing.T) {
	for _, admit := range []provider.Admit{provider.AdmitExpected, provider.AdmitInput, provider.AdmitInputMax, provider.AdmitLarger, provider.AdmitMaxAsInput} {
		for _, limits := range []engine.Limits{{TPM: 10_000}, {InputTPM: 10_000}, {OutputTPM: 10_000}, {TPM: 10_000, InputTPM: 9_000, OutputTPM: 9_000}} {
			for _, shape := range []provider.Shape{provider.Minute, provider.Bucket} {
				synctest.Test(t, func(t *testing.T) {
					cfg := one(limits)
					cfg.Deployments[0].Profile = provider.Profile{Admit: admit, Shape: shape}
					h := openHall(t, cfg)
					full := false
					for range 100 {
						if _, ok := h.g.TryAcquire(engine.Demand{InputTokens: 300, OutputTokens: 300, MaxOutputTokens: 300}); !ok {
							full = true
							break
						}
					}
					if !full { // the profile does not charge what is limited
						return
					}
					demands := []engine.Demand{
						{InputTokens: 100, OutputTokens: 10, MaxOutputTokens: 5000},
						{InputTokens: 5000, OutputTokens: 1, MaxOutputTokens: 1},
						{InputTokens: 100, MaxOutputTokens: 6000},
						{InputTokens: 200, OutputTokens: 10, MaxOutputTokens: 10},
						{InputTokens: 100},
						{InputTokens: 150, OutputTokens: engine.NoOutput},
						{InputTokens: 10, OutputTokens: 400},
						{InputTokens: 10, OutputTokens: 10, MaxOutputTokens: 40},
					}
					var ws []*waiting
					for i, d := range demands {
						ws = append(ws, h.wait(fmt.Sprint(i), d))
					}
					for range 600 {
						time.Sleep(500 * time.Millisecond)
						synctest.Wait()
						for i, w := range ws {
							if !w.done() && shape == provider.Minute { // a bucket may be held for another
								require.Empty(t, h.e.Explain("chat", demands[i]).Acquire, "%v %+v: %d waits, and fits", admit, limits, i)
							}
						}
					}
					for i, w := range ws {
						require.True(t, w.done(), "%v %+v: %d", admit, limits, i)
						require.NoError(t, w.err())
					}
				})
			}
		}
	}
}

// crowd keeps n small demands waiting all the time, and counts what is admitted.
func crowd(ctx context.Context, t *testing.T, g *engine.Group, n int, d engine.Demand) *atomic.Int64 {
	t.Helper()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	for range n {
		wg.Go(func() {
			for {
				lease, err := g.Wait(ctx, d)
				if err != nil {
					return
				}
				admitted.Add(lease.Reserved())
				lease.SettleReserved()
			}
		})
	}
	synctest.Wait()
	return &admitted
}

// TestWaitTurnOfTheLarge: a demand of a third of a bucket is served within 3 times
// its lone wait while 200 small ones keep the bucket full, again and again, and next
// to nothing is lost by it.
func TestWaitTurnOfTheLarge(t *testing.T) {
	bucket := provider.Profile{Shape: provider.Bucket}
	pool := provider.Profile{Shape: provider.Bucket, Pool: "p"}
	weighted := provider.Profile{Shape: provider.Bucket, Admit: provider.AdmitInputMax}
	tests := []struct {
		name        string
		deployments []engine.Deployment
		small       engine.Demand
		large       engine.Demand
		tokens      int64 // that refill in a minute
	}{
		{"one bucket", []engine.Deployment{{ID: "a", Limits: engine.Limits{TPM: 60_000}, Profile: bucket}}, exactly(500), exactly(20_000), 60_000},
		{"input", []engine.Deployment{{ID: "a", Limits: engine.Limits{InputTPM: 60_000, TPM: 90_000}, Profile: bucket}}, exactly(500), exactly(20_000), 60_000},
		{"charged by the maximum", []engine.Deployment{{ID: "a", Limits: engine.Limits{TPM: 60_000}, Profile: weighted}}, engine.Demand{InputTokens: 100, OutputTokens: 100, MaxOutputTokens: 400}, engine.Demand{InputTokens: 100, OutputTokens: 10, MaxOutputTokens: 19_900}, 60_000},
		{"two that share a pool", []engine.Deployment{{ID: "a", Limits: engine.Limits{TPM: 60_000}, Profile: pool}, {ID: "b", Limits: engine.Limits{TPM: 60_000}, Profile: pool}}, exactly(500), exactly(20_000), 60_000},
		{"only one is large enough", []engine.Deployment{{ID: "a", Limits: engine.Limits{TPM: 60_000}, Profile: bucket}, {ID: "b", Limits: engine.Limits{TPM: 9_000}, Profile: bucket}}, exactly(500), exactly(20_000), 69_000},
		{"a tag", []engine.Deployment{{ID: "a", Limits: engine.Limits{TPM: 60_000}, Profile: bucket, Tags: []string{"eu"}}, {ID: "b", Limits: engine.Limits{TPM: 60_000}, Profile: bucket}}, exactly(500), engine.Demand{InputTokens: 20_000, OutputTokens: engine.NoOutput, Tags: []string{"eu"}}, 120_000},
	}
	if raceEnabled { // two goroutines, always the same
		tests = tests[:1]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			timed(t, 0, func(t *testing.T, clock *window.Clock) {
				cfg := engine.Config{Deployments: test.deployments, Clock: clock}
				for i := range cfg.Deployments {
					cfg.Deployments[i].Group = "chat"
				}
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g := group(t, e, "chat")
				begun, admitted := time.Now(), int64(0)
				var refilled float64
				for range 3 {
					l := limitCase{q: test.small, fill: 10_000}
					l.exhaust(t, g)
					begun = time.Now()
					alone := refusal(t, g, test.large).RetryAfter
					var took time.Duration
					go func() {
						lease, err := g.Wait(t.Context(), test.large)
						if err != nil {
							return // took stays zero
						}
						admitted += lease.Reserved()
						lease.SettleReserved()
						took = time.Since(begun)
					}()
					synctest.Wait() // it is the first in the queue
					ctx, cancel := context.WithCancel(t.Context())
					small := crowd(ctx, t, g, 200, test.small)
					time.Sleep(3*alone + 3*time.Second)
					synctest.Wait()
					require.NotZero(t, took, "it waits for ever")
					require.LessOrEqual(t, took, 3*alone, "alone it waits %v", alone)
					require.Greater(t, took, alone, "no small one went first")
					cancel()
					synctest.Wait()
					admitted += small.Load()
					refilled += float64(test.tokens) * time.Since(begun).Minutes()
				}
				require.GreaterOrEqual(t, float64(admitted), 0.95*refilled)
			})
		})
	}
}

// TestWaitTurnBehindAHold: a large demand that comes while the one deployment it may go to
// is held for small ones before it gets its turn all the same, and so does one that comes
// after those have given up.
func TestWaitTurnBehindAHold(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("given up %v", gone), func(t *testing.T) {
			timed(t, 0, func(t *testing.T, clock *window.Clock) {
				cfg := engine.Config{Clock: clock, Deployments: []engine.Deployment{{
					ID: "a", Group: "chat", Limits: engine.Limits{TPM: 60_000}, Profile: provider.Profile{Shape: provider.Bucket}, Tags: []string{"eu"},
				}}}
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g := group(t, e, "chat")
				small, large := exactly(500), exactly(20_000)
				large.Tags = []string{"eu"}
				l := limitCase{q: small, fill: 10_000}
				l.exhaust(t, g)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				crowd(ctx, t, g, 20, small)
				time.Sleep(10 * time.Second) // the head has waited for longer than it would alone
				if gone {
					cancel()
					synctest.Wait()
				}
				begun, took := time.Now(), time.Duration(0)
				go func() {
					lease, err := g.Wait(t.Context(), large)
					if err != nil {
						return // took stays zero
					}
					lease.SettleReserved()
					took = time.Since(begun)
				}()
				most := 3*20*time.Second + 20*500*time.Millisecond
				if gone { // it is alone
					most = 20*time.Second + prompt
				}
				time.Sleep(most)
				synctest.Wait()
				require.NotZero(t, took, "it waits for ever")
			})
		})
	}
}

// TestWaitTurnOfAClass: a large demand of a less important class gets its turn among
// its own class, and does not keep a more important one waiting.
func TestWaitTurnOfAClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(engine.Limits{TPM: 60_000})
		cfg.Deployments[0].Profile, cfg.PriorityShare = provider.Profile{Shape: provider.Bucket}, []float64{1, 0.9}
		e, err := engine.New(cfg)
		require.NoError(t, err)
		g := group(t, e, "chat")
		l := limitCase{q: exactly(500), fill: 10_000}
		l.exhaust(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		batch := exactly(500)
		batch.Priority = 1
		crowd(ctx, t, g, 100, batch)
		large := exactly(20_000)
		large.Priority = 1
		alone := refusal(t, g, large).RetryAfter
		began := time.Now()
		var served atomic.Bool
		go func() {
			_, err := g.Wait(ctx, large)
			served.Store(err == nil)
		}()
		time.Sleep(2 * alone) // its turn has come, the bucket fills up
		require.False(t, served.Load())
		first, err := g.Wait(ctx, exactly(500))
		require.NoError(t, err)
		first.SettleReserved()
		require.LessOrEqual(t, time.Since(began), 2*alone+prompt, "a more important one does not wait for it")
		time.Sleep(alone)
		synctest.Wait()
		require.True(t, served.Load())
		cancel()
		synctest.Wait()
	})
}

// TestWaitTurnEnds: a waiter that gives up frees what was held for it, and the others go
// on at once.
func TestWaitTurnEnds(t *testing.T) {
	timed(t, 0, func(t *testing.T, clock *window.Clock) {
		cfg := one(engine.Limits{TPM: 60_000})
		cfg.Deployments[0].Profile, cfg.Clock = provider.Profile{Shape: provider.Bucket}, clock
		h := openHall(t, cfg)
		l := limitCase{q: exactly(500), fill: 10_000}
		l.exhaust(t, h.g)
		large := h.wait("large", exactly(20_000))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		small := crowd(ctx, t, h.g, 50, exactly(500))
		time.Sleep(35 * time.Second)
		was := small.Load()
		time.Sleep(10 * time.Second)
		require.False(t, large.done())
		require.LessOrEqual(t, small.Load()-was, int64(500), "the bucket is held")
		large.cancel()
		time.Sleep(prompt)
		require.GreaterOrEqual(t, small.Load()-was, int64(9_000), "and then it is not")
		cancel()
		synctest.Wait()
	})
}

// TestWaitWithoutAHerd: what a service costs does not grow with those who wait. The
// readings of the clock count its attempts: one at least for each.
func TestWaitWithoutAHerd(t *testing.T) {
	tests := []struct {
		name    string
		waiters int
		demand  func(i int) engine.Demand
		limits  engine.Limits
	}{
		{"the same size", 1000, func(int) engine.Demand { return exactly(1000) }, engine.Limits{RPM: 6000, TPM: 6_000_000}},
		{"falling sizes, requests", 5000, func(i int) engine.Demand { return exactly(int64(100_000 - 7*i)) }, engine.Limits{RPM: 6000, TPM: 6_000_000}},
		{"falling sizes, tokens", 5000, func(i int) engine.Demand { return exactly(int64(6_000 - i)) }, engine.Limits{TPM: 6_000_000}},
		{"rising maxima", 5000, func(i int) engine.Demand {
			return engine.Demand{InputTokens: int64(6000 - i), MaxOutputTokens: int64(1 + i)}
		}, engine.Limits{TPM: 6_000_000}},
		{"many kinds", 1000, func(i int) engine.Demand {
			return engine.Demand{InputTokens: int64(1000 + i), OutputTokens: engine.NoOutput, Priority: i % 3, Tags: [][]string{nil, {"eu"}}[i%2]}
		}, engine.Limits{TPM: 6_000_000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reads atomic.Int64
				clock := window.NewClockFrom(func() time.Time { reads.Add(1); return time.Now() })
				cfg := one(test.limits)
				cfg.Deployments[0].Profile = provider.Profile{Shape: provider.Bucket}
				cfg.Deployments[0].Tags = []string{"eu"}
				cfg.Clock, cfg.MaxWaiters, cfg.PriorityShare = clock, 10_000, []float64{1, 1, 1}
				e, err := engine.New(cfg)
				require.NoError(t, err)
				g := group(t, e, "chat")
				for {
					lease, ok := g.TryAcquire(exactly(1000))
					if !ok {
						break
					}
					lease.SettleReserved()
				}
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				before := reads.Load()
				var wg sync.WaitGroup
				var served atomic.Int64
				for i := range test.waiters {
					wg.Go(func() {
						if lease, err := g.Wait(ctx, test.demand(i)); err == nil {
							lease.SettleReserved()
							served.Add(1)
						}
					})
				}
				wg.Wait()
				polls := int64(4 * 4000) // the timer of such a clock looks at it every millisecond
				require.NotZero(t, served.Load())
				require.Less(t, reads.Load()-before, polls+20*int64(test.waiters)+200*served.Load(), "%d served", served.Load())
			})
		})
	}
}

// TestWaitMixedShapes: where two limits decide who fits, a service may have to try
// many who do not. It does a part of that at a time, and still finds who fits.
func TestWaitMixedShapes(t *testing.T) {
	timed(t, 0, func(t *testing.T, clock *window.Clock) {
		cfg := one(engine.Limits{InputTPM: 1000, OutputTPM: 1000})
		cfg.Clock = clock
		h := openHall(t, cfg)
		acquire(t, h.g, engine.Demand{InputTokens: 880, OutputTokens: 880})
		hog := acquire(t, h.g, engine.Demand{InputTokens: 60, OutputTokens: 60})
		for i := range 300 {
			d := engine.Demand{InputTokens: 400, OutputTokens: 10}
			if i%2 == 1 {
				d = engine.Demand{InputTokens: 10, OutputTokens: 400}
			}
			h.wait(fmt.Sprint(i), d)
		}
		last := h.wait("last", engine.Demand{InputTokens: 100, OutputTokens: 100})
		require.Empty(t, h.admitted())
		hog.Release()
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"last"}, h.admitted())
		require.True(t, last.done())
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.GreaterOrEqual(t, len(h.admitted()), 1+5*4, "four fit in a minute")
	})
}
