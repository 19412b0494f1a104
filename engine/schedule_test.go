//go:build invariants

package engine_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/internal/invariants"
)

// A schedule plays the engine's own code: of two callers one runs at a time, and
// at each point where the code may yield the schedule says who goes on.
type schedule struct {
	switches []int // the points, in the order they are met, at which the other caller goes on
	met      int
	running  int
	over     [2]bool
	turn     [2]chan struct{}
}

// yield is the hook: it hands over at the points of the schedule.
func (s *schedule) yield() {
	at := s.met
	s.met++
	if len(s.switches) == 0 || s.switches[0] != at || s.over[1-s.running] {
		return
	}
	s.switches = s.switches[1:]
	me := s.running
	s.running = 1 - me
	s.turn[s.running] <- struct{}{}
	<-s.turn[me]
}

// play runs two callers by the schedule and returns how many points were met.
func (s *schedule) play(first, second func()) int {
	done := make(chan struct{})
	for k, f := range []func(){first, second} {
		s.turn[k] = make(chan struct{})
		go func() {
			<-s.turn[k]
			f()
			s.over[k] = true
			if s.over[1-k] {
				close(done)
				return
			}
			s.running = 1 - k
			s.turn[1-k] <- struct{}{}
		}()
	}
	defer invariants.Hook(s.yield)()
	s.turn[0] <- struct{}{}
	<-done
	return s.met
}

// interleave plays a scene by every schedule of at most that many switches. A
// scene returns its two callers and a check of what they leave behind.
func interleave(t *testing.T, switches int, scene func(t *testing.T) (first, second, check func())) (played int) {
	t.Helper()
	var from func(prefix []int)
	from = func(prefix []int) {
		if t.Failed() {
			return
		}
		first, second, check := scene(t)
		points := (&schedule{switches: prefix}).play(first, second)
		played++
		if check(); t.Failed() {
			t.Logf("the schedule switches callers at the points %v", prefix)
			return
		}
		if len(prefix) == switches {
			return
		}
		next := 0
		if len(prefix) > 0 {
			next = prefix[len(prefix)-1] + 1
		}
		for at := next; at < points; at++ {
			from(append(prefix[:len(prefix):len(prefix)], at))
		}
	}
	from(nil)
	return played
}

// between plays an operation once for every way to place moves, each whole, in
// their order and at most one at a point, where the operation may yield. A scene returns the
// operation, the moves and a check.
func between(t *testing.T, scene func(t *testing.T) (operation func(), moves []func(), check func())) (played int) {
	t.Helper()
	var from func(at []int)
	from = func(at []int) {
		operation, moves, check := scene(t)
		points, done := 0, 0
		remove := invariants.Hook(func() {
			if done < len(at) && at[done] == points {
				moved := invariants.Hook(func() {})
				moves[done]()
				moved()
				done++
			}
			points++
		})
		operation()
		remove()
		played++
		if check(); t.Failed() {
			t.Logf("the moves were made at the points %v", at)
			return
		}
		if len(at) == len(moves) {
			return
		}
		next := 0
		if len(at) > 0 {
			next = at[len(at)-1] + 1
		}
		for p := next; p < points && !t.Failed(); p++ {
			from(append(at[:len(at):len(at)], p))
		}
	}
	from(nil)
	return played
}

// onePlace is a limit that admits one request of one token.
var onePlace = map[string]engine.Limits{
	"requests":  {RPM: 1},
	"tokens":    {TPM: 1},
	"in flight": {MaxInFlight: 1},
	"input":     {InputTPM: 1},
}

// moving is a group of two deployments with one place each, of which a mover holds
// one, and whose block has remembered a refusal.
func moving(t *testing.T, strategy engine.Strategy, limits engine.Limits) (g *engine.Group, held *engine.Lease) {
	t.Helper()
	e, _ := start(t, engine.Config{Strategy: strategy, Rand: func() uint64 { return 7 }, Deployments: []engine.Deployment{
		{ID: "a", Group: "g", Limits: limits}, {ID: "b", Group: "g", Limits: limits},
	}})
	g = group(t, e, "g")
	held, other := acquire(t, g, exactly(1)), acquire(t, g, exactly(1))
	if held.Ref().ID() != "a" {
		held, other = other, held // a search looks at a first: it has a long way to go
	}
	_, ok := g.TryAcquire(exactly(1))
	require.False(t, ok)
	other.Release()
	return g, held
}

// oneLeft checks at rest that the group has exactly one place left.
func oneLeft(t *testing.T, g *engine.Group) {
	t.Helper()
	l, ok := g.TryAcquire(exactly(1))
	require.True(t, ok, "at rest the free place is found")
	_, ok = g.TryAcquire(exactly(1))
	require.False(t, ok)
	l.Release()
}

// moveTo returns a function that takes the free place and then gives the held one back, unless a
// search holds the free one.
func moveTo(g *engine.Group, held *engine.Lease) func() {
	return func() {
		other, ok := g.TryAcquire(exactly(1))
		if !ok {
			return
		}
		held.Release()
		held = &other
	}
}

// searchFor returns a function that takes a place, counts a refusal, and gives the place back.
func searchFor(g *engine.Group, refusals *int) func() {
	return func() {
		l, ok := g.TryAcquire(exactly(1))
		if !ok {
			*refusals++
		}
		l.Release()
	}
}

// eachMoving runs f for these limits of one place and both ranked strategies.
func eachMoving(t *testing.T, names []string, f func(t *testing.T, strategy engine.Strategy, limits engine.Limits)) {
	for _, name := range names {
		limits := onePlace[name]
		for _, strategy := range []engine.Strategy{engine.LowestTPM, engine.LeastUtilized} {
			t.Run(name+"/"+strategy.String(), func(t *testing.T) { f(t, strategy, limits) })
		}
	}
}

// TestNoRefusalWhileThePlaceMoves: of two places one is free at any time but moves
// while a search is under way. The search is not refused, wherever between its
// steps the place moves.
func TestNoRefusalWhileThePlaceMoves(t *testing.T) {
	eachMoving(t, []string{"tokens", "in flight"}, func(t *testing.T, strategy engine.Strategy, limits engine.Limits) {
		played := between(t, func(t *testing.T) (search func(), moves []func(), check func()) {
			g, held := moving(t, strategy, limits)
			var refusals int
			move := moveTo(g, held)
			search = searchFor(g, &refusals)
			moves = []func(){move, move, move, move, move}
			if raceEnabled { // one goroutine at a time
				moves = moves[:3]
			}
			return search, moves, func() {
				require.Zero(t, refusals)
				oneLeft(t, g)
			}
		})
		require.Greater(t, played, 100)
	})
}

// TestInterleavedCallers: a caller gives its place back and takes the other one
// while another caller takes and gives one back. None is refused, by no
// interleaving of two switches, and no place is lost.
func TestInterleavedCallers(t *testing.T) {
	eachMoving(t, slices.Sorted(maps.Keys(onePlace)), func(t *testing.T, strategy engine.Strategy, limits engine.Limits) {
		played := interleave(t, 2, func(t *testing.T) (mover, searcher, check func()) {
			g, held := moving(t, strategy, limits)
			var refusals int
			mover = func() {
				for range 2 {
					held.Release()
					l, ok := g.TryAcquire(exactly(1))
					if !ok {
						refusals++
					}
					held = &l
				}
			}
			searcher = searchFor(g, &refusals)
			return mover, searcher, func() {
				require.Zero(t, refusals)
				oneLeft(t, g)
			}
		})
		require.Greater(t, played, 100)
	})
}

// TestNoRefusalWhileThePlaceMovesBetweenOrders is TestNoRefusalWhileThePlaceMoves with the two
// places in different Orders, of which one is searched after the other.
func TestNoRefusalWhileThePlaceMovesBetweenOrders(t *testing.T) {
	eachMoving(t, []string{"tokens", "in flight"}, func(t *testing.T, strategy engine.Strategy, limits engine.Limits) {
		played := between(t, func(t *testing.T) (search func(), moves []func(), check func()) {
			e, _ := start(t, engine.Config{Strategy: strategy, Deployments: []engine.Deployment{
				{ID: "a", Group: "g", Limits: limits}, {ID: "b", Group: "g", Limits: limits, Order: 1},
			}})
			g := group(t, e, "g")
			held := acquire(t, g, exactly(1))
			var refusals int
			move := moveTo(g, held)
			search = searchFor(g, &refusals)
			return search, []func(){move, move}, func() {
				require.Zero(t, refusals)
				oneLeft(t, g)
			}
		})
		require.Greater(t, played, 100)
	})
}
