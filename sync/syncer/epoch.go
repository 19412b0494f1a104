package syncer

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	// settling is how long the nodes have, after a new epoch began, to add their usage to its
	// counters.
	settling = 5 * time.Second
	// Least times between two epochs that this node begins. After lost batches it is
	// shortestEpoch, doubled up to longestEpoch while losses follow each other. After the loss
	// of a single counter it is evictedEpoch.
	shortestEpoch, longestEpoch = 250 * time.Millisecond, 2 * time.Second
	evictedEpoch                = 5 * time.Second
)

// era is a bucket's place in the epochs of its store's counters. Acked usage was added
// to the counters of the current epoch. A new epoch repairs any loss of data: its counters
// begin at zero, and every node adds all its usage of the windows that still count. A late
// batch of an older epoch changes only counters that no node reads any more.
type era struct {
	met   bool   // the store has replied once, which shows whether it has epochs
	epoch uint64 // the current epoch; 0 = the store has none
	lost  bool   // the store has lost data: a new epoch must begin
	seen  uint64 // the store's epoch, where it is lower than this node's
	// tries counts attempts to begin an epoch that changed nothing. Each is made twice: another
	// node may have begun one between the commands of the first.
	tries   uint64
	began   int64 // when this node last entered a new epoch, Unix nanoseconds; 0 = still in its first
	gap     time.Duration
	settled int64 // end of settling, Unix nanoseconds
	opens   int64 // when escrow may begin to grant in the epoch, Unix nanoseconds
	evicted int64 // when a single counter was last found lost, Unix nanoseconds
}

// epochRandom is the number of random low bits of an epoch. The higher bits are the Unix
// second in which it began, or one more than those of the epoch before if that is larger.
const epochRandom = 10

// NewEpoch returns an epoch greater than above, the last known one; 0 = none is known. A
// [Store] that has lost its epoch calls it. Two calls rarely return the same epoch, because
// the ten lowest bits are random.
func NewEpoch(above uint64, now time.Time) uint64 {
	return max(above>>epochRandom+1, uint64(max(now.Unix(), 1)))<<epochRandom | rand.Uint64N(1<<epochRandom)
}

// hello returns a batch that asks the store for its epoch.
func hello(now int64) *sent { return &sent{at: now} }

// raise returns a batch that begins a new epoch, or nil if none is due. With wait, the time
// b.gap must have passed since the last epoch began; callers of Sync do not wait.
func (b *bucket) raise(now int64, wait bool) *sent {
	if x := b.inFlight; x != nil && len(x.deltas) > 0 && expired(x.at, now) {
		b.lost = true // the store may have dropped the batch's marker
	}
	if !b.lost || wait && b.began != 0 && time.Duration(now-b.began) < b.gap {
		return nil
	}
	from := b.epoch
	if b.seen != 0 {
		from = b.seen
	}
	return &sent{at: now, epoch: from, next: NewEpoch(b.epoch, time.Unix(0, now)), seq: b.tries / 2}
}

// meet applies the first reply of a store.
func (s *Syncer) meet(b *bucket, r *Reply, now int64) {
	b.met, b.epoch, b.generation = true, r.Epoch, r.Generation
	b.opens = b.opensAt(r, now)
	if r.Epoch == 0 && s.reserver != nil {
		s.usageOnly()
	}
	s.shares = s.shares[:0]
	s.applyCooling(r.Cooling, now)
	s.absorb()
}

// resolveEpoch applies a reply of a store that has epochs.
func (s *Syncer) resolveEpoch(b *bucket, x *sent, r *Reply, now int64) {
	switch {
	case r.Epoch > b.epoch:
		s.begin(b, r, now)
	case r.Epoch < b.epoch: // the store went back to older data
		b.lost, b.seen = true, r.Epoch
		if x.next != 0 && r.Epoch == x.epoch { // it has gone back to it again, and has a marker of an earlier attempt
			b.tries++
		}
	case x.next != 0: // the store has this node's epoch again, so the attempt changed nothing
		b.seen = 0
		b.tries++
	}
	if x.next != 0 || r.Epoch != x.epoch {
		s.shares = s.shares[:0]
		s.applyCooling(r.Cooling, now)
		s.absorb()
		return
	}
	b.lost = b.lost || r.PrevMissing && b.shows(now)
	b.commit(x)
	if r.Duplicate {
		s.stats.Duplicates++
		for _, u := range x.usages {
			u.asked = true // a duplicate's reply has no totals
		}
		return
	}
	s.refuse(x, r.Refused, now)
	s.learn(b, x, r, now)
}

// asksNothing reports whether the totals of a reply are of a time at which no node asked for
// anything yet in their epoch, by the clock of the store.
func (b *bucket) asksNothing(r *Reply) bool {
	return !r.EpochBegan.IsZero() && r.StoreTime.Sub(r.EpochBegan) < 2*b.base+longestHold
}

// gathers reports whether a window's total must be read because nodes may soon ask in a new
// epoch: what they have added again until then is theirs, and the rest is missing.
func (b *bucket) gathers(u *usage, now int64) bool {
	from := b.opens - int64(b.interval())*5/4 // a round begins after it in any case
	if b.began == 0 || now < from || now >= b.opens || u.at >= from {
		return false
	}
	for _, a := range u.accounts {
		if a != nil && a.Misses() {
			return true
		}
	}
	return false
}

// shows reports whether a missing marker of the batch before shows that the store lost data.
// Once the marker may have expired it shows nothing, so that a node which was away for as long
// begins a new epoch only if it has something to add again.
func (b *bucket) shows(now int64) bool {
	if !expired(b.ackedAt, now) {
		return true
	}
	for _, d := range b.deployments {
		for _, u := range d.windows {
			if u.acked != (Count{}) && !u.past(now) {
				return true
			}
		}
	}
	return false
}

// expired reports whether a store may have dropped the marker of a batch that was built at a
// time.
func expired(at, now int64) bool { return now-at >= lifetime*int64(time.Second) }

// commit records that the store has applied the batch in flight.
func (b *bucket) commit(x *sent) {
	b.inFlight, b.ackedAt = nil, x.at
	for i, d := range x.deltas {
		u := x.usages[i]
		u.inFlight = Count{}
		u.acked = u.acked.plus(countOf(d))
		for _, a := range u.accounts {
			if a != nil {
				a.Applied()
			}
		}
		u.d.cool.commit(d.CoolUntil)
	}
}

// begin enters a new epoch, to whose counters this node has added nothing yet. The other
// nodes' usage keeps its last value until they have had time to add theirs.
func (s *Syncer) begin(b *bucket, r *Reply, now int64) {
	if b.began != 0 && time.Duration(now-b.began) < quiet {
		b.gap = min(max(2*b.gap, shortestEpoch), longestEpoch)
	} else {
		b.gap = shortestEpoch
	}
	b.epoch, b.began, b.settled = r.Epoch, now, now+int64(settling)
	b.lost, b.seen, b.tries = false, 0, 0
	b.seq, b.inFlight = 0, nil
	b.opens = b.opensAt(r, now)
	for _, d := range b.deployments {
		d.cool.acked, d.slices = 0, nil
		for _, u := range d.windows {
			u.inFlight, u.seq, u.read = Count{}, 0, 0
			if u.past(now) {
				continue // no node reads its total any more
			}
			u.acked = Count{}
			u.agreement = agreement{wants: u.agreed()}
			for _, a := range u.accounts {
				if a != nil {
					a.Renew()
				}
			}
			if u.known {
				u.floor, u.gap = u.remote, Count{}
			}
		}
	}
	s.stats.Reseeded++
	if s.news("emptied", now) {
		s.cfg.Logger.Warn("store lost data: adding this node's usage again under a new epoch", slog.Int("bucket", b.index), slog.Uint64("epoch", r.Epoch))
	}
}

// findLost looks for totals of which the store has lost a part, before anything is granted by
// any total of the same reply.
func (s *Syncer) findLost(b *bucket, x *sent, totals []window.Tally, now int64) {
	for i, t := range totals {
		u := x.usages[i]
		if u.runs(now) && u.lacks(countOf(t)) && !refused(x, u) { // later a key may have expired
			s.evict(b, u, now)
		}
	}
}

// evict handles a total below what this node alone has added: the store has lost the
// counter, and may have lost others. It asks for a new epoch, at most one per evictedEpoch.
func (s *Syncer) evict(b *bucket, u *usage, now int64) {
	if b.lost || b.evicted != 0 && time.Duration(now-b.evicted) < evictedEpoch {
		return
	}
	b.evicted, b.lost = now, true
	s.stats.Restored++
	if s.news("evicted", now) {
		s.cfg.Logger.Warn("store lost a key: beginning a new epoch; does it evict keys?", slog.String("deployment", u.d.id))
	}
}

// lacks reports whether a total is below what this node alone has added to it.
func (u *usage) lacks(total Count) bool {
	of := u.acked.list()
	for i, n := range total.list() {
		if u.counts()&(1<<i) != 0 && n < of[i] {
			return true
		}
	}
	return false
}

// remoteUsage returns the other nodes' usage of a window by its total. Until a new epoch is
// settled it is at least the usage before the last loss. When it is settled, usage may
// still be missing. For a day the missing part stays, because it belongs to nodes that have
// ended since. For a minute it goes, because it may also have been returned.
func (u *usage) remoteUsage(total Count, settled bool) Count {
	remote := total.minus(u.acked).atLeast(Count{}).plus(u.gap)
	if u.floor == (Count{}) {
		return remote
	}
	if settled && !u.kind.Long() {
		u.floor = Count{}
		return remote
	}
	if settled {
		u.gap = u.gap.plus(u.floor.minus(remote).atLeast(Count{}))
		remote = remote.atLeast(u.floor)
		u.floor = Count{}
		return remote
	}
	return remote.atLeast(u.floor)
}
