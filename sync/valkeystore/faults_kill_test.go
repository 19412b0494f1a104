package valkeystore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// deaths are the steps of a flush at which a node is killed.
var deaths = []string{
	"between two flushes", "flush not written", "flush half written", "flush written",
	"reply not read", "reply half read", "reply read",
}

// trap is a node's connection, which kills the node's process, without any
// goodbye, when a flush comes to the step.
type trap struct {
	net.Conn
	step   string
	armed  *atomic.Bool
	dying  *atomic.Bool
	die    func()
	flying bool // a flush was written since it was armed
	read   int  // times since then
}

func (c *trap) Write(p []byte) (int, error) {
	if c.dying.Load() {
		select {} // the process has said its last, and the signal is on its way
	}
	if !c.armed.Load() || !bytes.Contains(p, []byte("INCRBY")) {
		return c.Conn.Write(p)
	}
	c.flying = true
	switch c.step {
	case "flush not written":
		c.die()
	case "flush half written":
		_, _ = c.Conn.Write(p[:len(p)/2]) // the process has died
		c.die()
	case "flush written":
		_, _ = c.Conn.Write(p)
		c.die()
	}
	return c.Conn.Write(p)
}

func (c *trap) Read(p []byte) (int, error) {
	if c.read > 0 {
		c.die() // what was read has been worked on
	}
	n, err := c.Conn.Read(p)
	if !c.flying {
		return n, err
	}
	switch c.step {
	case "reply not read":
		c.die()
	case "reply half read":
		c.read++
		n /= 2
	case "reply read":
		c.read++
	}
	return n, err
}

// counted is a store of one bucket that adds up the requests of the batches that were acknowledged.
type counted struct {
	*valkeystore.Store
	mu     sync.Mutex
	acked  int64
	flying int64 // of the batch under way, or in doubt
}

func (c *counted) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	n := int64(0)
	for _, d := range b.Deltas {
		if !d.Kind.Daily() {
			n += d.Requests
		}
	}
	c.set(0, n)
	err := c.Store.Exchange(ctx, b, r)
	if err == nil {
		c.set(n, 0)
	}
	return err
}

func (c *counted) set(more, flying int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked, c.flying = c.acked+more, flying
}

// usage is what a node says when it ends: how many requests it has used, how many of them the store has
// acknowledged, and how many are on the way.
type usage struct{ used, acked, flying int64 }

// TestNode is a node for rowNodeKilled, in a process of its own. It prints its usage
// when it dies at its step, or when its standard input is closed and it ends in order.
func TestNode(t *testing.T) {
	addr, step := os.Getenv("PLIMSOLL_FAULTS_NODE"), os.Getenv("PLIMSOLL_FAULTS_STEP")
	if addr == "" {
		t.Skip("rowNodeKilled runs this")
	}
	f := &fleet{t: t, deployments: fleetCounts, prefix: os.Getenv("PLIMSOLL_FAULTS_PREFIX")}
	var armed, dying atomic.Bool
	var g *gateway
	var store *counted
	report := func() {
		store.mu.Lock()
		defer store.mu.Unlock()
		fmt.Println("used", requests(own(g)), store.acked, store.flying)
	}
	die := func() {
		dying.Store(true)
		report()
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			_ = self.Kill()
		}
		select {}
	}
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, DisableCache: true, DisableRetry: true,
		AlwaysPipelining: true, PipelineMultiplex: -1, BlockingPipeline: -1,
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			return &trap{Conn: conn, step: step, armed: &armed, dying: &dying, die: die}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f.between = func(s *valkeystore.Store) syncer.Store {
		store = &counted{Store: s}
		return store
	}
	g = f.joinWith(valkeystore.New(client, valkeystore.Config{}), window.NewClock())
	f.load()
	if step != "" {
		pause(between(700*time.Millisecond, 1200*time.Millisecond))
		if armed.Store(true); step == deaths[0] {
			die()
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
	f.rest()
	g.leave()
	report()
}

// nodeProcess runs TestNode to its end, and returns what it printed.
// Without a step it ends in order after a while.
func nodeProcess(t testing.TB, addr, prefix, step string) (u usage) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNode$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "PLIMSOLL_FAULTS_NODE="+addr, "PLIMSOLL_FAULTS_PREFIX="+prefix, "PLIMSOLL_FAULTS_STEP="+step)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if step == "" {
		time.AfterFunc(time.Second, func() { _ = in.Close() }) // closing twice is no harm
	}
	var said []string
	reported := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if _, err := fmt.Sscanf(lines.Text(), "used %d %d %d", &u.used, &u.acked, &u.flying); err == nil {
			reported = true
		}
	}
	if err := cmd.Wait(); !reported || step == "" && err != nil || step != "" && err == nil {
		t.Fatalf("%q: the node ended with %v, saying %q", step, err, said)
	}
	return u
}

// rowNodeKilled kills nodes at each step of a flush, and starts each again on
// the same host, for the same deployments.
func rowNodeKilled(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	var figures []string
	for i, step := range deaths {
		prefix := fmt.Sprint("killed-", i)
		from := begin()
		killed := nodeProcess(t, server.Addr(), prefix, step)
		used := killed.used + nodeProcess(t, server.Addr(), prefix, "").used // all of which it reports
		at := map[place]window.Tally{}
		for start := from; start <= begin(); start += 60 {
			for n := range fleetCounts {
				at[place{id: fmt.Sprintf("%s-%03d", prefix, n), start: start}] = window.Tally{}
			}
		}
		missing := used - requests(f.stored(server.URL(), at))
		// The batch that was on the way is in the store, or it is not; what was acknowledged is.
		if most := killed.used - killed.acked; missing > most || missing < most-killed.flying {
			t.Errorf("%s: %d of %d requests are missing, want %d, or %d less", step, missing, used, most, killed.flying)
		}
		figures = append(figures, fmt.Sprint(missing))
	}
	n := f.exact(server.URL())
	ttls(t, server)
	return fmt.Sprintf("missing of each node killed: %s; %d requests of the living exact", strings.Join(figures, ", "), n)
}
