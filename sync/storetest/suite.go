package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Run tests a store against the contract of [syncer.Store], each rule as a subtest. Open
// returns a store that is ready for use; it may still hold the data of an earlier one. The
// suite uses the real clock.
func Run(t *testing.T, open func(t *testing.T) syncer.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *probe)
	}{
		{"counts", testCounts},
		{"nodes share", testNodesShare},
		{"order of totals", testOrder},
		{"any identifier", testIdentifiers},
		{"a batch counts once", testOnce},
		{"late repeats", testLateRepeats},
		{"repeats at once", testConcurrentRepeats},
		{"what was lost shows", testChain},
		{"lost batches are taken later", testGap},
		{"generation", testGeneration},
		{"hello", testHello},
		{"epochs", testEpochs},
		{"heartbeat", testHeartbeat},
		{"buckets", testBuckets},
		{"large batches", testLarge},
		{"replies are overwritten", testReply},
		{"ended context", testEnded},
		{"concurrent nodes", testConcurrentNodes},
		{"kinds of windows", testKinds},
		{"totals asked for", testAsked},
		{"modes of a window", testHeld},
		{"cooldowns", testCooling},
		{"cooldowns end", testCoolingEnds},
		{"reported limits", testReportedLimits},
		{"cooldowns beside limits", testCoolingBesideLimits},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &probe{T: t, store: open(t), node: fmt.Sprintf("n-%016x", rand.Uint64()), run: rand.Uint64()})
		})
	}
}

// limit is the time for one exchange. It is generous, because the suite tests no speed.
const limit = 10 * time.Second

// probe is a node that sends batches to a store directly.
type probe struct {
	*testing.T
	store syncer.Store
	node  string
	run   uint64 // part of every identifier, so that none repeats
}

// id returns an identifier that no other run of the suite uses.
func (p *probe) id(name string) string { return fmt.Sprintf("%s-%016x", name, p.run) }

// batch returns a batch for the bucket of its first delta, or bucket 0.
func (p *probe) batch(seq uint64, deltas ...window.Tally) syncer.Batch {
	b := syncer.Batch{Node: p.node, Seq: seq, Deltas: deltas}
	if len(deltas) > 0 {
		b.Bucket = p.store.Bucket(deltas[0].ID)
		b.Epoch = p.epoch(b.Bucket)
	}
	return b
}

// epoch returns a bucket's epoch; 0 = the store has none.
func (p *probe) epoch(bucket int) uint64 {
	p.Helper()
	var r syncer.Reply
	ctx, cancel := context.WithTimeout(p.Context(), limit)
	defer cancel()
	if err := p.store.Exchange(ctx, syncer.Batch{Node: p.node, Bucket: bucket}, &r); err != nil {
		p.Fatal(err)
	}
	return r.Epoch
}

func (p *probe) exchange(b syncer.Batch) (r syncer.Reply) {
	p.Helper()
	if b.Epoch == 0 && b.Seq != 0 {
		b.Epoch = p.epoch(b.Bucket)
	}
	ctx, cancel := context.WithTimeout(p.Context(), limit)
	defer cancel()
	if err := p.store.Exchange(ctx, b, &r); err != nil {
		p.Fatalf("seq %d: %v", b.Seq, err)
	}
	if r.Duplicate {
		if len(r.Totals) != 0 {
			p.Errorf("seq %d: a duplicate has %d totals", b.Seq, len(r.Totals))
		}
		return r
	}
	if got, want := len(r.Totals), len(b.Deltas)+len(b.Reads); got != want {
		p.Fatalf("seq %d: %d totals, want %d", b.Seq, got, want)
	}
	if r.Generation == 0 && r.Epoch == 0 {
		p.Errorf("seq %d: neither an epoch nor a generation", b.Seq)
	}
	if len(r.Refused) != 0 {
		p.Errorf("seq %d: refused %v", b.Seq, r.Refused)
	}
	if age := time.Since(r.StoreTime); !r.StoreTime.IsZero() && age.Abs() > time.Hour {
		p.Errorf("seq %d: the store's clock is %v off", b.Seq, age)
	}
	return r
}

// want checks the totals of a reply.
func (p *probe) want(r syncer.Reply, totals ...window.Tally) {
	p.Helper()
	if r.Duplicate {
		p.Fatal("a new batch is a duplicate")
	}
	if !slices.Equal(r.Totals, totals) {
		p.Errorf("totals = %+v, want %+v", r.Totals, totals)
	}
}

// start returns the start of the current minute, Unix seconds.
func start() int64 { return window.StartSeconds(window.EpochAt(time.Now().UnixNano())) }

func tally(id string, start, requests, tokens int64) window.Tally {
	return window.Tally{ID: id, Start: start, Requests: requests, Tokens: tokens}
}

// read returns a tally without counts: one to read, or the total of an unknown window.
func read(id string, start int64) window.Tally { return tally(id, start, 0, 0) }
