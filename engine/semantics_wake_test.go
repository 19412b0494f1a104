package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// TestWakeIsLeftToTheDriver: with Config.Wake capacity that is freed wakes no waiter by
// itself; calling what Wake was given serves the line.
func TestWakeIsLeftToTheDriver(t *testing.T) {
	bubble(t, func(t *testing.T, s engine.Strategy) {
		var wakes []func()
		cfg := chat(s, 1, engine.Limits{TPM: 100})
		cfg.Wake = func(wake func()) { wakes = append(wakes, wake) }
		h := openHall(t, cfg)
		full, ok := h.g.TryAcquire(exactly(100))
		require.True(t, ok)
		w := h.wait("first", exactly(60))
		require.Empty(t, wakes)
		full.Settle(engine.Usage{InputTokens: 10})
		synctest.Wait()
		require.False(t, w.done())
		require.NotEmpty(t, wakes)
		for _, wake := range wakes {
			wake()
			synctest.Wait()
		}
		require.True(t, w.done())
		require.NoError(t, w.err())
		w.lease.Release()

		// The clock wakes waiters as ever.
		again, ok := h.g.TryAcquire(exactly(50))
		require.True(t, ok)
		defer again.Release()
		next := h.wait("second", exactly(100))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, next.done())
	})
}

// TestWaitGoesOnInTheGroupThatIsAddedAgain: waiters of a group that is dropped and added again
// before they are woken wait in the new group, and so does a call of Wait by the old handle.
func TestWaitGoesOnInTheGroupThatIsAddedAgain(t *testing.T) {
	for _, waits := range []bool{false, true} {
		bubble(t, func(t *testing.T, s engine.Strategy) {
			var wakes []func()
			cfg := chat(s, 1, engine.Limits{TPM: 100})
			cfg.Wake = func(wake func()) { wakes = append(wakes, wake) }
			h := openHall(t, cfg)
			full, ok := h.g.TryAcquire(exactly(100))
			require.True(t, ok)
			var ws []*waiting
			if waits {
				ws = append(ws, h.wait("before", exactly(60)))
			}
			gone := cfg
			gone.Deployments = slices.Clone(cfg.Deployments)
			gone.Deployments[0].Group = "other" // it takes its usage along
			require.NoError(t, h.e.Apply(gone))
			require.NoError(t, h.e.Apply(cfg))
			ring := func() {
				for _, wake := range wakes {
					wake()
				}
				synctest.Wait()
			}
			ring()
			ws = append(ws, h.wait("after", exactly(40)))
			for _, w := range ws {
				require.False(t, w.done(), "the deployment keeps its usage")
			}
			full.Settle(engine.Usage{})
			ring()
			for _, w := range ws {
				require.True(t, w.done())
				require.NoError(t, w.err())
				w.lease.Release()
			}
		})
	}
}
