package syncer_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// TestJoiner: a node that joins when a limit is used up admits nothing before its
// first exchange, and at most what is left after it.
func TestJoiner(t *testing.T) {
	for _, limits := range []engine.Limits{{RPM: 600}, {RPD: 600}, {RPM: 600, RPD: 700}} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New(memstore.Config{})
			way := storetest.NewFaulty(store, 1, storetest.Plan{MinDelay: 5 * time.Millisecond})
			old := newNode(t, way, limits, syncer.Config{})
			run(t, old)
			time.Sleep(10 * time.Second)
			require.Equal(t, 590, old.use("a", 590, 0))
			time.Sleep(300 * time.Millisecond)
			joined := newNode(t, way, limits, syncer.Config{})
			got := joined.use("a", 700, 0)
			run(t, joined)
			for range 1500 {
				got += joined.use("a", 1, 0)
				time.Sleep(time.Millisecond)
			}
			require.Equal(t, 10, got)
		})
	}
}

// process is an engine whose syncer stands still while the process is stopped.
type process struct {
	*engine.Engine
	mu      sync.Mutex
	stopped chan struct{} // nil = it runs
}

func (p *process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = make(chan struct{})
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.stopped)
	p.stopped = nil
}

func (p *process) wait() {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

func (p *process) Absorb(shares []window.Share) {
	p.wait()
	p.Engine.Absorb(shares)
}

// TestStoodStill: a node that stood still, in one minute or while the next one began, and
// is asked before its syncer has run, admits at most its share of what it knows to be
// left; after its first exchange it admits what is left.
func TestStoodStill(t *testing.T) {
	tests := []struct {
		name   string
		at     time.Duration // when a stops, in the minute
		still  time.Duration
		others int // what b admits meanwhile
		share  int // what a may admit before its first exchange
		after  int // and after it
	}{
		{"3 s", 10 * time.Second, 3 * time.Second, 500, 250, 0},
		{"20 s", 10 * time.Second, 20 * time.Second, 500, 250, 0},
		{"20 s, and headroom is left", 10 * time.Second, 20 * time.Second, 100, 250, 150},
		{"3 s over the end of the minute", 58 * time.Second, 3 * time.Second, 600, 300, 0},
		{"20 s over the end of the minute", 58 * time.Second, 20 * time.Second, 600, 300, 0},
		{"3 s from just before it", 59900 * time.Millisecond, 3 * time.Second, 600, 300, 0},
	}
	for _, limits := range []engine.Limits{{RPM: 600}, {RPM: 600, InputTPM: 1000}} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := memstore.New(memstore.Config{})
					a := newNode(t, store, limits, syncer.Config{})
					b := newNode(t, store, limits, syncer.Config{})
					run(t, a, b)
					rollover()
					rollover()
					time.Sleep(test.at - time.Second)
					if test.at < 50*time.Second {
						require.Equal(t, 100, a.use("a", 100, 0))
					}
					time.Sleep(time.Second)
					a.p.stop()
					time.Sleep(test.still - time.Second/2)
					require.Equal(t, test.others, b.use("a", test.others, 0))
					time.Sleep(time.Second / 2)
					before := a.use("a", 700, 0)
					require.Equal(t, test.share, before)
					require.Equal(t, engine.LimitShare, a.refusal("a").Limit)
					require.Less(t, a.refusal("a").RetryAfter, time.Second)
					a.p.resume()
					time.Sleep(300 * time.Millisecond)
					require.Equal(t, test.after, a.use("a", 700, 0))
				})
			})
		}
	}
}

// TestStoodStillWhileAway: a node that stands still while the store is away goes on by its
// policy afterwards.
func TestStoodStillWhileAway(t *testing.T) {
	for policy, want := range map[syncer.Policy]int{syncer.Open: 600, syncer.Closed: 0} {
		synctest.Test(t, func(t *testing.T) {
			store := storetest.NewFaulty(memstore.New(memstore.Config{}), 1, storetest.Plan{})
			cfg := syncer.Config{Away: syncer.Policies{Requests: policy}, Nodes: 2}
			a := newNode(t, store, engine.Limits{RPM: 600}, cfg)
			run(t, a)
			rollover()
			time.Sleep(5 * time.Second)
			store.SetDown(true)
			time.Sleep(5 * time.Second)
			a.p.stop()
			time.Sleep(5 * time.Second)
			a.p.resume()
			time.Sleep(time.Second)
			require.Equal(t, want, a.use("a", 700, 0))
		})
	}
}

// TestNewDeployment: one that Apply adds to a running node admits at most its share until
// the first exchange reads what others have used of it.
func TestNewDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		limits := engine.Limits{RPM: 600, RPD: 500}
		a := newNode(t, store, limits, syncer.Config{}, "a")
		b := newNode(t, store, limits, syncer.Config{}, "a", "new")
		run(t, a, b)
		rollover()
		time.Sleep(10 * time.Second)
		require.Equal(t, 500, b.use("new", 600, 0))
		time.Sleep(time.Second)
		require.NoError(t, a.e.Apply(cluster(limits, "a", "new")))
		require.Equal(t, 250, a.use("new", 600, 0))
		time.Sleep(300 * time.Millisecond)
		require.Zero(t, a.use("new", 600, 0))
	})
}

// refusal returns why a deployment refuses one more request.
func (n *node) refusal(id string) *engine.LimitError {
	n.t.Helper()
	g, err := n.e.Group("chat")
	require.NoError(n.t, err)
	_, err = g.Acquire(engine.Demand{})
	var limited *engine.LimitError
	require.ErrorAs(n.t, err, &limited)
	return limited
}
