package syncer

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

var errReply = errors.New("syncer: the store answered with another number of totals than it was asked for")

// resolve applies the reply to batch x. Under the mutex.
func (s *Syncer) resolve(b *bucket, x *sent, r *Reply, now int64) {
	switch {
	case !b.met:
		s.meet(b, r, now)
	case b.epoch != 0:
		s.resolveEpoch(b, x, r, now)
	case x == b.inFlight:
		s.resolveNew(b, x, r, now)
	default:
		s.resolveOld(b, x, r, now)
	}
	if r.Nodes > 0 {
		s.nodes = r.Nodes
	}
	if len(r.Members) > 0 {
		s.members = append(s.members[:0], r.Members...)
		s.unaware = r.Unaware
		if b.epoch != 0 {
			s.meetModes(r, now)
		}
	}
	if r.OutdatedKnown && r.Outdated != s.outdated {
		s.setOutdated(r.Outdated, now)
	}
}

// resolveNew applies the reply of a store without epochs to the batch in flight.
func (s *Syncer) resolveNew(b *bucket, x *sent, r *Reply, now int64) {
	b.commit(x)
	if r.Duplicate {
		s.stats.Duplicates++
		for _, u := range x.usages {
			u.asked = true // a duplicate's reply has no totals
		}
		switch {
		case r.PrevMissing:
			s.replay(b, now)
		case b.recheck:
			s.replay(b, now)
		default:
			b.probe() // a duplicate's reply does not report whether the batch before it is still there
		}
		b.unsure(x)
		b.remember(x)
		return
	}
	s.refuse(x, r.Refused, now)
	emptied := s.generation(b, x, r, now)
	switch {
	case emptied:
	case r.PrevMissing:
		s.replay(b, now)
	case b.recheck:
		s.replay(b, now)
	}
	s.learn(b, x, r, now)
	b.remember(x)
}

// resolveOld applies the reply to an acknowledged batch that was sent again.
func (s *Syncer) resolveOld(b *bucket, x *sent, r *Reply, now int64) {
	// A duplicate proves that the store still had the batch only on the first attempt: an
	// earlier attempt without a reply may have restored it.
	had, probing := r.Duplicate && x.tries == 0, b.probing
	x.tries = 0
	if r.Duplicate {
		b.unsure(x)
	} else {
		s.stats.Replayed++
		s.refuse(x, r.Refused, now)
		if s.generation(b, x, r, now) {
			b.remember(x)
			b.recheck = true
			return
		}
		if s.news("lost", now) {
			s.cfg.Logger.Warn("store lost acknowledged batches: sending them again", slog.Int("bucket", b.index))
		}
	}
	b.found = b.found || !had
	s.pop(b)
	if probing && !had {
		s.replay(b, now)
		b.found = true
	}
}

// generation applies the identity of the store's data. It reports whether the store was
// emptied since the previous reply.
func (s *Syncer) generation(b *bucket, x *sent, r *Reply, now int64) (emptied bool) {
	before := b.generation
	b.generation = r.Generation
	if before == 0 || before == r.Generation {
		b.unverified = nil
		return false
	}
	s.stats.Reseeded++
	s.reseed(b, x, now)
	if s.news("emptied", now) {
		s.cfg.Logger.Warn("store was emptied: adding this node's usage again", slog.Int("bucket", b.index))
	}
	return true
}

// refuse writes off the deltas of an applied batch that the store has rejected. When a batch
// is sent again, the store may accept what it rejected before, and the other way round, so
// the latest reply replaces the one before.
func (s *Syncer) refuse(x *sent, now []window.Tally, at int64) {
	for _, t := range x.refused {
		s.writeOff(t, -1)
	}
	for _, t := range now {
		s.writeOff(t, 1)
		if !slices.Contains(x.refused, t) {
			s.stats.refuse(t.Kind, countOf(t))
			if s.news("refused "+t.ID, at) {
				s.cfg.Logger.Warn("store refused usage: it is not shared", slog.String("deployment", t.ID))
			}
		}
	}
	x.refused = slices.Clone(now)
}

func (s *Syncer) writeOff(t window.Tally, sign int64) {
	if u := s.usage(t); u != nil {
		c := countOf(t).times(sign)
		u.acked, u.refused = u.acked.minus(c), u.refused.plus(c)
	}
}

// usage returns the record of a tally's window, or nil.
func (s *Syncer) usage(t window.Tally) *usage {
	if d := s.deployments[t.ID]; d != nil {
		return d.window(t.Kind, t.Start)
	}
	return nil
}

// learn applies the totals of an applied batch and passes them to the source.
func (s *Syncer) learn(b *bucket, x *sent, r *Reply, now int64) {
	floor := b.pending() || now < b.floor
	s.shares = s.shares[:0]
	x.learnSlices(r.Totals, now)
	if b.epoch != 0 {
		s.findLost(b, x, r.Totals, now)
	}
	for i, t := range r.Totals {
		u := x.usages[i]
		u.asked = false
		if i < len(r.Held) {
			s.agree(u, r.Held[i], now)
		}
		if !b.away && !u.granted && u.lift() {
			s.reopen(u.d.window(window.KindMinute, u.end))
		}
		if refused(x, u) {
			u.at = now // the store rejects changes of the counter, so its total is not applied
			s.brokenAccounts(u)
			u.expected, u.forecast = Count{}, Count{}
			s.shares = append(s.shares, u.share())
			continue
		}
		if b.epoch != 0 {
			u.observe(countOf(t), u.remoteUsage(countOf(t), now >= b.settled), now, b.horizon(now))
			s.thin(u, now, b.horizon(now))
			if u.accounts.none() {
				s.shares = append(s.shares, u.share())
				continue
			}
			u.granted = false // the other nodes' usage has changed: grant passes a new share
			if !b.away {
				u.ceiling = u.ceiling.unlessNot(&u.accounts)
			}
			s.learnExact(b, u, countOf(t), r, now)
			continue
		}
		if !floor && u.start > b.shaken && u.runs(now) { // later a key may have expired
			var just Count
			if i < len(x.deltas) {
				just = countOf(x.deltas[i])
			}
			s.verify(u, countOf(t), just, now)
		}
		remote := countOf(t).minus(u.acked).atLeast(Count{})
		if floor || u.kind.Long() && u.start <= b.shaken {
			remote = remote.atLeast(u.remote) // nodes that have ended cannot restore their usage
		}
		u.observe(countOf(t), remote, now, b.horizon(now))
		s.thin(u, now, b.horizon(now))
		s.shares = append(s.shares, u.share())
	}
	s.applyCooling(r.Cooling, now)
	s.src.Absorb(s.shares)
}

func refused(x *sent, u *usage) bool {
	for _, t := range x.refused {
		if t.ID == u.d.id && t.Start == u.start && t.Kind == u.kind {
			return true
		}
	}
	return false
}

// suspicion is how long a total must stay too low before its key counts as lost.
const suspicion = 5 * time.Second

// verify finds a key that the store has lost: its total is below what this node alone has
// added. Everything except the delta just added is then reported again. A key that holds
// just that delta is certainly lost. A total that is too low otherwise may only lack what
// another node is about to restore, so it counts as lost after suspicion.
func (s *Syncer) verify(u *usage, total, just Count, now int64) {
	var lacks [4]int64
	gone, of, added := true, u.acked.list(), just.list()
	for i, n := range total.list() {
		lacks[i] = missing(n, added[i], of[i])
		gone = gone && (lacks[i] == 0 || n == added[i])
	}
	lost := countFrom(lacks)
	if lost == (Count{}) {
		u.low = 0
		return
	}
	if u.low == 0 {
		u.low = now
	}
	if !gone && time.Duration(now-u.low) < suspicion {
		return
	}
	u.low = 0
	u.acked = u.acked.minus(lost)
	u.asked = true
	s.stats.Restored++
	if s.news("evicted", now) {
		s.cfg.Logger.Warn("store lost a key: adding this node's usage again; does it evict keys?", slog.String("deployment", u.d.id))
	}
}

// missing returns how much of the acked usage a total lacks; 0 if the total may be complete.
func missing(total, just, acked int64) int64 {
	if total >= acked || total < 0 {
		return 0
	}
	return acked - just
}

// drop counts usage of a window that will never be shared. That of pools, and of windows that
// begin at times of their own, counts in a deployment's UTC minute.
func (s *Syncer) drop(u *usage, c Count, now int64) {
	if c == (Count{}) || granted(u.d.id, u.kind) {
		return
	}
	s.stats.drop(u.kind, c)
	if s.news("dropped", now) {
		s.cfg.Logger.Warn("usage was not shared in time: dropped", slog.String("deployment", u.d.id))
	}
}
