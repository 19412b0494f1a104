package syncer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	lastCall  = 500 * time.Millisecond // time for the last exchange
	lastPause = 50 * time.Millisecond  // between two attempts at it
	// A bucket rests after its exchanges for at most longestRest, and not at all if the rest
	// would be below shortestRest.
	shortestRest, longestRest = 10 * time.Millisecond, 100 * time.Millisecond
)

// errLate is the error of a reply that was read long after the exchange's deadline: this
// process stood still, and the totals of the reply are old.
var errLate = errors.New("syncer: the answer was read too late")

var errRunning = errors.New("syncer: it is running already; call Run once")

// Run exchanges usage with the store every interval until ctx ends, then once
// more within 500 ms, so that what the source has used by then is shared. It
// blocks, and leaves no goroutine behind.
//
// Run does not return when the store is absent; it keeps trying. It returns nil when the
// last exchange succeeded: all usage is in the store, and all unused reservations have been
// returned. Otherwise it returns the error of that exchange. The node's reservations then
// stay reserved until their windows end, as after a crash; the error and [Stats.Stranded]
// state how much. A later call of [Syncer.Sync] returns them. A second Run at the same time
// fails immediately.
func (s *Syncer) Run(ctx context.Context) error {
	s.mu.Lock()
	again := s.running
	if s.running = true; !again {
		s.leaving = false
	}
	s.mu.Unlock()
	if again {
		return errRunning
	}
	// Exchanges in flight when ctx ends may finish.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer func() {
		stop()
		wg.Wait()
		s.mu.Lock()
		s.running = false
		s.release()
		s.mu.Unlock()
	}()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.leaving = true
			s.mu.Unlock()
			return s.stranding(s.last(work))
		case <-t.C:
			t.Reset(s.round(work, &wg))
		case <-s.short():
			s.round(work, &wg) // early, beside the timer
		case <-s.partial:
			s.round(work, &wg) // returns a grant too small for a request here to the other nodes
		}
	}
}

// round starts an exchange for each bucket that has none in flight, and returns the time
// until the next round.
func (s *Syncer) round(ctx context.Context, wg *sync.WaitGroup) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.collect()
	for _, b := range s.buckets {
		select {
		case b.turn <- struct{}{}:
			wg.Go(func() {
				for more := true; more; {
					_ = s.work(ctx, b, now, true) // the error is counted, and the next round tries again
					s.rest(ctx, b)
					<-b.turn
					more = s.again(b)
				}
			})
		default: // the bucket's last exchange is still in flight
			b.kicked = s.reserver != nil
		}
	}
	return s.pause(now, rand.Float64())
}

// rest keeps the bucket's turn for half as long as its exchanges take, so that early rounds
// keep a slow store busy for at most two thirds of the time. A request that lacks a grant
// then receives it within two and a half round trips.
func (s *Syncer) rest(ctx context.Context, b *bucket) {
	s.mu.Lock()
	d := min(b.took/2, longestRest)
	idle := s.reserver == nil || d < shortestRest
	s.mu.Unlock()
	if idle {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// again takes the bucket's turn again if a demand arrived during the exchange, and reports
// whether it has.
func (s *Syncer) again(b *bucket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.kicked || b.trying != 0 {
		return false
	}
	b.kicked = false
	select {
	case b.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// last exchanges until it succeeds or lastCall has passed.
func (s *Syncer) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastCall)
	defer cancel()
	for {
		err := s.Sync(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lastPause):
		}
	}
}

// Sync exchanges usage now. When it returns nil, all usage that the source had at the call
// is in the store, and the source has received the other nodes' usage. That usage is current
// for deployments that the source used within two seconds or of whose limits nine tenths are
// used, and at most about a second old for the rest. On an error the syncer keeps the
// unshared usage for the next call. Run exchanges by itself; Sync is for callers without Run
// and for those that cannot wait for the next round.
func (s *Syncer) Sync(ctx context.Context) error {
	s.mu.Lock()
	now := s.collect()
	buckets := slices.Clone(s.buckets)
	s.mu.Unlock()
	errs := make([]error, len(buckets))
	var wg sync.WaitGroup
	for i, b := range buckets[1:] {
		wg.Go(func() { errs[i+1] = s.syncBucket(ctx, b, now) })
	}
	errs[0] = s.syncBucket(ctx, buckets[0], now)
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		s.opened()
	}
	return err
}

// opened opens a source that New has closed, if the syncer does not run.
func (s *Syncer) opened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed && !s.running {
		s.release()
	}
}

func (s *Syncer) syncBucket(ctx context.Context, b *bucket, now int64) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-b.turn }()
	return s.work(ctx, b, now, false)
}

// work exchanges batches of a bucket until there is none left or an exchange fails. If
// hurried, it also ends when the round that began at start has lasted an interval. The
// caller holds the bucket's turn.
func (s *Syncer) work(ctx context.Context, b *bucket, start int64, hurried bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun, sent := s.clock.Read(), false
	b.begun = begun
	b.relax(begun, hurried)
	// The bound lets Run end with a store that loses each batch after acknowledging it.
	for range 2*ringBatches + 8 + len(b.deployments)/10 {
		now := s.clock.Read()
		if hurried && sent && time.Duration(now-start) >= b.interval() {
			b.full = 0 // unsent usage is left: the next round is a full one
			break
		}
		x := s.job(b, now, hurried)
		if x == nil && !sent && !hurried && b.inFlight == nil {
			x = s.heartbeat(b, now) // a caller of Sync gets an answer
		}
		if x == nil {
			break
		}
		sent = true
		if err := s.exchange(ctx, b, x); err != nil {
			return err
		}
	}
	if sent {
		b.done(max(time.Duration(s.clock.Read()-begun), 0))
	}
	return nil
}

// exchange sends a batch and applies the reply. It releases the mutex while it waits.
func (s *Syncer) exchange(ctx context.Context, b *bucket, x *sent) error {
	before := s.clock.Read()
	if b.trying == 0 {
		b.trying = before
	}
	batch := Batch{
		Node: s.cfg.Node, Bucket: b.index, Epoch: x.epoch, Seq: x.seq, Next: x.next, Generation: b.generation,
		Deltas: x.deltas, Reads: x.reads, Counts: x.counts, Held: x.held, Modes: s.here(),
	}
	deadline := b.deadline()
	s.mu.Unlock()
	attempt, cancel := context.WithTimeout(ctx, deadline)
	err := s.store.Exchange(attempt, batch, &b.reply)
	late := attempt.Err() != nil && ctx.Err() == nil
	cancel()
	s.mu.Lock()
	after := s.clock.Read()
	r := &b.reply
	if err == nil && time.Duration(after-before) > deadline+refresh {
		err = errLate
	}
	if err == nil && !r.Duplicate && len(r.Totals) != len(x.deltas)+len(x.reads) {
		err = errReply
	}
	if err != nil {
		s.stats.Failures++
		if x.tries++; x.tries == 1 && x.seq != 0 {
			s.stats.InDoubt++
		}
		if late {
			b.timeouts = min(b.timeouts+1, 8)
		}
		b.err = err
		b.healed = 0
		s.watch(b, after)
		return err
	}
	s.stats.Exchanges++
	s.stats.Bytes += int64(r.Bytes)
	b.answered(max(time.Duration(after-before), 0))
	if b.index == 0 && !r.Duplicate {
		s.follower.follow(before, after, r.StoreTime)
	}
	s.resolve(b, x, r, after)
	s.back(b, after)
	return nil
}
