package replay

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/litellm"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

const (
	pushTimeout = time.Second
	pushTTL     = 60 // seconds that a counter lives, from its creation
)

// pusher shares the request counts of one process of the original by its own
// commands: once an interval a pipeline of increments, whose answers it merges.
// The counts of a failed push are lost, as in LiteLLM.
type pusher struct {
	address, prefix string
	interval        time.Duration
	pool            []provider.Deployment
	seen            *watch
	down            *atomic.Bool // the server is out of reach; nil = never

	mu       sync.Mutex // of the strategy
	strategy *litellm.Strategy

	client valkey.Client // nil before the first connection
	pushes []litellm.Push
}

// newPusher returns a pusher with keys of this run's own.
func newPusher(strategy *litellm.Strategy, o Options, l Live, run string) *pusher {
	return &pusher{
		address: l.Address, prefix: "plimsoll2:" + run + ":", interval: o.Nodes.Interval, pool: o.Pool,
		seen: newWatch(), strategy: strategy,
	}
}

func (p *pusher) run(ctx context.Context) {
	tick := time.NewTicker(p.interval)
	defer tick.Stop()
	for {
		begin := time.Now()
		sent, err := p.push(ctx)
		if ctx.Err() != nil {
			return
		}
		if sent || err != nil {
			p.seen.exchanged(0, begin, time.Now(), err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// push reports the counts since the last one, and applies the totals;
// the first also connects. Sent is false if there was nothing to report.
func (p *pusher) push(ctx context.Context) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	p.mu.Lock()
	p.pushes = p.strategy.AppendPushes(p.pushes[:0], time.Now())
	p.mu.Unlock()
	if p.client == nil {
		if p.client, err = valkeystore.Dial(ctx, p.address); err != nil {
			p.client = nil
			return false, err
		}
		sent = true
	}
	if len(p.pushes) == 0 {
		return sent, nil
	}
	if p.down != nil && p.down.Load() {
		return false, errDown
	}
	commands := make(valkey.Commands, 0, 2*len(p.pushes))
	for _, c := range p.pushes {
		key := p.key(c)
		commands = append(commands,
			p.client.B().Incrby().Key(key).Increment(c.Added).Build(),
			p.client.B().Expire().Key(key).Seconds(pushTTL).Nx().Build())
	}
	results := p.client.DoMulti(ctx, commands...)
	for i, r := range results {
		n, err := r.AsInt64()
		if err != nil {
			return false, err
		}
		if i%2 == 0 {
			p.pushes[i/2].Total = n
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strategy.Merge(time.Now(), p.pushes)
	return true, nil
}

// key is the original's, behind the prefix; its model is the deployment's ID.
func (p *pusher) key(c litellm.Push) string {
	id := p.pool[c.Place].ID
	return fmt.Sprintf("%s%s:%s:rpm:%s", p.prefix, id, id, c.Minute.UTC().Format("15-04"))
}

func (p *pusher) met() <-chan struct{} { return p.seen.first }
func (p *pusher) watch() *watch        { return p.seen }

func (p *pusher) sync(begun, ended time.Time) SyncReport { return p.seen.report(begun, ended) }

func (p *pusher) close() {
	if p.client != nil {
		p.client.Close()
	}
}
