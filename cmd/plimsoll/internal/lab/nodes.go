package lab

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// exchangesForOne is in how many exchanges in a row a node asks for the budget that a call lacks.
const exchangesForOne = 3

const interval = 100 * time.Millisecond // between two exchanges of a node, give or take a tenth

// cluster is several nodes with an engine each, which share usage through one store. Every
// attempt goes to a node drawn by its call.
type cluster struct {
	draws draws
	nodes []*enginePolicy
}

// policyOf makes the policy, or one for each node.
func (s *simulation) policyOf(setting *Setting, kind PolicyKind) (Policy, error) {
	first, err := kind.New(setting)
	if err != nil {
		return nil, err
	}
	own, shares := first.(*enginePolicy)
	if s.world.Nodes < 2 || !shares {
		return first, nil // the other policies run on one node, which favours them
	}
	c := &cluster{draws: s.draws}
	mem := memstore.New(memstore.Config{Now: setting.Now})
	for i := range s.world.Nodes {
		node := own
		if i > 0 {
			at := *setting
			at.Seed = s.draws.at(forEngine, uint64(i), 0)
			p, err := kind.New(&at)
			if err != nil {
				return nil, err
			}
			node = p.(*enginePolicy)
		}
		c.nodes = append(c.nodes, node)
		if err := s.share(mem, node, i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Admit implements [Policy].
func (c *cluster) Admit(number uint64, r trace.Request, tried []int, answer func(Attempt)) {
	node := c.draws.at(forNode, number, uint64(len(tried))) % uint64(len(c.nodes))
	c.nodes[node].Admit(number, r, tried, answer)
}

var errEnded = errors.New("the run has ended")

// traveling is a store at the end of a network.
type traveling struct {
	*memstore.Store
	travel func() bool
}

// Exchange implements [syncer.Store].
func (t *traveling) Exchange(_ context.Context, b syncer.Batch, r *syncer.Reply) error {
	if !t.travel() {
		return errEnded
	}
	if err := t.Store.Exchange(context.Background(), b, r); err != nil {
		return err
	}
	if !t.travel() {
		return errEnded
	}
	return nil
}

// share lets a node exchange usage from now on. Its syncer runs in a coroutine, which the
// simulation continues when the time that it waits for has passed.
func (s *simulation) share(mem *memstore.Store, node *enginePolicy, place int) error {
	store := &traveling{Store: mem, travel: func() bool { return true }}
	sync, err := syncer.New(node.engine, store, syncer.Config{
		Node: fmt.Sprintf("node-%d", place), Interval: interval, Clock: node.clock, Nodes: s.world.Nodes, Mode: s.world.Mode,
		Deployments: func(dst []string) []string {
			for _, d := range node.setting.Pool {
				dst = append(dst, d.ID)
			}
			return dst
		},
	})
	if err != nil {
		return err
	}
	if err := sync.Sync(context.Background()); err != nil { // a gateway is ready after its first exchange
		return err
	}
	// wanted: a demand was refused since the last exchange began. For one that lacks a grant
	// still, a syncer that runs exchanges again at once: its totals were too old to grant all.
	idle, wanted, more := false, false, 0
	next, stop := iter.Pull(func(yield func(time.Duration) bool) {
		for n := uint64(0); ; n++ {
			u := s.draws.uniform(forNode, uint64(1000+place), n)
			if !wanted {
				idle = true
				if !yield(time.Duration((0.9 + 0.2*u) * float64(interval))) {
					return
				}
				idle = false
			}
			wanted = false
			more--
			way := time.Duration((0.5 + 2*s.draws.uniform(forNode, uint64(2000+place), n)) * float64(time.Millisecond))
			ended := false
			store.travel = func() bool { ended = ended || !yield(way); return !ended }
			if _ = sync.Sync(context.Background()); ended {
				return
			}
			wanted = wanted || more > 0 && node.open > 0
		}
	})
	s.closing = append(s.closing, stop)
	var step func()
	latest := 0 // of the waits; an earlier one was cut short
	step = func() {
		d, ok := next()
		if !ok {
			return
		}
		latest++
		at := latest
		s.exchanges++
		s.after(d, func() {
			s.exchanges--
			if at == latest && (s.now < s.deployments[0].end || len(s.events.heap) > s.exchanges) {
				step()
			}
		})
	}
	step()
	if s.world.Mode != syncer.Usage {
		node.short = func() {
			if wanted, more = true, exchangesForOne; idle {
				step()
			}
		}
		s.waits.asks = append(s.waits.asks, node.ask)
	}
	return nil
}
