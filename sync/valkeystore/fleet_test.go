package valkeystore_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// fleet is some gateways, each an engine with a syncer and a store of its own,
// under load.
type fleet struct {
	t           testing.TB
	deployments int
	prefix      string // of the deployments' IDs; "" = "dep"
	limits      engine.Limits
	mode        syncer.Mode
	away        syncer.Policies
	between     func(*valkeystore.Store) syncer.Store // of syncer and store; nil = nothing
	gateways    []*gateway
	log         logged
}

// tap stands between an engine and its syncer, who alone may collect: it keeps
// what the engine says for the test, which may ask at any time.
type tap struct {
	*engine.Engine
	mu     sync.Mutex
	seen   map[place]window.Tally
	missed []window.Report // what the test asked for before the syncer did
}

func (p *tap) Collect(dst []window.Report) []window.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collect()
	dst = append(dst, p.missed...)
	p.missed = p.missed[:0]
	return dst
}

func (p *tap) collect() {
	from := len(p.missed)
	p.missed = p.Engine.Collect(p.missed)
	for _, r := range p.missed[from:] {
		r.CoolUntil = 0
		p.seen[placeOf(r.Tally)] = r.Tally
	}
}

// own returns what the engine has used of the windows that count.
func (p *tap) own() map[place]window.Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collect()
	since := begin() - 60
	maps.DeleteFunc(p.seen, func(at place, _ window.Tally) bool { return !at.kind.Daily() && at.start < since })
	return maps.Clone(p.seen)
}

// gateway is one node.
type gateway struct {
	engine *tap
	syncer *syncer.Syncer
	store  *valkeystore.Store
	clock  *window.Clock
	proxy  *servertest.Proxy // nil = none between
	group  *engine.Group
	stop   context.CancelFunc
	ended  chan struct{}
	idle   context.CancelFunc // ends the load
	work   sync.WaitGroup
}

const groupName = "chat"

func (f *fleet) config() engine.Config {
	cfg := engine.Config{Strategy: engine.PowerOfTwo}
	const much = 1 << 40
	for i := range f.deployments {
		d := engine.Deployment{ID: fmt.Sprintf("%s-%03d", cmp.Or(f.prefix, "dep"), i), Group: groupName, Limits: f.limits}
		if f.limits == (engine.Limits{}) { // every third has all counts there are, under each rule
			switch i % 9 {
			case 1:
				d.Limits = engine.Limits{InputTPM: much, OutputTPM: much, RPD: much, TPD: much}
			case 4:
				d.Limits = engine.Limits{InputTPM: much, OutputTPM: much, RPD: much}
				d.Profile.Shape = provider.Bucket
			case 7:
				d.Limits = engine.Limits{InputTPM: much, TPD: much}
				d.Profile.Day = provider.DayPacific
			}
		}
		cfg.Deployments = append(cfg.Deployments, d)
	}
	return cfg
}

// join adds a gateway that reaches the store at url, and starts its syncer.
// Its clock reads skew more than this machine's.
func (f *fleet) join(url string, skew time.Duration) *gateway {
	f.t.Helper()
	clock := window.NewClock()
	if skew != 0 {
		clock = window.NewClockFrom(func() time.Time { return time.Now().Add(skew) })
	}
	store, err := valkeystore.Open(url, valkeystore.Config{Logger: f.log.logger()})
	if err != nil {
		f.t.Fatal(err)
	}
	return f.joinWith(store, clock)
}

// joinWith adds a gateway with a store and a clock of the caller's making. The
// store is closed with the gateway.
func (f *fleet) joinWith(store *valkeystore.Store, clock *window.Clock) *gateway {
	f.t.Helper()
	cfg := f.config()
	cfg.Clock = clock
	eng, err := engine.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	source := &tap{Engine: eng, seen: map[place]window.Tally{}}
	way := syncer.Store(store)
	if f.between != nil {
		way = f.between(store)
	}
	s, err := syncer.New(source, way, syncer.Config{Mode: f.mode, Away: f.away, Clock: clock, Logger: f.log.logger()})
	if err != nil {
		f.t.Fatal(err)
	}
	group, err := eng.Group(groupName)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &gateway{engine: source, syncer: s, store: store, clock: clock, group: group, stop: stop, ended: make(chan struct{}), idle: func() {}}
	go func() {
		_ = s.Run(ctx) // the error is that of a store that is away
		close(g.ended)
	}()
	f.gateways = append(f.gateways, g)
	f.t.Cleanup(func() { g.leave() })
	return g
}

// start joins n gateways, each through a proxy of its own, and loads them.
func (f *fleet) start(n int, addr string) {
	f.t.Helper()
	for range n {
		proxy := servertest.NewProxy(f.t, addr)
		f.join(proxy.URL(), 0).proxy = proxy
	}
	f.load()
}

// load has every gateway take some leases each two milliseconds, and end those
// of a while ago: most are settled, above or below what was reserved, some
// released, and a few forgotten.
func (f *fleet) load() {
	for _, g := range f.gateways {
		g.load()
	}
}

// load is the fleet's, of one gateway.
func (g *gateway) load() {
	ctx, idle := context.WithCancel(context.Background())
	g.idle = idle
	g.work.Go(func() { g.run(ctx) })
}

func (g *gateway) run(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var held []*engine.Lease
	end := func(l *engine.Lease) {
		switch n := rand.IntN(64); {
		case n == 0: // never settled: what was reserved stays charged
			return
		case n < 9:
			l.Release()
			return
		}
		l.Settle(engine.Usage{InputTokens: rand.Int64N(900), OutputTokens: rand.Int64N(300)})
	}
	defer func() {
		for i := range held {
			end(held[i])
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range 2 {
			lease, ok := g.group.TryAcquire(engine.Demand{InputTokens: 1 + rand.Int64N(600), OutputTokens: 1 + rand.Int64N(400)})
			if ok {
				held = append(held, &lease)
			}
		}
		for len(held) > 100 {
			i := rand.IntN(len(held))
			end(held[i])
			held[i] = held[len(held)-1]
			held = held[:len(held)-1]
		}
	}
}

// rest ends the load and settles what is open.
func (f *fleet) rest() {
	for _, g := range f.gateways {
		g.idle()
	}
	for _, g := range f.gateways {
		g.work.Wait()
	}
}

// leave ends a gateway, and returns how long its syncer took to stop.
func (g *gateway) leave() time.Duration {
	took := g.end()
	g.store.Close()
	return took
}

// leaveExactly is leave of a gateway that can reach the store. On a busy machine the last
// exchange may take longer than the half second that it has; then later ones return what it
// reserved.
func (g *gateway) leaveExactly() time.Duration {
	took := g.end()
	g.unstrand()
	g.store.Close()
	return took
}

func (g *gateway) end() time.Duration {
	g.idle()
	g.work.Wait()
	began := time.Now()
	g.stop()
	<-g.ended
	return time.Since(began)
}

// unstrand has the store take back what the last exchange of a syncer has not returned.
func (g *gateway) unstrand() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for g.syncer.Stats().Stranded != (syncer.Count{}) && ctx.Err() == nil {
		if g.syncer.Sync(ctx) != nil {
			pause(20 * time.Millisecond)
		}
	}
}

type place struct {
	kind  window.Kind
	id    string
	start int64
}

func placeOf(t window.Tally) place { return place{t.Kind, t.ID, t.Start} }

// own adds up what the engines say that their nodes have used.
func own(gateways ...*gateway) map[place]window.Tally {
	sum := map[place]window.Tally{}
	for _, g := range gateways {
		for at, used := range g.engine.own() {
			t := sum[at]
			sum[at] = window.Tally{
				ID: at.id, Kind: at.kind, Start: at.start, Requests: t.Requests + used.Requests, Tokens: t.Tokens + used.Tokens,
				Input: t.Input + used.Input, Output: t.Output + used.Output,
			}
		}
	}
	return sum
}

// requests adds up the requests of all deployments and windows.
func requests(of map[place]window.Tally) (n int64) {
	for at, t := range of {
		if !at.kind.Daily() {
			n += t.Requests
		}
	}
	return n
}

// requestsOf adds up the requests of a minute that nodes have admitted.
func requestsOf(minute int64, gateways ...*gateway) (n int64) {
	for at, used := range own(gateways...) {
		if at.kind == window.KindMinute && at.start == minute {
			n += used.Requests
		}
	}
	return n
}

// stored reads the same places from the store, past all proxies.
func (f *fleet) stored(url string, at map[place]window.Tally) map[place]window.Tally {
	f.t.Helper()
	n := newNode(f.t, open(f.t, url, valkeystore.Config{}))
	n.timeout = 2 * time.Second
	reads := map[int][]window.Tally{}
	for p := range at {
		b := n.store.Bucket(p.id)
		reads[b] = append(reads[b], window.Tally{ID: p.id, Kind: p.kind, Start: p.start})
	}
	sum := map[place]window.Tally{}
	const all = syncer.CountRequests | syncer.CountTokens | syncer.CountInput | syncer.CountOutput
	for bucket, list := range reads {
		seq := uint64(0)
		for part := range slices.Chunk(list, 500) {
			seq++
			b := syncer.Batch{Node: n.name, Bucket: bucket, Seq: seq, Reads: part, Counts: slices.Repeat([]syncer.Counts{all}, len(part))}
			for n.resolve(b).Duplicate { // a first reply was lost: this one has no totals
				seq++
				b.Seq = seq
			}
			for _, t := range n.reply.Totals {
				sum[placeOf(t)] = t
			}
		}
	}
	n.store.Close()
	return sum
}

// exact waits until the store holds, for every deployment and window, just what
// the nodes used. It returns how many requests that were.
func (f *fleet) exact(url string) int64 {
	f.t.Helper()
	f.rest()
	// After a loss hundreds of batches may have to go again: time is up a minute after the last that did.
	deadline, fewest := time.Now().Add(time.Minute), math.MaxInt
	for {
		want := own(f.gateways...)
		got := f.stored(url, want)
		var wrong []string
		for p, w := range want {
			if got[p] != w {
				wrong = append(wrong, fmt.Sprintf("%v, want %v", got[p], w))
			}
		}
		if len(wrong) == 0 {
			return requests(want)
		}
		if len(wrong) < fewest {
			deadline, fewest = time.Now().Add(time.Minute), len(wrong)
		}
		if time.Now().After(deadline) {
			for i, g := range f.gateways {
				f.t.Logf("node %d: %+v", i, g.syncer.Stats())
			}
			f.t.Errorf("%d of %d totals are wrong, such as %s", len(wrong), len(want), wrong[0])
			return requests(want)
		}
		pause(50 * time.Millisecond)
	}
}

// stats adds up those of all nodes.
func (f *fleet) stats() (sum syncer.Stats) {
	for _, g := range f.gateways {
		st := g.syncer.Stats()
		sum.Exchanges += st.Exchanges
		sum.Failures += st.Failures
		sum.InDoubt += st.InDoubt
		sum.Duplicates += st.Duplicates
		sum.Replayed += st.Replayed
		sum.Reseeded += st.Reseeded
		sum.Restored += st.Restored
		sum.Differing += st.Differing
		sum.Refused.Requests += st.Refused.Requests
		sum.Dropped.Requests += st.Dropped.Requests
		sum.Interval = max(sum.Interval, st.Interval)
		sum.Degraded = max(sum.Degraded, st.Degraded)
		sum.Nodes = max(sum.Nodes, st.Nodes)
	}
	return sum
}
