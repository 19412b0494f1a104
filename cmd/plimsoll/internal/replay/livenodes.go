package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// newNodes makes a cluster whose nodes live in real time, and connects them to
// the server under names of this run's own, so that no other run is counted in.
func (f *fleet) newNodes(newPolicy NewPolicy, o Options, l Live) (*cluster, error) {
	c := &cluster{
		size: *o.Nodes, now: func() time.Time { return f.now }, draws: rand.New(rand.NewPCG(o.Seed, streamNodes)),
		audit: newAudit(o.Nodes.Count, 0, o.Pool, time.Time{}),
	}
	run := fmt.Sprintf("replay-%016x", rand.Uint64())
	logger := slog.New(&newsHandler{warn: l.Warn, news: &news{last: map[string]time.Time{}}})
	for i := range o.Nodes.Count {
		p, err := newPolicy(o.Pool, nil, c.draws.Uint64())
		if err != nil {
			return nil, err
		}
		switch p := p.(type) {
		case *enginePolicy:
			if i == 0 {
				f.clock = func() time.Time { return time.Unix(0, p.clock.Now()) }
			}
			err = f.joinEngine(p, fmt.Sprintf("node-%d", i), run, o, l, logger)
			c.nodes = append(c.nodes, p)
		case baselinePolicy:
			shares, ok := p.baseline.(sharesRequests)
			if !ok {
				return nil, errors.New("the policy cannot be shared by several nodes")
			}
			f.clock = time.Now
			n := newPusher(shares.shares(), o, l, run)
			f.peers, c.nodes = append(f.peers, n), append(c.nodes, lockedPolicy{&n.mu, p})
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// joinEngine gives a node's engine a syncer and a connection of its own.
func (f *fleet) joinEngine(p *enginePolicy, name, run string, o Options, l Live, logger *slog.Logger) error {
	store, err := valkeystore.Open(l.Address, valkeystore.Config{Namespace: run, Logger: logger})
	if err != nil {
		return err
	}
	n := &engineNode{Store: store, clock: p.clock, seen: newWatch(), down: o.Nodes.down}
	f.peers = append(f.peers, n)
	n.syncer, err = syncer.New(p.engine, n, syncer.Config{
		Node: name, Interval: o.Nodes.Interval, Clock: p.clock, Nodes: o.Nodes.Count, Logger: logger, Mode: o.Nodes.Mode,
		Deployments: deploymentIDs(o.Pool),
	})
	return err
}

// engineNode is what runs beside a node's engine.
type engineNode struct {
	*valkeystore.Store
	clock  *window.Clock
	syncer *syncer.Syncer
	seen   *watch
	down   *atomic.Bool // the store is out of reach; nil = never
}

// Exchange implements [syncer.Store], and looks at the clock.
func (n *engineNode) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	begin := time.Now()
	err := errDown
	if n.down == nil || !n.down.Load() {
		err = n.Store.Exchange(ctx, b, r)
	}
	if b.Seq != 0 || err != nil { // the first only asks for the epoch
		n.seen.exchanged(b.Bucket, begin, time.Now(), err)
	}
	return err
}

func (n *engineNode) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx)) // the last exchange needs the time
	defer stop()
	wg.Go(func() { _ = n.clock.Run(ticking) }) // fails only where it runs already
	_ = n.syncer.Run(ctx)                      // what kept the last exchange from succeeding is in the report
}

func (n *engineNode) met() <-chan struct{} { return n.seen.first }
func (n *engineNode) close()               { n.Close() }
func (n *engineNode) watch() *watch        { return n.seen }

func (n *engineNode) sync(begun, ended time.Time) SyncReport {
	r, st := n.seen.report(begun, ended), n.syncer.Stats()
	r.AwayS = st.Degraded.Seconds()
	return r
}

// lockedPolicy is a policy whose usage is exchanged on another goroutine.
type lockedPolicy struct {
	mu *sync.Mutex
	Policy
}

// Admit implements [Policy].
func (p lockedPolicy) Admit(r trace.Request, tried []int) (Attempt, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.Policy.Admit(r, tried)
	if !ok {
		return nil, false
	}
	return lockedAttempt{p.mu, a}, true
}

type lockedAttempt struct {
	mu *sync.Mutex
	Attempt
}

// Served implements [Attempt].
func (a lockedAttempt) Served(r trace.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Attempt.Served(r)
}

// Refused implements [Attempt].
func (a lockedAttempt) Refused(retryAfter time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Attempt.Refused(retryAfter)
}
