package engine_test

import (
	"math"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// inClass is a demand of n tokens of a class.
func inClass(class int, n int64) engine.Demand {
	return engine.Demand{InputTokens: n, OutputTokens: engine.NoOutput, Priority: class}
}

// TestPriorityStopsAtItsShare of every limit, while class 0 goes on.
func TestPriorityStopsAtItsShare(t *testing.T) {
	for name, limits := range map[string]engine.Limits{
		"tpm": {TPM: 101}, "rpm": {RPM: 101}, "in flight": {MaxInFlight: 101}, "input": {InputTPM: 101}, "tpd": {TPD: 101}, "rpd": {RPD: 101},
		"all": {TPM: 101, RPM: 101, MaxInFlight: 101, InputTPM: 101, RPD: 101, TPD: 101},
	} {
		sizes := []int{1, 10, 65}
		if raceEnabled { // one goroutine: nothing to find but time to lose
			sizes = []int{1}
		}
		for _, n := range sizes {
			for _, strategy := range allStrategies {
				cfg := chat(strategy, n, limits)
				cfg.PriorityShare = []float64{1, 0.5, 0.05, 0.001}
				e, _ := start(t, cfg)
				g := group(t, e, "chat")
				admitted := make([]int, 4)
				for class := 3; class >= 0; class-- {
					for {
						r, picked := g.Pick(inClass(class, 1))
						l, ok := g.TryAcquire(inClass(class, 1))
						if name != "in flight" && name != "all" {
							require.Equal(t, ok, picked)
						}
						if !ok {
							break
						}
						require.NotEmpty(t, r.ID())
						require.EqualValues(t, 1, l.Reserved())
						admitted[class]++
					}
					refused := refusal(t, g, inClass(class, 1))
					require.Equal(t, class == 3, refused.Never, "%s: a share of nothing is never there", name)
				}
				require.Equal(t, []int{51 * n, 45 * n, 5 * n, 0}, admitted, "%s, %d, %s", name, n, strategy)
			}
		}
	}
}

// TestPriorityExact: goroutines of all classes run at once; no class takes a
// deployment past its share, and nothing that fits is left.
func TestPriorityExact(t *testing.T) {
	for _, strategy := range allStrategies {
		for name, limits := range map[string]engine.Limits{
			"tpm": {TPM: 1000}, "rpm": {RPM: 1000}, "in flight": {MaxInFlight: 1000}, "days": {RPD: 1000, TPD: 1000},
		} {
			t.Run(strategy.String()+"/"+name, func(t *testing.T) {
				cfg := chat(strategy, 3, limits)
				cfg.PriorityShare = []float64{1, 0.8, 0.5}
				e, _ := start(t, cfg)
				g := group(t, e, "chat")
				done := make(chan [2]int)
				const goroutines = 16
				for k := range goroutines {
					go func() {
						class, n := 1+k%2, 0
						for {
							if _, ok := g.TryAcquire(inClass(class, 1)); !ok {
								break
							}
							n++
						}
						done <- [2]int{class, n}
					}()
				}
				total := 0
				for range goroutines {
					total += (<-done)[1]
				}
				if total != 3*800 { // a demand was refused because another's attempt stayed unfinished for too long
					require.NotZero(t, e.Stats().Contended)
				}
				for { // at rest all that fits is admitted
					if _, ok := g.TryAcquire(inClass(1, 1)); !ok {
						break
					}
					total++
				}
				require.Equal(t, 3*800, total, "what class 1 may fill")
				for _, s := range e.AppendStates(nil) {
					require.EqualValues(t, 800, max(s.Limit(engine.LimitTPM).Used, s.Limit(engine.LimitRPM).Used, s.Limit(engine.LimitInFlight).Used))
				}
				_, ok := g.TryAcquire(inClass(2, 1))
				require.False(t, ok)
				for range 600 {
					acquire(t, g, inClass(0, 1))
				}
				_, ok = g.TryAcquire(inClass(0, 1))
				require.False(t, ok)
			})
		}
	}
}

// TestPriorityPreCheck: classes hold for requests counted without a lease too.
func TestPriorityPreCheck(t *testing.T) {
	for name, limits := range map[string]engine.Limits{"rpm": {RPM: 10, TPM: 100}, "rpd": {RPD: 10, TPM: 100}} {
		cfg := one(limits)
		cfg.PriorityShare = []float64{1, 0.55}
		e, _ := start(t, cfg)
		a := ref(t, e, "a")
		require.True(t, a.PreCheck(inClass(1, 55)), name)
		require.False(t, a.PreCheck(inClass(1, 56)), name)
		for range 4 {
			require.True(t, a.PreCheck(engine.Demand{Priority: 1}), name)
		}
		require.False(t, a.PreCheck(engine.Demand{Priority: 1}), name)
		require.ErrorIs(t, e.PreCheck("a", engine.Demand{Priority: 1}), engine.ErrLimited)
		require.False(t, a.PreCheck(engine.Demand{Priority: 2}), name)
		require.ErrorIs(t, e.PreCheck("a", engine.Demand{Priority: 2}), engine.ErrInvalidDemand)
		require.True(t, a.PreCheck(inClass(0, 100)), name)
	}
}

// TestPriorityUnknown: a class that is not configured is an error that says so.
func TestPriorityUnknown(t *testing.T) {
	e, _ := start(t, one(engine.Limits{}))
	g := group(t, e, "chat")
	for _, class := range []int{-1, 1, math.MaxInt32} {
		d := engine.Demand{Priority: class}
		_, err := g.Acquire(d)
		require.ErrorIs(t, err, engine.ErrInvalidDemand)
		require.ErrorContains(t, err, "Priority")
		require.ErrorContains(t, err, "from 0 to 0")
		_, err = g.Wait(t.Context(), d)
		require.ErrorIs(t, err, engine.ErrInvalidDemand)
		_, err = e.Pick("chat", d)
		require.ErrorIs(t, err, engine.ErrInvalidDemand)
		require.ErrorIs(t, e.Explain("chat", d).Err, engine.ErrInvalidDemand)
		_, ok := g.TryAcquire(d)
		require.False(t, ok)
	}
	require.EqualValues(t, 12, e.Stats().Invalid)
}

// TestPriorityApplied: classes change with the configuration, for usage that
// there is and for those who wait.
func TestPriorityApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := chat(engine.LeastUtilized, 1, engine.Limits{TPM: 100})
		cfg.PriorityShare = []float64{1, 0.5, 0.4}
		h := openHall(t, cfg)
		acquire(t, h.g, exactly(50))
		w1, w2 := h.wait("1", inClass(1, 10)), h.wait("2", inClass(2, 10))
		require.False(t, w1.done() || w2.done())
		cfg.PriorityShare = []float64{1, 0.6}
		require.NoError(t, h.e.Apply(cfg))
		synctest.Wait()
		require.True(t, w1.done() && w2.done())
		require.NoError(t, w1.err())
		require.ErrorIs(t, w2.err(), engine.ErrInvalidDemand, "its class is gone")
	})
}

// TestPriorityInLine: the more important wait in front, others within their
// class in order, and the less important fill less of the line.
func TestPriorityInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := chat(engine.LeastUtilized, 1, engine.Limits{MaxInFlight: 2})
		cfg.PriorityShare, cfg.MaxWaiters = []float64{1, 0.5}, 8
		h := openHall(t, cfg)
		held := []*engine.Lease{acquire(t, h.g, exactly(1)), acquire(t, h.g, exactly(1))}
		for _, name := range []string{"b1", "b2", "b3", "b4"} {
			require.False(t, h.wait(name, inClass(1, 1)).done())
		}
		require.ErrorIs(t, h.wait("b5", inClass(1, 1)).err(), engine.ErrQueueFull)
		for _, name := range []string{"a1", "a2", "a3", "a4"} {
			require.False(t, h.wait(name, inClass(0, 1)).done())
		}
		require.ErrorIs(t, h.wait("a5", inClass(0, 1)).err(), engine.ErrQueueFull)
		lastLease := func() *engine.Lease {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.last
		}
		held[0].Release()
		synctest.Wait()
		for range 3 {
			lastLease().Release()
			synctest.Wait()
		}
		require.Equal(t, []string{"a1", "a2", "a3", "a4"}, h.admitted())
		lastLease().Release()
		synctest.Wait()
		require.Len(t, h.admitted(), 4, "one of two places is class 1's, and it is held")
		held[1].Release()
		synctest.Wait()
		for range 3 {
			lastLease().Release()
			synctest.Wait()
		}
		require.Equal(t, []string{"a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"}, h.admitted())
	})
}

// TestPriorityFirst: waiters of a more important class are served before those that came
// earlier, even if both may fill the limit.
func TestPriorityFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := chat(engine.LeastUtilized, 1, engine.Limits{MaxInFlight: 1})
		cfg.PriorityShare = []float64{1, 1, 1}
		h := openHall(t, cfg)
		h.last = acquire(t, h.g, exactly(1))
		for _, w := range []struct {
			name  string
			class int
		}{{"c1", 2}, {"b1", 1}, {"c2", 2}, {"a1", 0}, {"b2", 1}, {"a2", 0}} {
			require.False(t, h.wait(w.name, inClass(w.class, 1)).done())
		}
		for range 6 {
			h.mu.Lock()
			l := h.last
			h.mu.Unlock()
			l.Release()
			synctest.Wait()
		}
		require.Equal(t, []string{"a1", "a2", "b1", "b2", "c1", "c2"}, h.admitted())
	})
}
