package valkeystore_test

import (
	"fmt"
	"testing"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

func TestEmptiedServerShows(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 5, 50))
	first := n.identity
	if n.add(tally("a", at, 1, 1)); n.identity != first {
		t.Errorf("epoch = %d after %d, and nothing happened", n.identity, first)
	}

	server.Do(t, "FLUSHALL")
	r := n.add(tally("a", at, 1, 1))
	if r.Epoch <= first || !r.PrevMissing {
		t.Errorf("after FLUSHALL: %+v, want an epoch above %d and PrevMissing", r, first)
	}
	n.add() // pays for keys that were made without a TTL
	ttls(t, server)
	second := n.identity
	n.epochs[0] = second

	server.Kill(t)
	server.Run(t)
	server.Await(t)
	if r := n.add(tally("a", at, 1, 1)); r.Epoch <= second {
		t.Errorf("after an empty restart: epoch %d, want one above %d", r.Epoch, second)
	}
	n.add()
	ttls(t, server)
}

// The reply to a duplicate has the epoch, and says whether the batch before it is still there.
func TestDuplicateReportsTheEpoch(t *testing.T) {
	server := servertest.Start(t)
	proxy := servertest.NewProxy(t, server.Addr())
	n := newNode(t, open(t, proxy.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 1))
	old := n.identity
	server.Do(t, "FLUSHALL")
	b := n.next(tally("a", at, 1, 1))
	proxy.CutNextReply()
	if err := n.try(b); err == nil {
		t.Fatal("an exchange whose reply was cut succeeded")
	}
	r := n.resolve(b)
	if !r.Duplicate || r.Epoch <= old || !r.PrevMissing {
		t.Errorf("reply = %+v, want a duplicate in an epoch above %d whose predecessor is missing", *r, old)
	}
}

func TestOldSnapshotShows(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	server.Do(t, "SAVE")
	lost := n.next(tally("a", at, 2, 20))
	n.resolve(lost)
	epoch := n.identity
	server.Kill(t)
	server.Run(t)
	server.Await(t)

	r := n.add(tally("a", at, 3, 30))
	if r.Epoch != epoch || !r.PrevMissing {
		t.Errorf("reply = %+v, want epoch %d and PrevMissing", *r, epoch)
	}
	if got, want := r.Totals[0], tally("a", at, 4, 40); got != want {
		t.Errorf("total = %v, want %v: what the snapshot had and this batch", got, want)
	}
	// The lost batch is taken again under its own number, and only once.
	for _, duplicate := range []bool{false, true} {
		ctx := n.seq
		if r := n.resolve(lost); r.Duplicate != duplicate {
			t.Errorf("the lost batch again: duplicate = %v, want %v", r.Duplicate, duplicate)
		}
		n.seq = ctx
	}
	if got, want := n.total("a", at), tally("a", at, 6, 60); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	ttls(t, server)
}

// One counter that the server does not take keeps no other from counting.
func TestRefusedKeys(t *testing.T) {
	server := servertest.Start(t)
	var log logged
	n := newNode(t, open(t, server.URL(), valkeystore.Config{Logger: log.logger()}))
	at := begin()
	n.add(tally("full", at, 1, 1<<62))
	key := func(id, kind string) string { return fmt.Sprintf("%s%s:%s:%d", counters(t, server), id, kind, at) }
	server.Do(t, "RPUSH", key("list", "t"), "x")
	server.Do(t, "SET", key("text", "r"), "many")

	for range 2 {
		r := n.add(tally("good", at, 1, 10), tally("list", at, 2, 20), tally("text", at, 3, 30), tally("full", at, 4, 1<<62))
		if got, want := fmt.Sprint(r.Refused), fmt.Sprint([]window.Tally{
			{ID: "list", Start: at, Tokens: 20}, {ID: "text", Start: at, Requests: 3}, {ID: "full", Start: at, Tokens: 1 << 62},
		}); got != want {
			t.Errorf("refused = %v, want %v", got, want)
		}
	}
	want := []window.Tally{tally("good", at, 2, 20), tally("list", at, 4, 0), tally("text", at, 0, 60), tally("full", at, 9, 1<<62)}
	if got := n.reply.Totals; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("totals = %v, want %v", got, want)
	}
	if lines := log.lines(); len(lines) != 1 {
		t.Errorf("log = %q, want one line", lines)
	}
}

// A key that expires or is evicted and comes back has a TTL again.
func TestKeyThatCameBackExpires(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("a", at, 1, 10))
	server.Do(t, "DEL", fmt.Sprintf("%sa:t:%d", counters(t, server), at))
	n.add(tally("a", at, 1, 10))
	n.add()
	ttls(t, server)
}
