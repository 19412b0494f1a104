//go:build invariants

package engine_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// halting begins an operation on another goroutine and returns once it has met that many
// points or is over. The returned function lets it go on and waits for its end.
func halting(at int, operation func()) (met bool, goOn func()) {
	var points int
	resume, over, halted := make(chan struct{}), make(chan struct{}), make(chan struct{})
	halt := sync.OnceFunc(func() { close(halted) })
	remove := invariants.Hook(func() {
		if points++; points == at {
			halt()
			<-resume
		}
	})
	go func() {
		defer close(over)
		defer halt()
		operation()
	}()
	<-halted
	remove()
	return points >= at, sync.OnceFunc(func() {
		close(resume)
		<-over
	})
}

// TestNoRefusalByTheFirstSearchThatWatches: of three places one is free at any time, and no search
// has watched their block yet. Two callers give theirs back, each halted between two steps, while
// a search begins to watch the block. Wherever between its steps the first caller goes on and
// takes the free place, and the second one then the place of the first, the search is not refused.
func TestNoRefusalByTheFirstSearchThatWatches(t *testing.T) {
	for name, end := range map[string]func(l *engine.Lease){
		"release": (*engine.Lease).Release,
		"settle":  func(l *engine.Lease) { l.Settle(engine.Usage{}) },
	} {
		for _, limit := range []string{"tokens", "in flight", "input"} {
			played := 0
			for at, met := 1, true; met && !t.Failed(); at++ {
				met = false
				played += between(t, func(t *testing.T) (search func(), moves []func(), check func()) {
					draw := uint64(0)
					cfg := engine.Config{Strategy: engine.PowerOfTwo, Rand: func() uint64 { return draw<<60 | 1 }}
					for _, id := range []string{"a", "b", "c"} {
						cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "g", Limits: onePlace[limit]})
					}
					e, _ := start(t, cfg)
					g := group(t, e, "g")
					take := func(sixteenths uint64) *engine.Lease { // draws a deployment that is free first, so that no block is watched
						draw = sixteenths
						l, _ := g.TryAcquire(exactly(1))
						draw = 0
						return &l
					}
					a, b := take(0), take(6)
					require.Equal(t, []string{"a", "b"}, []string{a.Ref().ID(), b.Ref().ID()})
					_, first := halting(at, func() { end(b) })
					halted, second := halting(at, func() { end(a) })
					met = met || halted
					refusals := 0
					search = func() {
						l, ok := g.TryAcquire(exactly(1))
						if !ok {
							refusals++
						}
						l.Release()
					}
					return search, []func(){
							func() { first(); take(12) }, // unless the search has it
							func() { second(); take(6) },
						}, func() {
							first()
							second()
							require.Zero(t, refusals, "%s of %s, halted at point %d", name, limit, at)
						}
				})
			}
			require.Greater(t, played, 100, name)
		}
	}
}
