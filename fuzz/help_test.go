package fuzz

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/window"
)

// epoch0 is the epoch at which virtual time begins in every test.
const epoch0 = int64(30_000_000)

// minute is the length of a window in nanoseconds.
const minute = int64(time.Minute)

// strategies are all there are.
var strategies = []engine.Strategy{engine.LeastUtilized, engine.LowestTPM, engine.PowerOfTwo, engine.Weighted, engine.LeastBusy}

// ranked are the strategies that keep an order in an index.
var ranked = []engine.Strategy{engine.LowestTPM, engine.LeastUtilized}

// virtual is a time that moves only when a test moves it.
type virtual struct {
	ns    atomic.Int64
	rolls atomic.Int64 // how often it was seen to pass the end of a minute
}

func newVirtual() *virtual {
	v := &virtual{}
	v.ns.Store(epoch0 * minute)
	return v
}

func (v *virtual) clock() *window.Clock {
	return window.NewClockFrom(func() time.Time { return time.Unix(0, v.ns.Load()) })
}

func (v *virtual) add(d time.Duration) { v.ns.Add(int64(d)) }

// splitmix is a source of random bits that is safe for concurrent use and the
// same in every run of a seed.
func splitmix(seed uint64) func() uint64 {
	var state atomic.Uint64
	state.Store(seed)
	return func() uint64 {
		z := state.Add(0x9E3779B97F4A7C15)
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
}

// par runs f on n goroutines and waits for all of them.
func par(n int, f func(k int)) {
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() { f(k) })
	}
	wg.Wait()
}

// background runs f again and again until the returned function is called,
// which waits for f's last run. f may yield but must not block.
func background(f func(round int)) (stop func()) {
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !done.Load(); i++ {
			f(i)
			runtime.Gosched()
		}
	})
	return func() {
		done.Store(true)
		wg.Wait()
	}
}

// goesOn reports whether a worker goes on: for so many rounds and, where a busy machine
// leaves time no turn, until it has moved least times, within a hundred times the rounds.
func goesOn(round, rounds int, moves *atomic.Int64, least int64) bool {
	return round < rounds || moves.Load() < least && round < 100*rounds
}

// A pacer moves time only when every worker has come round since the last
// move: no operation ever meets two of them.
type pacer struct {
	rounds [workers]atomic.Int64
	last   [workers]int64
}

// done is the round of a worker that is not waited for any more.
const done = int64(1) << 62

// round says that worker k is between two operations; it gives way often enough
// for time to move.
func (p *pacer) round(k int) {
	if p.rounds[k].Add(1)%8 == 0 {
		runtime.Gosched()
	}
}

func (p *pacer) done(k int) { p.rounds[k].Store(done) }

// move calls step, which moves time, if every worker has come round since the
// last step was over.
func (p *pacer) move(step func()) bool {
	for k := range p.rounds {
		if r := p.rounds[k].Load(); r == p.last[k] && r < done {
			return false
		}
	}
	step()
	for k := range p.rounds {
		p.last[k] = p.rounds[k].Load()
	}
	return true
}

// scale is a count of repetitions fit for the way the tests are run.
func scale(n int) int {
	if raceEnabled {
		n /= 6
	}
	switch {
	case testing.Short():
		n /= 6
	case !full:
		n /= 3
	}
	return max(n, 1)
}

// unthirded is scale for what shows too little in a third of the rounds.
func unthirded(n int) int {
	if full || testing.Short() {
		return max(scale(n), n/4)
	}
	return scale(3 * n)
}

// same returns n deployments of one group with the same limits.
func same(n int, group string, l engine.Limits) []engine.Deployment {
	ds := make([]engine.Deployment, n)
	for i := range ds {
		ds[i] = engine.Deployment{ID: fmt.Sprint(group, i), Group: group, Limits: l}
	}
	return ds
}

// start makes an engine on virtual time.
func start(t *testing.T, v *virtual, s engine.Strategy, ds []engine.Deployment) *engine.Engine {
	t.Helper()
	return startTTL(t, v, s, ds, 0)
}

// startTTL is start with a LeaseTTL.
func startTTL(t *testing.T, v *virtual, s engine.Strategy, ds []engine.Deployment, ttl time.Duration) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{Deployments: ds, Strategy: s, Clock: v.clock(), LeaseTTL: ttl, TrackHeld: true})
	require.NoError(t, err)
	return e
}

func group(t *testing.T, e *engine.Engine, name string) *engine.Group {
	t.Helper()
	g, err := e.Group(name)
	require.NoError(t, err)
	return g
}

func ref(t *testing.T, e *engine.Engine, id string) engine.Ref {
	t.Helper()
	r, err := e.Ref(id)
	require.NoError(t, err)
	return r
}

// states maps the engine's states by ID.
func states(e *engine.Engine) map[string]engine.State {
	m := map[string]engine.State{}
	for _, s := range e.AppendStates(nil) {
		m[s.ID] = s
	}
	return m
}

// plain is a demand of exactly n tokens.
func plain(n int64) engine.Demand {
	return engine.Demand{InputTokens: n, OutputTokens: engine.NoOutput}
}

// raceSizes leaves out, under the race detector, the sizes above 65: groups of those are
// searched by blocks too.
func raceSizes(sizes []int) []int {
	if !raceEnabled {
		return sizes
	}
	return slices.DeleteFunc(slices.Clone(sizes), func(n int) bool { return n > 65 })
}

// each runs f for every strategy and size as a subtest.
func each(t *testing.T, ss []engine.Strategy, sizes []int, f func(t *testing.T, s engine.Strategy, n int)) {
	t.Helper()
	for i, s := range ss {
		for k, n := range raceSizes(sizes) {
			if raceEnabled && (i+k)%2 != 0 { // each strategy and each size all the same
				continue
			}
			t.Run(fmt.Sprint(s, "/", n), func(t *testing.T) { f(t, s, n) })
		}
	}
}
