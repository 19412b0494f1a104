package valkeystore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

func TestReplyCutAfterExecution(t *testing.T) {
	server := servertest.Start(t)
	proxy := servertest.NewProxy(t, server.Addr())
	n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	const rounds = 20
	duplicates := 0
	for range rounds {
		b := n.next(tally("a", at, 1, 10))
		proxy.CutNextReply()
		if err := n.try(b); err == nil {
			t.Fatal("an exchange whose reply was cut succeeded")
		}
		if n.resolve(b).Duplicate {
			duplicates++
		}
		if n.reply.Epoch != n.identity || n.reply.PrevMissing {
			t.Errorf("reply = %+v, want epoch %d and the batch before known", n.reply, n.identity)
		}
	}
	// A cut can also hit the client's greeting; the batch is then applied later.
	if duplicates < rounds/2 {
		t.Errorf("%d of %d were duplicates", duplicates, rounds)
	}
	if got, want := n.total("a", at), tally("a", at, rounds+1, 10*(rounds+1)); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	ttls(t, server)
}

// A request that the network holds arrives after its own repetition.
func TestLateRequestCountsOnce(t *testing.T) {
	server := servertest.Start(t)
	proxy := servertest.NewProxy(t, server.Addr())
	n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
	n.timeout = 100 * time.Millisecond
	at := begin()
	n.add(tally("a", at, 1, 1))
	for range 5 {
		b := n.next(tally("a", at, 1, 1))
		proxy.HoldRequests()
		if err := n.try(b); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error = %v, want the deadline's", err)
		}
		n.resolve(b) // by a new client, on a connection that passes
		before := proxy.Passed(servertest.ToServer)
		proxy.Heal()
		servertest.Until(t, "the late request arrives", func() bool { return proxy.Passed(servertest.ToServer) > before })
		n.add(tally("a", at, 1, 1))
	}
	// Every late request has been answered or refused when its connection ends.
	if got, want := n.total("a", at), tally("a", at, 11, 11); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	ttls(t, server)
}

// The guard is what makes the two tests above pass: plain increments count twice.
func TestPlainResendCountsTwice(t *testing.T) {
	server := servertest.Start(t)
	server.Do(t, "INCRBY", "plain", "1") // applied, reply lost
	server.Do(t, "INCRBY", "plain", "1") // so sent again
	if got := server.Do(t, "GET", "plain"); got != "2" {
		t.Errorf("plain = %v", got)
	}
}

func TestServerStopped(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 1))
	for i, pause := range []time.Duration{50 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond} {
		server.Stop(t)
		b := n.next(tally("a", at, 1, 1))
		over := time.After(pause)
		for waiting := true; waiting; {
			if err := n.try(b); err == nil {
				t.Fatal("a stopped server answered")
			}
			select {
			case <-over:
				waiting = false
			default:
			}
		}
		server.Continue(t)
		n.resolve(b)
		if got, want := n.total("a", at), tally("a", at, int64(i+2), int64(i+2)); got != want {
			t.Errorf("total after %v = %v, want %v", pause, got, want)
		}
	}
	ttls(t, server)
}

func TestSlowNetwork(t *testing.T) {
	server := servertest.Start(t)
	proxy := servertest.NewProxy(t, server.Addr())
	n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
	n.timeout = 3 * time.Second
	at := begin()
	n.add(tally("a", at, 1, 1))
	proxy.Slow(servertest.ToServer, 100*time.Millisecond, 4096)
	proxy.Slow(servertest.ToClient, 100*time.Millisecond, 4096)
	for range 3 {
		n.add(tally("a", at, 1, 1))
	}
	if n.failures != 0 {
		t.Errorf("%d attempts failed on a slow network", n.failures)
	}
	proxy.Heal()
	if got, want := n.total("a", at), tally("a", at, 4, 4); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
}

func TestPartitionOneWay(t *testing.T) {
	server := servertest.Start(t)
	for _, d := range []servertest.Direction{servertest.ToServer, servertest.ToClient} {
		proxy := servertest.NewProxy(t, server.Addr())
		n := newNode(t, open(t, proxy.URL(), valkeystore.Config{Namespace: string(rune('a' + d))}))
		n.timeout = 100 * time.Millisecond
		at := begin()
		n.add(tally("a", at, 1, 1))
		proxy.Block(d)
		b := n.next(tally("a", at, 1, 1))
		for range 8 {
			began := time.Now()
			if err := n.try(b); err == nil {
				t.Fatal("an exchange passed a partition")
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("an exchange with 100 ms took %v", took)
			}
		}
		proxy.Heal()
		n.resolve(b)
		if got, want := n.total("a", at), tally("a", at, 2, 2); got != want {
			t.Errorf("total = %v, want %v", got, want)
		}
	}
	ttls(t, server)
}
