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
	lastCall  = 500 * time.Millisecond // for the last exchange
	lastPause = 50 * time.Millisecond  // between attempts at it
	// A bucket rests after its exchanges if that is as long as shortestRest, and no longer than
	// longestRest.
	shortestRest, longestRest = 10 * time.Millisecond, 100 * time.Millisecond
)

// errLate is of a reply that was read long after its time: this process stood still, and
// what the reply says of the others is old.
var errLate = errors.New("syncer: the answer was read too late")

var errRunning = errors.New("syncer: it is running already; call Run once")

// Run exchanges usage with the store every interval until ctx ends, then once
// more within 500 ms, so that what the source has used by then is shared. It
// blocks, and leaves no goroutine behind.
//
// An absent store is no reason to return: the syncer keeps trying. The error is
// nil when the last exchange succeeded: everything that was used is in the store, and
// everything that was reserved and not used has been returned. Otherwise it is what kept
// the exchange from succeeding. What the node has reserved then stays reserved until the
// windows end, as after a crash: the error and [Stats.Stranded] state how much. Calls of
// [Syncer.Sync] return it. A second Run at the same time fails at once.
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
	// Exchanges under way when ctx ends are given the time to end.
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
			s.round(work, &wg) // so that what fits no request here is of use elsewhere
		}
	}
}

// round starts an exchange for each bucket that has none under way, and returns
// when the next round is due.
func (s *Syncer) round(ctx context.Context, wg *sync.WaitGroup) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.collect()
	for _, b := range s.buckets {
		select {
		case b.turn <- struct{}{}:
			wg.Go(func() {
				for more := true; more; {
					_ = s.work(ctx, b, now, true) // counted, and tried again in the next round
					s.rest(ctx, b)
					<-b.turn
					more = s.again(b)
				}
			})
		default: // still waiting for its store
			b.kicked = s.reserver != nil
		}
	}
	return s.pause(now, rand.Float64())
}

// rest keeps the bucket's turn for half as long as exchanges take, so that early ones do not keep a slow
// store busy for more than two thirds of the time. A request that lacks a grant then has it within two and
// a half round trips.
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

// again takes the bucket's turn once more for a demand that came during the exchange.
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

// last is the exchange after which nothing is left to report.
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

// Sync exchanges usage now. When it returns nil, all that the source had used when it was
// called is in the store, and the source has received what the others have used: of
// deployments that it used in the last two seconds, or of whose limits nine tenths are used,
// as of now, of the others as of a second ago. On an error the syncer keeps what it could
// not share, for the next call. Run calls for an exchange itself; Sync is for callers
// without Run, and for those that cannot wait for the next round.
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

// opened ends what New has closed, for a source whose syncer does not run.
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

// work exchanges batches of a bucket until nothing is left to say, or an
// exchange fails; hurried, also until the round that began at start has taken as
// long as it may. The caller has the bucket's turn.
func (s *Syncer) work(ctx context.Context, b *bucket, start int64, hurried bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun, sent := s.clock.Read(), false
	b.begun = begun
	b.relax(begun, hurried)
	// A store that loses what it has just acknowledged must not keep Run from ending.
	for range 2*ringBatches + 8 + len(b.deployments)/10 {
		now := s.clock.Read()
		if hurried && sent && time.Duration(now-start) >= b.interval() {
			b.full = 0 // not all was reported
			break
		}
		x := s.job(b, now, hurried)
		if x == nil && !sent && !hurried && b.flying == nil {
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

// exchange sends a batch and takes in the answer. It gives the mutex up while it
// waits.
func (s *Syncer) exchange(ctx context.Context, b *bucket, x *sent) error {
	before := s.clock.Read()
	if b.trying == 0 {
		b.trying = before
	}
	batch := Batch{
		Node: s.cfg.Node, Bucket: b.index, Epoch: x.epoch, Seq: x.seq, Next: x.next, Generation: b.generation,
		Deltas: x.deltas, Reads: x.reads, Counts: x.counts, Held: x.held,
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
