package replay

import (
	"context"
	"errors"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// store creates the store for a policy, and returns the function that connects a
// node to it; nil for a policy that shares nothing.
func (c *cluster) store(p Policy, pool []provider.Deployment) func(name string, p Policy) (sharer, error) {
	if _, ok := p.(*enginePolicy); ok {
		mem := memstore.New(memstore.Config{Now: func() time.Time { return c.at }})
		return func(name string, p Policy) (sharer, error) {
			return c.joinEngine(mem, name, p.(*enginePolicy), pool)
		}
	}
	if b, ok := p.(baselinePolicy); ok {
		if _, ok := b.baseline.(sharesRequests); ok {
			shared := litellm.NewShared()
			return func(_ string, p Policy) (sharer, error) {
				return &requestSharer{cluster: c, shared: shared, strategy: p.(baselinePolicy).baseline.(sharesRequests).shares()}, nil
			}
		}
	}
	return nil
}

// engineSharer is the syncer of a node's engine.
type engineSharer struct {
	*memstore.Store
	syncer *syncer.Syncer
	travel func() bool // of the exchange under way
}

func (c *cluster) joinEngine(mem *memstore.Store, name string, p *enginePolicy, pool []provider.Deployment) (sharer, error) {
	s := &engineSharer{Store: mem}
	var err error
	s.syncer, err = syncer.New(p.engine, s, syncer.Config{
		Node: name, Interval: c.size.Interval, Clock: p.clock, Nodes: c.size.Count,
		Deployments: deploymentIDs(pool),
	})
	if err == nil && !s.exchange(func() bool { return true }) { // a gateway is ready after its first exchange
		err = errStopped
	}
	return s, err
}

// deploymentIDs returns a function by which a syncer lists the deployments that its
// node may be asked for.
func deploymentIDs(pool []provider.Deployment) func(dst []string) []string {
	return func(dst []string) []string {
		for _, d := range pool {
			dst = append(dst, d.ID)
		}
		return dst
	}
}

var errStopped = errors.New("the replay is over")

// exchange implements [sharer].
func (s *engineSharer) exchange(travel func() bool) bool {
	s.travel = travel
	return s.syncer.Sync(context.Background()) == nil
}

// Exchange implements [syncer.Store]: the one in memory, and the way to it and
// back. It ignores the context, whose deadline is in real time.
func (s *engineSharer) Exchange(_ context.Context, b syncer.Batch, r *syncer.Reply) error {
	if !s.travel() {
		return errStopped
	}
	if err := s.Store.Exchange(context.Background(), b, r); err != nil {
		return err
	}
	if !s.travel() {
		return errStopped
	}
	return nil
}

// sharesRequests is a baseline whose nodes share their request counts.
type sharesRequests interface{ shares() *litellm.Strategy }

func (p *router) shares() *litellm.Strategy { return p.strategy }

// requestSharer pushes the request counts of a node's strategy.
type requestSharer struct {
	cluster  *cluster
	shared   *litellm.Shared
	strategy *litellm.Strategy
	pushes   []litellm.Push
}

// exchange implements [sharer]. A node without new requests reads no totals, as in
// LiteLLM.
func (s *requestSharer) exchange(travel func() bool) bool {
	s.pushes = s.strategy.AppendPushes(s.pushes[:0], s.cluster.at)
	if len(s.pushes) == 0 {
		return true
	}
	if !travel() {
		return false
	}
	s.shared.Add(s.pushes)
	if !travel() {
		return false
	}
	s.strategy.Merge(s.cluster.at, s.pushes)
	return true
}
