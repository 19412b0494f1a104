package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

func testCounts(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	p.want(p.exchange(p.batch(1, tally(a, now, 2, 300))), tally(a, now, 2, 300))
	p.want(p.exchange(p.batch(2, tally(a, now, 1, 0))), tally(a, now, 3, 300))
	p.want(p.exchange(p.batch(3, tally(a, now, 0, 50))), tally(a, now, 3, 350))
	p.want(p.exchange(p.batch(4, tally(a, now, -1, -100))), tally(a, now, 2, 250))
	p.want(p.exchange(p.batch(5, tally(a, now-60, 7, 7))), tally(a, now-60, 7, 7))
	p.want(p.exchange(p.batch(6, tally(a, now, 1<<50, 1<<50))), tally(a, now, 2+1<<50, 250+1<<50))

	b := p.batch(7, tally(a, now, -1<<50, -1<<50))
	b.Reads = []window.Tally{read(a, now-60), read(a, now+60)}
	p.want(p.exchange(b), tally(a, now, 2, 250), tally(a, now-60, 7, 7), read(a, now+60))
}

func testNodesShare(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	other := *p
	other.node += "-other"
	p.want(p.exchange(p.batch(1, tally(a, now, 2, 300))), tally(a, now, 2, 300))
	// The same Seq, but another node.
	r := other.exchange(other.batch(1, tally(a, now, 3, 30)))
	p.want(r, tally(a, now, 5, 330))
	if r.Nodes != 0 && r.Nodes < 2 {
		p.Errorf("nodes = %d after two have exchanged", r.Nodes)
	}
	b := p.batch(2)
	b.Bucket, b.Reads = p.store.Bucket(a), []window.Tally{read(a, now)}
	p.want(p.exchange(b), tally(a, now, 5, 330))
}

func testOrder(_ *testing.T, p *probe) {
	now := start()
	var deltas, reads, want []window.Tally
	bucket := p.store.Bucket(p.id("0"))
	for i := range 60 {
		id := p.id(fmt.Sprint(i))
		if p.store.Bucket(id) != bucket {
			continue
		}
		if i%2 == 0 {
			deltas = append(deltas, tally(id, now, int64(i), int64(1000-i)))
		} else {
			reads = append(reads, read(id, now))
		}
	}
	want = append(append(want, deltas...), reads...)
	b := p.batch(1, deltas...)
	b.Reads = reads
	p.want(p.exchange(b), want...)
}

func testIdentifiers(_ *testing.T, p *probe) {
	now := start()
	ids := []string{
		"a", "a:b", "a:b:c", ":", "{x}", "{", "}", "x{y", " ", "a b", "\n", "\r\n", "*", "t", "r",
		"\x00", "\xff", "né", "模型", `"`, "'", `\`, "%s", "a:t", "a:r", strings.Repeat("long", 300),
	}
	for i, name := range ids {
		id := name + p.id("")
		b := p.batch(1, tally(id, now, int64(i+1), 0))
		b.Node += fmt.Sprint("-", i)
		p.want(p.exchange(b), tally(id, now, int64(i+1), 0))
	}
	for i, name := range ids { // and none has touched another's
		id := name + p.id("")
		b := syncer.Batch{Node: p.node + fmt.Sprint("-again-", i), Seq: 1, Bucket: p.store.Bucket(id), Reads: []window.Tally{read(id, now)}}
		p.want(p.exchange(b), tally(id, now, int64(i+1), 0))
	}
}

func testOnce(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	b := p.batch(1, tally(a, now, 2, 300))
	p.want(p.exchange(b), tally(a, now, 2, 300))
	for range 3 {
		if !p.exchange(b).Duplicate {
			p.Error("a batch sent again is no duplicate")
		}
	}
	p.want(p.exchange(p.batch(2, tally(a, now, 1, 1))), tally(a, now, 3, 301))
}

func testLateRepeats(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	for seq := range uint64(20) {
		p.exchange(p.batch(seq+1, tally(a, now, 1, 10)))
	}
	for seq := range uint64(20) {
		if !p.exchange(p.batch(seq+1, tally(a, now, 1, 10))).Duplicate {
			p.Errorf("seq %d sent again is no duplicate", seq+1)
		}
	}
	p.want(p.exchange(p.batch(21, tally(a, now, 1, 10))), tally(a, now, 21, 210))
}

// testConcurrentRepeats: several attempts of one batch that arrive at the same time count once.
func testConcurrentRepeats(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	for seq := range uint64(10) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				var r syncer.Reply
				ctx, cancel := context.WithTimeout(p.Context(), limit)
				defer cancel()
				if err := p.store.Exchange(ctx, p.batch(seq+1, tally(a, now, 1, 10)), &r); err != nil {
					p.Errorf("seq %d: %v", seq+1, err)
				}
			})
		}
		wg.Wait()
	}
	p.want(p.exchange(p.batch(11, tally(a, now, 1, 10))), tally(a, now, 11, 110))
}

func testChain(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	for _, step := range []struct {
		seq     uint64
		missing bool
	}{{1, false}, {2, false}, {3, false}, {5, true}, {6, false}, {8, true}, {7, false}, {9, false}} {
		if r := p.exchange(p.batch(step.seq, tally(a, now, 1, 1))); r.PrevMissing != step.missing {
			p.Errorf("seq %d: PrevMissing = %t, want %t", step.seq, r.PrevMissing, step.missing)
		}
	}
}

// testGap: a store that has lost a batch applies it when it is sent again, whatever came since.
func testGap(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	p.exchange(p.batch(1, tally(a, now, 1, 1)))
	p.exchange(p.batch(5, tally(a, now, 1, 1)))
	p.want(p.exchange(p.batch(3, tally(a, now, 1, 1))), tally(a, now, 3, 3))
	p.want(p.exchange(p.batch(2, tally(a, now, 1, 1))), tally(a, now, 4, 4))
	if !p.exchange(p.batch(3, tally(a, now, 1, 1))).Duplicate {
		p.Error("seq 3 sent again is no duplicate")
	}
}

func testGeneration(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	identity := func(r syncer.Reply) [2]uint64 { return [2]uint64{r.Epoch, r.Generation} }
	reply := p.exchange(p.batch(1, tally(a, now, 1, 1)))
	first := identity(reply)
	other := *p
	other.node += "-other"
	for seq := uint64(2); seq < 5; seq++ {
		b := p.batch(seq, tally(a, now, 1, 1))
		b.Generation = reply.Generation
		if got := identity(p.exchange(b)); got != first {
			p.Errorf("generation = %d, then %d", first, got)
		}
		if got := identity(other.exchange(other.batch(seq, tally(a, now, 1, 1)))); got != first {
			p.Errorf("generation = %d for one node, %d for another", first, got)
		}
	}
}

// testHello: a batch of Seq 0 may be sent any number of times, and leaves the
// chain of batches as it was.
func testHello(_ *testing.T, p *probe) {
	for range 3 {
		r := p.exchange(syncer.Batch{Node: p.node})
		if r.Duplicate || r.PrevMissing || r.Epoch == 0 && r.Generation == 0 {
			p.Errorf("reply to a hello = %+v", r)
		}
	}
	if r := p.exchange(p.batch(1)); r.Duplicate || r.PrevMissing {
		p.Errorf("reply to the first batch = %+v", r)
	}
}

// testEpochs: each epoch has its own counters and batches. Of several nodes that begin an epoch
// from the same one, exactly one succeeds.
func testEpochs(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	first := p.exchange(p.batch(1, tally(a, now, 2, 300))).Epoch
	if first == 0 {
		p.Skip("a store without epochs")
	}
	p.exchange(p.batch(2, tally(a, now, 1, 0)))
	raise := syncer.Batch{Node: p.node, Bucket: p.store.Bucket(a), Epoch: first, Next: first + 3}
	for range 2 { // the second changes nothing
		r := p.exchange(raise)
		if r.Epoch != first+3 {
			p.Fatalf("epoch = %d, want %d", r.Epoch, first+3)
		}
		if age := r.StoreTime.Sub(r.EpochBegan); !r.Duplicate && (age < -time.Second || age > time.Minute) {
			p.Errorf("the epoch is %v old when it begins", age)
		}
	}
	raise.Next = first + 9
	if got := p.exchange(raise).Epoch; got != first+3 {
		p.Errorf("epoch = %d after a late attempt, want %d", got, first+3)
	}
	old := p.batch(3, tally(a, now, 1, 1))
	old.Epoch = first
	r := p.exchange(old)
	p.want(r, tally(a, now, 4, 301))
	if r.Epoch != first+3 || r.PrevMissing {
		p.Errorf("reply to a batch of an old epoch = %+v", r)
	}
	if r = p.exchange(old); !r.Duplicate || r.Epoch != first+3 {
		p.Errorf("reply to it again = %+v", r)
	}
	p.want(p.exchange(p.batch(1, tally(a, now, 5, 5))), tally(a, now, 5, 5))
	if r = p.exchange(p.batch(3, tally(a, now, 0, 1))); !r.PrevMissing || r.Duplicate {
		p.Errorf("reply to seq 3 of a new epoch = %+v", r)
	}
	// From an epoch that is not the store's, back as well as on.
	raise.Epoch, raise.Next = first+3, first+4
	if got := p.exchange(raise).Epoch; got != first+4 {
		p.Errorf("epoch = %d, want %d", got, first+4)
	}
}

func testHeartbeat(_ *testing.T, p *probe) {
	p.want(p.exchange(p.batch(1)))
	p.want(p.exchange(p.batch(2)))
	if !p.exchange(p.batch(2)).Duplicate {
		p.Error("a heartbeat sent again is no duplicate")
	}
}

func testBuckets(_ *testing.T, p *probe) {
	now := start()
	seen := map[int]string{}
	for i := range 200 {
		id := p.id(fmt.Sprint(i))
		bucket := p.store.Bucket(id)
		if bucket < 0 || bucket != p.store.Bucket(id) {
			p.Fatalf("bucket of %q = %d, then %d", id, bucket, p.store.Bucket(id))
		}
		seen[bucket] = id
	}
	// Each bucket counts its own Seq.
	for _, id := range seen {
		p.want(p.exchange(p.batch(1, tally(id, now, 1, 1))), tally(id, now, 1, 1))
	}
}

func testLarge(_ *testing.T, p *probe) {
	now := start()
	byBucket := map[int][]window.Tally{}
	for i := range 250 {
		id := p.id(fmt.Sprint(i))
		n := p.store.Bucket(id)
		byBucket[n] = append(byBucket[n], tally(id, now, int64(i), int64(i)*1000))
	}
	for n, deltas := range byBucket {
		p.want(p.exchange(p.batch(1, deltas...)), deltas...)
		p.want(p.exchange(syncer.Batch{Node: p.node, Bucket: n, Seq: 2, Reads: deltas}), deltas...)
	}
}

func testReply(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	ctx, cancel := context.WithTimeout(p.Context(), limit)
	defer cancel()
	r := syncer.Reply{
		Totals: []window.Tally{tally("left", 0, 9, 9)}, Refused: []window.Tally{tally("over", 0, 9, 9)},
		Duplicate: true, PrevMissing: true, Generation: 9, Nodes: 9,
	}
	b := p.batch(1, tally(a, now, 1, 1))
	if err := p.store.Exchange(ctx, b, &r); err != nil {
		p.Fatal(err)
	}
	if r.Duplicate || r.PrevMissing || len(r.Refused) != 0 {
		p.Errorf("the reply still holds what was in it: %+v", r)
	}
	p.want(r, tally(a, now, 1, 1))
	if err := p.store.Exchange(ctx, b, &r); err != nil {
		p.Fatal(err)
	}
	if !r.Duplicate || len(r.Totals) != 0 {
		p.Errorf("reply to a duplicate = %+v", r)
	}
}

// testEnded: a batch whose exchange was cancelled counts once when it is sent again.
func testEnded(_ *testing.T, p *probe) {
	a, now := p.id("a"), start()
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	b := p.batch(1, tally(a, now, 1, 1))
	var r syncer.Reply
	if err := p.store.Exchange(ctx, b, &r); err == nil {
		p.Error("no error though the context has ended")
	}
	p.exchange(b)
	p.want(p.exchange(p.batch(2, tally(a, now, 1, 1))), tally(a, now, 2, 2))
}

func testConcurrentNodes(_ *testing.T, p *probe) {
	const nodes, batches = 8, 25
	a, now := p.id("a"), start()
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			for seq := range uint64(batches) {
				b := p.batch(seq+1, tally(a, now, 1, 10))
				b.Node += fmt.Sprint("-", i)
				for range 2 {
					var r syncer.Reply
					ctx, cancel := context.WithTimeout(p.Context(), limit)
					if err := p.store.Exchange(ctx, b, &r); err != nil {
						p.Errorf("seq %d: %v", b.Seq, err)
					}
					cancel()
				}
			}
		})
	}
	wg.Wait()
	p.want(p.exchange(p.batch(1, tally(a, now, 0, 1))), tally(a, now, nodes*batches, nodes*batches*10+1))
}
