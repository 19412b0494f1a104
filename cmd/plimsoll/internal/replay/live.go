package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// MinLive and MaxLive bound [Live.For].
const (
	MinLive = time.Second
	MaxLive = 24 * time.Hour
)

// Live configures a replay in real time, in which nodes share a real server.
type Live struct {
	Address string        // of the server, as [valkeystore.Open] takes it
	For     time.Duration // how long the trace is played at most
	// Warn receives messages for operators: that the server does not reply, or
	// replies again. It is called from several goroutines.
	Warn func(message string)
	// Progress is called ten times a second, and more often, with the time that
	// has been played; may be nil.
	Progress func(played time.Duration)
}

// RunLive plays a trace in real time against providers that take every call,
// under each of the policies at once: their nodes meet the same requests at the
// same moments. o.Nodes says how many nodes each has; o.Policy, o.Rule and
// o.Progress are not looked at.
//
// It ends when l.For is over, when every call of the trace has ended, or when ctx
// ends, and returns a report in each case. It leaves no goroutine behind. A server that
// does not reply is no error: the nodes decide alone.
func RunLive(ctx context.Context, o Options, l Live, policies []string, engine NewPolicy) (*LiveReport, error) {
	if len(o.Trace) == 0 {
		return nil, errors.New("the trace has no requests")
	}
	fleets := make([]*fleet, len(policies))
	for i, name := range policies {
		newPolicy, err := PolicyNamed(name, engine)
		if err == nil {
			fleets[i], err = newFleet(name, newPolicy, o, l)
		}
		if err != nil {
			for _, f := range fleets[:i] {
				f.close()
			}
			return nil, err
		}
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx)) // nodes end after the traffic
	var nodes, traffic sync.WaitGroup
	for _, f := range fleets {
		f.start(alive, &nodes)
	}
	for _, f := range fleets {
		traffic.Go(func() { f.meet(ctx, l.Warn) })
	}
	traffic.Wait()
	begun := time.Now()
	for i, f := range fleets {
		var progress func(time.Duration)
		if i == 0 {
			progress = l.Progress
		}
		traffic.Go(func() { f.play(ctx, o.Trace, l.For, progress) })
	}
	traffic.Wait()
	ended := time.Now()
	r := &LiveReport{Seconds: ended.Sub(begun).Seconds(), Interrupted: ctx.Err() != nil}
	end()
	nodes.Wait()
	for _, f := range fleets {
		f.close()
		r.Policies = append(r.Policies, f.report(begun, ended))
	}
	return r, nil
}

// fleet is a policy's nodes in real time, and the providers they send calls to.
type fleet struct {
	*simulation
	peers []peer
	clock func() time.Time // the nodes'
	lag   time.Duration    // longest time by which an event came late
	open  int64            // calls in flight at the end
}

// peer is a node's side of a real store.
type peer interface {
	// run exchanges usage until ctx ends, and returns when that is over.
	run(ctx context.Context)
	// met is closed when the store has answered for the first time.
	met() <-chan struct{}
	// close lets the store go, once run has returned.
	close()
	// sync says how exchanges went in a run of that time.
	sync(begun, ended time.Time) SyncReport
	watch() *watch
}

func newFleet(name string, newPolicy NewPolicy, o Options, l Live) (*fleet, error) {
	if o.Nodes.Count < 1 || o.Nodes.Count > MaxNodes {
		return nil, fmt.Errorf("%d nodes are not from 1 to %d", o.Nodes.Count, MaxNodes)
	}
	f := &fleet{simulation: &simulation{report: Report{Policy: name}, deployments: farSide(o.Pool, provider.NewSoftCap)}}
	c, err := f.newNodes(newPolicy, o, l)
	if err != nil {
		f.close()
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	f.cluster, f.policy = c, c
	return f, nil
}

// start lets the nodes exchange usage until ctx ends.
func (f *fleet) start(ctx context.Context, wg *sync.WaitGroup) {
	for _, p := range f.peers {
		wg.Go(func() { p.run(ctx) })
	}
}

// patience is how long traffic waits for the server to answer.
const patience = 2 * time.Second

// meet waits up to patience until every node has a reply of the server.
func (f *fleet) meet(ctx context.Context, warn func(string)) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, p := range f.peers {
		select {
		case <-p.met():
		case <-ctx.Done():
			return
		case <-late.C:
			warn(fmt.Sprintf("the server does not answer (%s); the nodes of policy %s go on without it", p.watch().lastError(), f.simulation.report.Policy))
			return
		}
	}
}

// play lets the requests arrive when they are due, and calls end.
func (f *fleet) play(ctx context.Context, t trace.Trace, length time.Duration, progress func(time.Duration)) {
	f.now = f.clock()
	f.cluster.audit.minute = f.now.Truncate(time.Minute)
	begin, next := f.now, 0
	defer func() { f.open = int64(len(f.ends.events)) }()
	for {
		end := begin.Add(length)
		at, arrives := end, false
		if next < len(t) && t[next].Arrival < length {
			at, arrives = begin.Add(t[next].Arrival), true
		}
		ended, under := f.ends.next()
		if under && !ended.After(at) {
			at, arrives = ended, false
		}
		if !arrives && !under && next == len(t) {
			return
		}
		if !f.wait(ctx, begin, at, progress) || !at.Before(end) {
			return
		}
		f.lag = max(f.lag, f.now.Sub(at))
		if arrives {
			f.simulation.report.Offered++
			f.send(&call{Request: t[next]})
			next++
		} else {
			f.end(f.ends.take())
		}
	}
}

// redraw is the time between two reports of progress while nothing happens.
const redraw = 100 * time.Millisecond

// wait moves the time to an instant, or a little beyond. False: ctx has ended.
func (f *fleet) wait(ctx context.Context, begin, until time.Time, progress func(time.Duration)) bool {
	for {
		if now := f.clock(); now.After(f.now) {
			f.now = now
		}
		if progress != nil {
			progress(f.now.Sub(begin))
		}
		left := until.Sub(f.now)
		if left <= 0 {
			return ctx.Err() == nil
		}
		t := time.NewTimer(min(left, redraw))
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
}

func (f *fleet) close() {
	var wg sync.WaitGroup
	for _, p := range f.peers {
		wg.Go(p.close)
	}
	wg.Wait()
}
