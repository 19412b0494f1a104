package syncer

import (
	"log/slog"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// batchSize is how many deltas and reads travel in a batch: a store has two
	// keys for each.
	batchSize = 250
	// refresh is how old a total may grow while its deployment is live but idle,
	// and how long a bucket may be silent.
	refresh = time.Second
)

// bucket is a part of the deployments that shares its batches: at most one is
// under way. All fields but turn are under the syncer's mutex, reply belongs to
// who has the turn.
type bucket struct {
	index int
	turn  chan struct{} // whoever has put something in may exchange
	reply Reply

	deployments []*deployment
	next        int // where among them the next batch begins

	seq    uint64 // of the latest batch built
	flying *sent  // that batch, until it is resolved
	repair
	pace
	outage
}

// sent is a batch from when it was built until nobody needs it any more.
type sent struct {
	seq     uint64
	deltas  []window.Tally
	reads   []window.Tally
	usages  []*usage       // of deltas, then of reads
	refused []window.Tally // what the store did not take
	at      int64          // when it was built
	tries   int
}

// dead reports whether the store would no longer know that it had the batch, or
// nobody would care: it is too late for all of its windows.
func (x *sent) dead(now int64) bool {
	if now-x.at >= lifetime*int64(time.Second) {
		return true
	}
	return len(x.deltas) > 0 && !slices.ContainsFunc(x.deltas, func(t window.Tally) bool { return !dead(t.Start, now) })
}

func newBucket(index int) *bucket {
	return &bucket{index: index, turn: make(chan struct{}, 1)}
}

// job returns the batch to send now, or nil: an old one that the store may have
// lost, the one in doubt, or a new one.
func (s *Syncer) job(b *bucket, now int64) *sent {
	for len(b.again) > 0 {
		if x := b.again[0]; !x.dead(now) {
			return x
		}
		s.pop(b)
	}
	if b.flying != nil && b.flying.dead(now) {
		s.abandon(b, now)
	}
	if b.flying == nil {
		b.flying = s.build(b, now)
	}
	return b.flying
}

// abandon gives up a batch in doubt: by now the store would not recognize it.
func (s *Syncer) abandon(b *bucket, now int64) {
	if len(b.flying.deltas) > 0 && s.news("dropped", now) {
		s.cfg.Logger.Warn("usage was not shared in time: dropped", slog.Int("bucket", b.index))
	}
	for i, d := range b.flying.deltas {
		b.flying.usages[i].flying = Count{}
		b.flying.usages[i].committed = b.flying.usages[i].committed.plus(countOf(d)) // never again
		s.drop(countOf(d))
	}
	b.flying = nil
}

// build puts together a new batch: what has yet to be told first, then what has
// to be read. Nil if there is nothing to say.
func (s *Syncer) build(b *bucket, now int64) *sent {
	x := &sent{seq: b.seq + 1, at: now}
	n, last := len(b.deployments), 0
	for i := 0; i < n && len(x.deltas) < batchSize; i++ {
		for _, u := range b.deployments[(b.next+i)%n].windows {
			if c := u.unsent(); c != (Count{}) && len(x.deltas) < batchSize && !u.dead(now) {
				u.flying = c
				x.deltas = append(x.deltas, c.tally(u.d.id, u.start))
				x.usages = append(x.usages, u)
				last = i
			}
		}
	}
	epoch := window.EpochAt(now)
	for i := range n {
		if len(x.deltas)+len(x.reads) >= batchSize {
			break
		}
		d := b.deployments[(b.next+i)%n]
		if !d.live(epoch) {
			continue
		}
		u := d.open(window.StartSeconds(epoch))
		if u.flying == (Count{}) && (u.asked || b.stale(u.at, now) || u.expected != (Count{}) && time.Duration(now-u.at) >= b.interval()/2) {
			x.reads = append(x.reads, window.Tally{ID: d.id, Start: u.start})
			x.usages = append(x.usages, u)
			last = max(last, i)
		}
	}
	switch {
	case len(x.usages) >= batchSize:
		b.next = (b.next + last + 1) % n
	case len(x.usages) == 0 && !b.silent(now):
		return nil
	}
	b.seq++
	return x
}

// silent reports whether it is time for a batch even if it says nothing: once in
// a while, when the one before has to be looked after, and to find out whether a
// store that was away is there to stay.
func (b *bucket) silent(now int64) bool {
	return b.stale(b.last, now) || b.recheck || b.away && time.Duration(now-b.last) >= b.interval()/2
}

// stale reports whether what was learned at the time given has to be learned
// anew, so that it never grows older than refresh.
func (b *bucket) stale(at, now int64) bool {
	return at == 0 || time.Duration(now-at)+b.interval() >= refresh
}
