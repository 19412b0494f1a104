package replay

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

const (
	// jitter is how far a pause between two exchanges may differ from the
	// interval, as a share of it.
	jitter = 0.1
	// Exchanges take a time between these two, half of it on the way there.
	shortestTrip = time.Millisecond
	longestTrip  = 5 * time.Millisecond
)

// MaxNodes is the largest number of nodes of a replay.
const MaxNodes = 1000

// Nodes is the number of nodes that share a trace, and how often each exchanges
// usage with the store.
type Nodes struct {
	Count    int // from 1 to MaxNodes
	Interval time.Duration
	Mode     syncer.Mode  // in which engines share limits by a real server
	down     *atomic.Bool // no node reaches the server; nil = all do
}

// staleness returns the largest age of a node's totals: the time from the beginning
// of one exchange to the end of the next.
func (n Nodes) staleness() time.Duration {
	return time.Duration((1+jitter)*float64(n.Interval)) + longestTrip
}

// cluster is a policy of many nodes, each with a policy of its own. Every
// attempt goes to a node drawn at random. The nodes share usage through one
// store, in the time of the replay: exchanges that are due are made up before
// anything else happens.
type cluster struct {
	size  Nodes
	now   func() time.Time // of the replay
	at    time.Time        // what the nodes' clocks show; never after now
	nodes []Policy
	lives []*life
	draws *rand.Rand
	audit *audit
}

// life is a node's exchanges, one after the other: what it waits for, and until
// when.
type life struct {
	until time.Time
	next  func() (time.Duration, bool)
	stop  func()
}

// sharer is a node's side of the store.
type sharer interface {
	// exchange reports the node's usage to the store and reads the totals. It calls
	// travel for the way there and for the way back, and gives up when travel
	// returns false.
	exchange(travel func() bool) bool
}

// newCluster makes nodes of a policy that they can share.
func newCluster(size Nodes, newPolicy NewPolicy, pool []provider.Deployment, now func() time.Time, seed uint64) (*cluster, error) {
	if size.Count < 1 || size.Count > MaxNodes {
		return nil, fmt.Errorf("%d nodes are not from 1 to %d", size.Count, MaxNodes)
	}
	c := &cluster{size: size, now: now, at: now(), draws: rand.New(rand.NewPCG(seed, streamNodes)), audit: newAudit(size.Count, size.staleness(), pool, now())}
	clock := func() time.Time { return c.at }
	var join func(name string, p Policy) (sharer, error)
	for i := range size.Count {
		p, err := newPolicy(pool, clock, c.draws.Uint64())
		if err != nil {
			return nil, err
		}
		if join == nil {
			if join = c.store(p, pool); join == nil {
				return nil, errors.New("the policy cannot be shared by several nodes")
			}
		}
		s, err := join(fmt.Sprintf("node-%d", i), p)
		if err != nil {
			return nil, err
		}
		l := &life{until: c.at}
		l.next, l.stop = iter.Pull(c.live(s, rand.New(rand.NewPCG(c.draws.Uint64(), streamNodes))))
		c.nodes, c.lives = append(c.nodes, p), append(c.lives, l)
	}
	return c, nil
}

// live runs a node's exchanges. It yields the times that the node waits.
func (c *cluster) live(s sharer, rng *rand.Rand) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		pause := time.Duration(rng.Float64() * float64(c.size.Interval)) // nodes begin at different times
		for yield(pause) {
			begin := c.at
			way := (shortestTrip + time.Duration(rng.Int64N(int64(longestTrip-shortestTrip)))) / 2
			if !s.exchange(func() bool { return yield(way) }) {
				return
			}
			pause = time.Duration((1 - jitter + 2*jitter*rng.Float64()) * float64(c.size.Interval))
			pause = max(0, pause-c.at.Sub(begin))
		}
	}
}

// catchUp runs the exchanges that are due until now.
func (c *cluster) catchUp() {
	now := c.now()
	for len(c.lives) > 0 { // in real time there are no lives here
		l := c.lives[0] // the one with something to do next
		if l.until.After(now) {
			break
		}
		c.at = l.until
		wait, _ := l.next()
		l.until = c.at.Add(wait)
		c.sink()
	}
	c.at = now
}

// sink moves the first life, which waits for longer now, to its place: lives
// are a heap by until.
func (c *cluster) sink() {
	h := c.lives
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].until.Before(h[child].until) {
			child++
		}
		if !h[child].until.Before(h[i].until) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// close ends the nodes' lives.
func (c *cluster) close() {
	for _, l := range c.lives {
		l.stop()
	}
}

// Admit implements [Policy].
func (c *cluster) Admit(r trace.Request, tried []int) (Attempt, bool) {
	c.catchUp()
	node := c.draws.IntN(len(c.nodes))
	c.audit.offer(c.at, r, len(tried) > 0)
	a, ok := c.nodes[node].Admit(r, tried)
	if !ok {
		c.audit.refuse(r, tried)
		return nil, false
	}
	return &clusterAttempt{a, c, c.audit.admit(c.at, node, a)}, true
}

type clusterAttempt struct {
	Attempt
	cluster *cluster
	charge  charge
}

// Headers implements [Listener], for a policy that listens.
func (a *clusterAttempt) Headers(status int, header func(name string) string, body []byte) {
	if l, ok := a.Attempt.(Listener); ok {
		a.cluster.catchUp()
		l.Headers(status, header, body)
	}
}

// Served implements [Attempt].
func (a *clusterAttempt) Served(r trace.Request) {
	a.cluster.catchUp()
	a.Attempt.Served(r)
	a.cluster.audit.end(a.cluster.at, a.charge, r.Tokens())
}

// Refused implements [Attempt].
func (a *clusterAttempt) Refused(retryAfter time.Duration) {
	a.cluster.catchUp()
	a.Attempt.Refused(retryAfter)
	a.cluster.audit.end(a.cluster.at, a.charge, 0)
}
