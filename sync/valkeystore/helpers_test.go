package valkeystore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// node exchanges with a store by hand, as a syncer does: one batch at a time, sent
// again until it is resolved.
type node struct {
	tb         testing.TB
	store      *valkeystore.Store
	name       string
	seq        uint64
	generation uint64
	epochs     map[int]uint64 // by bucket
	identity   uint64         // epoch or generation of the last reply
	timeout    time.Duration  // of one attempt
	failures   int
	reply      syncer.Reply
}

func newNode(tb testing.TB, store *valkeystore.Store) *node {
	tb.Helper()
	return &node{tb: tb, store: store, name: fmt.Sprintf("n-%x", rand.Uint64()), epochs: map[int]uint64{}, timeout: 300 * time.Millisecond}
}

// open returns a store at an address that is closed with the test.
func open(tb testing.TB, url string, cfg valkeystore.Config) *valkeystore.Store {
	tb.Helper()
	s, err := valkeystore.Open(url, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// next is the batch after the last one that was resolved.
func (n *node) next(deltas ...window.Tally) syncer.Batch {
	b := syncer.Batch{Node: n.name, Seq: n.seq + 1, Generation: n.generation, Deltas: deltas}
	if len(deltas) > 0 {
		b.Bucket = n.store.Bucket(deltas[0].ID)
	}
	return b
}

// try sends a batch once, in the epoch of the bucket when the node first asked.
func (n *node) try(b syncer.Batch) error {
	ctx, cancel := context.WithTimeout(n.tb.Context(), n.timeout)
	defer cancel()
	if _, met := n.epochs[b.Bucket]; !met {
		if err := n.store.Exchange(ctx, syncer.Batch{Node: n.name, Bucket: b.Bucket}, &n.reply); err != nil {
			n.failures++
			return err
		}
		n.epochs[b.Bucket] = n.reply.Epoch
	}
	b.Epoch = n.epochs[b.Bucket]
	err := n.store.Exchange(ctx, b, &n.reply)
	if err != nil {
		n.failures++
		return err
	}
	n.seq = b.Seq
	if n.reply.Generation != 0 {
		n.generation = n.reply.Generation
	}
	n.identity = n.reply.Generation | n.reply.Epoch
	return nil
}

// resolve sends a batch until it is known to have been applied.
func (n *node) resolve(b syncer.Batch) *syncer.Reply {
	n.tb.Helper()
	var err error
	servertest.Until(n.tb, fmt.Sprintf("seq %d resolved", b.Seq), func() bool {
		if err = n.try(b); err != nil {
			n.tb.Logf("seq %d: %v", b.Seq, err)
		}
		return err == nil
	})
	return &n.reply
}

// add resolves one batch of these deltas.
func (n *node) add(deltas ...window.Tally) *syncer.Reply {
	n.tb.Helper()
	return n.resolve(n.next(deltas...))
}

// total reads what the store has for a deployment in the current window.
func (n *node) total(id string, start int64) window.Tally {
	n.tb.Helper()
	b := n.next()
	b.Bucket, b.Reads = n.store.Bucket(id), []window.Tally{{ID: id, Start: start}}
	r := n.resolve(b)
	if len(r.Totals) != 1 {
		n.tb.Fatalf("totals = %v, want one", r.Totals)
	}
	return r.Totals[0]
}

// counters returns what the names of the counters that count now begin with.
func counters(tb testing.TB, server *servertest.Server) string {
	tb.Helper()
	const head = "plimsoll2:{default.0}:"
	identity, _ := server.Do(tb, "GET", head+"e").(string)
	epoch, _, _ := strings.Cut(identity, ":")
	if epoch == "" {
		tb.Error("no epoch")
	}
	return head + epoch + ":c:"
}

// begin is when the current window began.
func begin() int64 { return window.StartSeconds(window.EpochAt(time.Now().UnixNano())) }

func tally(id string, start, requests, tokens int64) window.Tally {
	return window.Tally{ID: id, Start: start, Requests: requests, Tokens: tokens}
}

// ttls fails the test if a key of the server never expires. A counter that was made again after a
// loss gets its TTL with the next batch of its bucket, which sends one a second at least.
func ttls(tb testing.TB, server *servertest.Server) {
	tb.Helper()
	keys, _ := server.Do(tb, "KEYS", "*").([]any)
	if len(keys) == 0 {
		tb.Error("no keys at all")
	}
	whole := time.Now().Add(20 * time.Second)
	for _, key := range keys {
		deadline := time.Now().Add(5 * time.Second)
		for {
			left, err := servertest.Ask(server.Addr(), "TTL", key.(string))
			switch {
			case err == nil:
			case strings.HasPrefix(err.Error(), "MOVED"): // its new server is looked at
			case strings.HasPrefix(err.Error(), "CLUSTERDOWN") && time.Now().Before(whole):
				time.Sleep(50 * time.Millisecond) // on a busy machine the servers lose sight of each other
				continue
			default:
				tb.Errorf("TTL of %v: %v", key, err)
			}
			if left != int64(-1) {
				break
			}
			if time.Now().After(deadline) {
				tb.Errorf("%v never expires", key)
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// logged collects log lines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.b.String())
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
