//go:build invariants

package engine_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// TestNoRefusalWhileAViewIsPublished: of two places one is free at any time but moves, while an
// Apply publishes another view. A search that begins between two steps of the Apply is not
// refused, wherever between its own steps the place moves three times. The Apply limits the
// leases of one full deployment and lowers the limit of another, so that it has steps before and
// after it stores the seats.
func TestNoRefusalWhileAViewIsPublished(t *testing.T) {
	const steps = 16 // of a search
	published := 0
	for at, met := int64(1), true; met; at++ {
		for i := range int64(steps) {
			for j := i + 1; j < steps; j++ {
				for k := j + 1; k < steps; k++ {
					ok := false
					met, ok = searchDuringApply(t, at, []int64{i, j, k})
					require.True(t, ok, "at point %d of the Apply, with moves at points %d, %d and %d of the search", at, i, j, k)
				}
			}
		}
		published++
	}
	require.Greater(t, published, 8)
}

// searchDuringApply searches at a point of an Apply, and moves the place at points of the search.
func searchDuringApply(t *testing.T, at int64, moves []int64) (met, admitted bool) {
	t.Helper()
	draw := uint64(0)
	cfg := engine.Config{Strategy: engine.PowerOfTwo, Rand: func() uint64 { return draw<<60 | 1 }}
	for _, id := range []string{"a", "b", "c", "d"} {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "g", Limits: engine.Limits{RPM: 1, TPM: 10}})
	}
	e, _ := start(t, cfg)
	g := group(t, e, "g")
	draws := []uint64{0, 4} // of a and b
	take := func() *engine.Lease {
		draw = draws[0]
		l, _ := g.TryAcquire(exactly(1))
		draw = 0
		draws[0], draws[1] = draws[1], draws[0]
		return &l
	}
	for _, draw = range []uint64{8, 12} { // c and d
		acquire(t, g, exactly(1))
	}
	held := take()
	require.Equal(t, "a", held.Ref().ID())
	var points, searched atomic.Int64
	var searching atomic.Bool
	var wg sync.WaitGroup
	remove := invariants.Hook(func() {
		if searching.Load() {
			if n := searched.Add(1) - 1; slices.Contains(moves, n) && held.Ref() != (engine.Ref{}) {
				defer invariants.Hook(func() {})()
				held.Release()
				held = take()
			}
			return
		}
		if points.Add(1) != at {
			return
		}
		searching.Store(true)
		wg.Go(func() { _, admitted = g.TryAcquire(exactly(1)) })
		for range 50 { // until it waits for the Apply, or is through
			runtime.Gosched()
		}
		searching.Store(false)
		points.Add(1 << 32)
	})
	cfg.Deployments = slices.Clone(cfg.Deployments)
	cfg.Deployments[2].Limits.MaxInFlight, cfg.Deployments[3].Limits.TPM = 1, 9
	cfg.Clock = nil
	err := e.Apply(cfg)
	met = points.Load() >= at
	wg.Wait()
	remove()
	require.NoError(t, err)
	return met, !met || admitted
}
