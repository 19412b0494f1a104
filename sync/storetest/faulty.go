package storetest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// Plan is the faults of a network. Each float64 is a probability from 0 to 1,
// drawn for each exchange independently. The zero value is a network without
// faults.
type Plan struct {
	LoseRequest float64 // the store never sees the batch
	LoseReply   float64 // the store applies the batch, and the sender does not see the reply
	Repeat      float64 // the store sees the batch twice
	// Late is the probability that the batch is still in the network after its
	// sender has given up: it arrives between two later batches, or never. No
	// copy of a batch is in the network 125 s after the first was sent, because
	// stores may drop its marker after that time.
	Late float64
	// Hang is the probability that the sender notices a loss only when its
	// context ends; otherwise it notices immediately.
	Hang float64
	// MinDelay and MaxDelay bound the round trip, on the real clock.
	MinDelay, MaxDelay time.Duration
}

const (
	maxLate     = 64 // batches in the network at the same time; further ones are lost
	longestLate = 125 * time.Second
)

// delayed is a batch in the network, and when it was first sent.
type delayed struct {
	syncer.Batch
	first time.Time
}

type batchKey struct {
	node   string
	bucket int
	epoch  uint64
	seq    uint64
}

// ErrLost is the error of an exchange whose request or reply was lost.
var ErrLost = errors.New("storetest: connection lost")

// Faulty is a [syncer.Store] that passes batches to another store through a
// simulated bad network. It is safe for concurrent use.
type Faulty struct {
	store syncer.Store

	mu   sync.Mutex
	rand *rand.Rand
	plan Plan
	down bool
	late []delayed
	sent map[batchKey]time.Time // when a batch was first sent
	next time.Time              // when old batches are next removed from sent
}

// NewFaulty returns a network in front of store. Its faults depend only on the
// plan, the seed and the order of calls.
func NewFaulty(store syncer.Store, seed uint64, plan Plan) *Faulty {
	return &Faulty{store: store, plan: plan, rand: rand.New(rand.NewPCG(seed, seed)), sent: map[batchKey]time.Time{}}
}

// SetPlan replaces the plan for later exchanges.
func (f *Faulty) SetPlan(p Plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = p
}

// SetDown cuts or restores the network. While it is cut, every exchange fails,
// and batches in the network stay there.
func (f *Faulty) SetDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// Forget drops the batches in the network, as a restart of the store does.
func (f *Faulty) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = nil
}

// Bucket returns the bucket of a deployment in the store behind.
func (f *Faulty) Bucket(id string) int { return f.store.Bucket(id) }

// fate is the outcome that is drawn for one exchange.
type fate struct {
	lost, unheard, twice, late, hang bool
	delay                            time.Duration
	arriving                         []delayed // batches that arrive before this one
}

func (f *Faulty) draw(b *syncer.Batch) (d fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first(b)
	chance := func(p float64) bool { return f.rand.Float64() < p }
	p := f.plan
	d.lost = chance(p.LoseRequest) || f.down
	d.unheard, d.twice = chance(p.LoseReply), chance(p.Repeat)
	d.late, d.hang = chance(p.Late), chance(p.Hang)
	d.delay = p.MinDelay
	if span := p.MaxDelay - p.MinDelay; span > 0 {
		d.delay += time.Duration(f.rand.Int64N(int64(span)))
	}
	f.late = slices.DeleteFunc(f.late, func(b delayed) bool { return time.Since(b.first) >= longestLate })
	if !f.down {
		f.rand.Shuffle(len(f.late), func(i, j int) { f.late[i], f.late[j] = f.late[j], f.late[i] })
		n := f.rand.IntN(len(f.late) + 1)
		d.arriving, f.late = f.late[:n:n], slices.Clone(f.late[n:])
	}
	return d
}

// Exchange passes a batch to the store, with the faults of the [Plan].
func (f *Faulty) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	d := f.draw(&b)
	for _, old := range d.arriving {
		// The sender has given up and reads neither the reply nor the error.
		_ = f.store.Exchange(context.WithoutCancel(ctx), old.Batch, &syncer.Reply{})
	}
	if d.late && !d.lost {
		f.mu.Lock()
		if len(f.late) < maxLate {
			b.Deltas, b.Reads = slices.Clone(b.Deltas), slices.Clone(b.Reads)
			b.Counts, b.Held = slices.Clone(b.Counts), slices.Clone(b.Held)
			f.late = append(f.late, delayed{b, f.first(&b)})
		}
		f.mu.Unlock()
	}
	if d.lost || d.late {
		return fail(ctx, d)
	}
	if err := pause(ctx, d.delay/2); err != nil {
		return err
	}
	err := f.store.Exchange(ctx, b, r)
	if d.twice && err == nil {
		err = f.store.Exchange(ctx, b, &syncer.Reply{})
	}
	if d.unheard {
		*r = syncer.Reply{}
		return fail(ctx, d)
	}
	if err != nil {
		return err
	}
	return pause(ctx, d.delay/2)
}

// first returns when a batch was first sent. Under mu.
func (f *Faulty) first(b *syncer.Batch) time.Time {
	k := batchKey{b.Node, b.Bucket, b.Epoch, b.Seq}
	if at, ok := f.sent[k]; ok {
		return at
	}
	now := time.Now()
	if !now.Before(f.next) {
		maps.DeleteFunc(f.sent, func(_ batchKey, at time.Time) bool { return now.Sub(at) > 2*longestLate })
		f.next = now.Add(longestLate)
	}
	f.sent[k] = now
	return now
}

func fail(ctx context.Context, d fate) error {
	if d.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return ErrLost
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
