package syncer

import (
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// settling is how long after a new epoch began the nodes are given to add
	// their usage under its names.
	settling = 5 * time.Second
	// The least time between two epochs that this node begins: the first after
	// batches were lost, doubled up to the second while losses follow each other,
	// the third after a counter alone was lost.
	shortestEpoch, longestEpoch = 250 * time.Millisecond, 2 * time.Second
	evictedEpoch                = 5 * time.Second
)

// era is which epoch of its store's counters a bucket is in. What is committed
// was added under that epoch's names. Whatever the store has lost, a new epoch
// makes it good: its counters begin at nothing, and every node adds all it has
// used in the windows that still count. A batch that arrives late changes
// counters that no node reads any more.
type era struct {
	met     bool   // the store has said whether it has epochs
	epoch   uint64 // 0 = it has none
	lost    bool   // the store has lost something: begin a new epoch
	seen    uint64 // the store's epoch, where it is lower than this node's
	tries   uint64 // of beginning one, that changed nothing
	began   int64  // when the last one began here, Unix nanoseconds; 0 = the first lasts
	gap     time.Duration
	settled int64 // until when nodes may have yet to add their usage
	opens   int64 // when, in the epoch, escrow may grant
	evicted int64 // when a counter alone was last found lost
}

// epochRandom is how many of an epoch's lowest bits are random; the others are
// the second in which it began, or one above those of the epoch before.
const epochRandom = 10

// NewEpoch returns an epoch above one that is known, 0 if none is, as a [Store]
// needs it that has lost its own. Two calls seldom return the same.
func NewEpoch(above uint64, now time.Time) uint64 {
	return max(above>>epochRandom+1, uint64(max(now.Unix(), 1)))<<epochRandom | rand.Uint64N(1<<epochRandom)
}

// hello asks the store which epoch it is in.
func hello(now int64) *sent { return &sent{at: now} }

// raise returns a batch that begins a new epoch, or nil if none is due: one follows
// another after a while only, unless the caller cannot wait.
func (b *bucket) raise(now int64, wait bool) *sent {
	if b.flying != nil && now-b.flying.at >= lifetime*int64(time.Second) {
		b.lost = true // the store may not know the batch any more
	}
	if !b.lost || wait && b.began != 0 && time.Duration(now-b.began) < b.gap {
		return nil
	}
	from := b.epoch
	if b.seen != 0 {
		from = b.seen
	}
	return &sent{at: now, epoch: from, next: NewEpoch(b.epoch, time.Unix(0, now)), seq: b.tries}
}

// met takes in the first answer of a store.
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

// resolveEpoch takes in the answer of a store that has epochs.
func (s *Syncer) resolveEpoch(b *bucket, x *sent, r *Reply, now int64) {
	switch {
	case r.Epoch > b.epoch:
		s.begin(b, r, now)
	case r.Epoch < b.epoch: // it went back to older data
		b.lost, b.seen = true, r.Epoch
	case x.next != 0: // it was at this node's epoch again
		b.seen = 0
		b.tries++
	}
	if x.next != 0 || r.Epoch != x.epoch {
		s.shares = s.shares[:0]
		s.applyCooling(r.Cooling, now)
		s.absorb()
		return
	}
	b.commit(x)
	b.lost = b.lost || r.PrevMissing
	if r.Duplicate {
		s.stats.Duplicates++
		for _, u := range x.usages {
			u.asked = true // totals are not known
		}
		return
	}
	s.refuse(x, r.Refused, now)
	s.learn(b, x, r, now)
}

// commit takes in that the store has the batch under way.
func (b *bucket) commit(x *sent) {
	b.flying = nil
	for i, d := range x.deltas {
		u := x.usages[i]
		u.flying = Count{}
		u.committed = u.committed.plus(countOf(d))
		for _, a := range u.accounts {
			if a != nil {
				a.Applied()
			}
		}
		u.d.cool.commit(d.CoolUntil)
	}
}

// begin enters a new epoch: what counts in it has yet to be added. Others' usage
// stays where it was until they can have added theirs.
func (s *Syncer) begin(b *bucket, r *Reply, now int64) {
	if b.began != 0 && time.Duration(now-b.began) < quiet {
		b.gap = min(max(2*b.gap, shortestEpoch), longestEpoch)
	} else {
		b.gap = shortestEpoch
	}
	b.epoch, b.began, b.settled = r.Epoch, now, now+int64(settling)
	b.lost, b.seen, b.tries = false, 0, 0
	b.seq, b.flying = 0, nil
	b.opens = b.opensAt(r, now)
	for _, d := range b.deployments {
		d.cool.committed, d.slices = 0, nil
		for _, u := range d.windows {
			u.flying, u.seq, u.read = Count{}, 0, 0
			if u.past(now) {
				continue // no node reads it any more
			}
			u.committed = Count{}
			u.agreement = agreement{wants: u.agreed()}
			for _, a := range u.accounts {
				if a != nil {
					a.Renew()
				}
			}
			if u.known {
				u.floor, u.gap = u.others, Count{}
			}
		}
	}
	s.stats.Reseeded++
	if s.news("emptied", now) {
		s.cfg.Logger.Warn("store lost data: adding this node's usage again under a new epoch", slog.Int("bucket", b.index), slog.Uint64("epoch", r.Epoch))
	}
}

// evict takes in a total below what this node alone has added: the store has
// lost the counter, and may have lost others.
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

// lacks reports whether a total is below what this node has added to it.
func (u *usage) lacks(total Count) bool {
	of := u.committed.list()
	for i, n := range total.list() {
		if u.counts()&(1<<i) != 0 && n < of[i] {
			return true
		}
	}
	return false
}

// remote returns what the others have used of a window by its total, under an
// epoch. Until the nodes have had time to add theirs again, it is no less than before
// the last loss; of a day, what is missing then stays: nodes had used it that have
// ended. Of a minute it goes, since it may also have been given back.
func (u *usage) remote(total Count, settled bool) Count {
	others := total.minus(u.committed).atLeast(Count{}).plus(u.gap)
	if u.floor == (Count{}) {
		return others
	}
	if settled && !u.kind.Long() {
		u.floor = Count{}
		return others
	}
	if settled {
		u.gap = u.gap.plus(u.floor.minus(others).atLeast(Count{}))
		others = others.atLeast(u.floor)
		u.floor = Count{}
		return others
	}
	return others.atLeast(u.floor)
}
