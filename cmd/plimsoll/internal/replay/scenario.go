package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// ScenarioNames are how requests of a [Scenario] arrive and at which node: evenly
// and at random, a minute's load in 200 ms, mostly at an eighth of the nodes, at one node
// after the other, and evenly while no node reaches the store for five seconds.
var ScenarioNames = []string{"steady", "burst", "skew", "moving", "outage"}

// Scenario is the same load, more than the limits allow, offered to the nodes of several
// rules at once, in real time and by way of a real server.
type Scenario struct {
	Name    string // one of ScenarioNames
	Nodes   Nodes
	Modes   []syncer.Mode // LiteLLM's rule is beside them
	Load    float64       // times each limit
	Minutes int           // whole UTC minutes, from the next one on
	Seed    uint64
	Live    Live // For is not looked at
}

const (
	burstLength = 200 * time.Millisecond
	turnMargin  = 500 * time.Millisecond // before the end of a minute in which nothing is offered
	// openMargin is after a minute's beginning in which nothing is offered: a node whose clock is behind
	// the server's by a few milliseconds would admit it in the minute before, by that minute's limit.
	openMargin = 100 * time.Millisecond
	movesEvery = 5 * time.Second  // from one node to the next
	opening    = 3 * time.Second  // in which a store that is new grants nothing
	outageFrom = 20 * time.Second // into the minute
	outageTo   = 25 * time.Second
)

// scenarioLimits are the limits of a scenario, each of a deployment of its own.
var scenarioLimits = []struct {
	name             string
	rpm, tpm         int64
	smallest, spread int64 // tokens of a request
}{
	{"60 rpm", 60, 0, 1, 1},
	{"600 rpm", 600, 0, 1, 1},
	{"600k tpm", 0, 600_000, 500, 7501},
}

// offer is one request of a scenario.
type offered struct {
	at          time.Duration // into the run
	limit, node int
	cost        int64
}

// offers draws a scenario's requests, in the order of their arrival.
func (s Scenario) offers() (all []offered) {
	draws := rand.New(rand.NewPCG(s.Seed, streamNodes))
	length := time.Minute - openMargin - turnMargin
	if s.Name == "burst" {
		length = burstLength
	}
	for minute := range s.Minutes {
		for i, l := range scenarioLimits {
			mean := float64(2*l.smallest+l.spread-1) / 2
			gap := float64(length) * mean / (s.Load * float64(l.rpm+l.tpm))
			for at := draws.ExpFloat64() * gap; at < float64(length); at += draws.ExpFloat64() * gap {
				o := offered{at: time.Duration(minute)*time.Minute + openMargin + time.Duration(at), limit: i, cost: l.smallest + draws.Int64N(l.spread)}
				switch s.Name {
				case "skew":
					o.node = min(int(draws.ExpFloat64()*float64(s.Nodes.Count)/8), s.Nodes.Count-1)
				case "moving":
					o.node = int(at/float64(movesEvery)) % s.Nodes.Count
				default:
					o.node = draws.IntN(s.Nodes.Count)
				}
				all = append(all, o)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b offered) int { return int(a.at - b.at) })
	return all
}

// taker is a node as a scenario sees it: it takes a request or refuses it.
type taker func(ctx context.Context, cost int64) bool

// contestant is one rule with its nodes, for each limit.
type contestant struct {
	name   string
	fleets []*fleet  // by limit
	nodes  [][]taker // by limit and node
	books  []scenarioBooks
}

// scenarioBooks is the result of one limit under one rule.
type scenarioBooks struct {
	mu                sync.Mutex
	admitted, offered []int64 // of each minute
	requests, refused int64
	waited, vain      int64         // requests that took more than a millisecond; those refused
	wait              time.Duration // of those admitted
}

// RunScenario plays a scenario. It ends early when ctx does, and reports the minutes that
// were over by then.
func RunScenario(ctx context.Context, s Scenario) (*ScenarioReport, error) {
	if s.Nodes.Count < 1 || s.Nodes.Count > MaxNodes || !slices.Contains(ScenarioNames, s.Name) {
		return nil, fmt.Errorf("no scenario %q of %d nodes", s.Name, s.Nodes.Count)
	}
	var down atomic.Bool
	var all []*contestant
	defer func() {
		for _, c := range all {
			for _, f := range c.fleets {
				f.close()
			}
		}
	}()
	for _, mode := range s.Modes {
		c, err := s.engines(mode, &down)
		all = append(all, c)
		if err != nil {
			return nil, err
		}
	}
	c, err := s.litellm(&down)
	all = append(all, c)
	if err != nil {
		return nil, err
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	var nodes, meeting sync.WaitGroup
	defer nodes.Wait()
	defer end()
	for _, c := range all {
		var said sync.Once // the fleets of a rule say the same
		warn := func(text string) { said.Do(func() { s.Live.Warn(text) }) }
		for _, f := range c.fleets {
			f.start(alive, &nodes)
			meeting.Go(func() { f.meet(ctx, warn) })
		}
	}
	meeting.Wait()
	done := s.play(ctx, all, &down)
	return s.report(all, done), nil
}

// engines makes a contestant of engines that hold limits together in a mode.
func (s Scenario) engines(mode syncer.Mode, down *atomic.Bool) (*contestant, error) {
	c := &contestant{name: "plimsoll, " + mode.String()}
	logger := slog.New(&newsHandler{warn: s.Live.Warn, news: &news{last: map[string]time.Time{}}})
	for _, pool := range scenarioPools() {
		f, o := &fleet{simulation: &simulation{report: Report{Policy: c.name}}}, Options{Pool: pool, Nodes: &s.Nodes}
		run, takers := fmt.Sprintf("scenario-%016x", rand.Uint64()), []taker(nil)
		c.fleets = append(c.fleets, f)
		for i := range s.Nodes.Count {
			p, err := newScenarioEngine(pool)
			if err == nil {
				o.Nodes.Mode, o.Nodes.down = mode, down
				err = f.joinEngine(p, fmt.Sprintf("node-%d", i), run, o, s.Live, logger)
			}
			if err != nil {
				return c, err
			}
			takers = append(takers, p.take)
		}
		c.nodes = append(c.nodes, takers)
	}
	return c, nil
}

// litellm makes a contestant of nodes that follow the original's rule.
func (s Scenario) litellm(down *atomic.Bool) (*contestant, error) {
	c := &contestant{name: "litellm"}
	newPolicy, err := PolicyNamed("litellm", nil)
	if err != nil {
		return c, err
	}
	for _, pool := range scenarioPools() {
		f, takers := &fleet{simulation: &simulation{report: Report{Policy: c.name}}}, []taker(nil)
		c.fleets = append(c.fleets, f)
		run := fmt.Sprintf("scenario-%016x", rand.Uint64())
		for i := range s.Nodes.Count {
			p, err := newPolicy(pool, nil, s.Seed+uint64(i))
			if err != nil {
				return c, err
			}
			base, ok := p.(baselinePolicy)
			if !ok {
				return c, errors.New("litellm is no rule of its own")
			}
			shares, ok := base.baseline.(sharesRequests)
			if !ok {
				return c, errors.New("litellm shares nothing")
			}
			n := newPusher(shares.shares(), Options{Pool: pool, Nodes: &s.Nodes}, s.Live, run)
			n.down = down
			f.peers = append(f.peers, n)
			policy := lockedPolicy{&n.mu, p}
			takers = append(takers, func(_ context.Context, cost int64) bool {
				r := trace.Request{Input: cost}
				a, ok := policy.Admit(r, nil)
				if ok {
					a.Served(r)
				}
				return ok
			})
		}
		c.nodes = append(c.nodes, takers)
	}
	return c, nil
}

func scenarioPools() (pools [][]provider.Deployment) {
	for _, l := range scenarioLimits {
		pools = append(pools, []provider.Deployment{{ID: l.name, RPM: l.rpm, TPM: l.tpm}})
	}
	return pools
}

// play offers everything to all at once, and returns how many minutes were played.
func (s Scenario) play(ctx context.Context, all []*contestant, down *atomic.Bool) (minutes int) {
	for _, c := range all {
		c.books = make([]scenarioBooks, len(scenarioLimits))
		for i := range c.books {
			c.books[i].admitted, c.books[i].offered = make([]int64, s.Minutes), make([]int64, s.Minutes)
		}
	}
	begin := time.Unix(window.StartSeconds(window.EpochAt(time.Now().Add(opening).UnixNano())+1), 0)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, o := range append(s.offers(), offered{at: time.Duration(s.Minutes)*time.Minute - turnMargin/2, limit: -1}) {
		if !s.wait(ctx, begin, begin.Add(o.at), down) {
			return max(int(time.Since(begin)/time.Minute), 0)
		}
		if o.limit < 0 {
			break
		}
		minute := int(o.at / time.Minute)
		for _, c := range all {
			wg.Go(func() { c.books[o.limit].enter(ctx, minute, o.cost, c.nodes[o.limit][o.node]) })
		}
	}
	return s.Minutes
}

// wait waits until an instant, takes the store away when it is due, and reports progress.
func (s Scenario) wait(ctx context.Context, begin, until time.Time, down *atomic.Bool) bool {
	for {
		into := time.Since(begin)
		if s.Live.Progress != nil {
			s.Live.Progress(max(into, 0))
		}
		down.Store(s.Name == "outage" && into >= 0 && into%time.Minute >= outageFrom && into%time.Minute < outageTo)
		left := time.Until(until)
		if left <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(min(left, redraw)):
		}
	}
}

// enter offers a request to a node and enters the result.
func (b *scenarioBooks) enter(ctx context.Context, minute int, cost int64, take taker) {
	begun := time.Now()
	ok := take(ctx, cost)
	took := time.Since(begun)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	b.offered[minute] += cost
	late := took > time.Millisecond
	if late {
		b.waited++
	}
	switch {
	case ok:
		b.admitted[minute] += cost
		if late {
			b.wait += took
		}
	case late:
		b.vain++
		fallthrough
	default:
		b.refused++
	}
}
