package syncer

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	ringBatches = 100
	ringBytes   = 1 << 20 // in memory, approximately
)

// repair holds the acknowledged batches with which a bucket restores data that a store
// without epochs has lost. Such a store keeps LiteLLM's counters under LiteLLM's names.
type repair struct {
	generation uint64 // of the last reply that had one; 0 = none yet
	ring       []*sent
	ringSize   int // bytes
	// again holds acknowledged batches to send again under their own Seq, oldest first. The
	// store adds only those that it has lost. All of them count as acked.
	again []*sent
	// probing is set while again serves to find out whether the store has lost anything, and
	// found once it has.
	probing, found bool
	// recheck asks for another replay of the ring after the next new batch, because the store
	// may lose a batch between its replay and the next new one.
	recheck bool
	// unverified are batches that were applied to an unknown generation, because the replies to
	// them carried none.
	unverified []*sent
	// floor is until when the other nodes' usage may not fall, Unix nanoseconds, because nodes
	// have yet to restore what the store has lost.
	floor int64
	// shaken is when a loss was last noticed, Unix seconds.
	shaken int64
}

// pending reports whether repairs are under way.
func (r *repair) pending() bool { return len(r.again) > 0 || r.recheck }

// remember keeps an acknowledged batch for as long as the store might lose it.
func (r *repair) remember(x *sent) {
	if len(x.deltas) == 0 {
		return
	}
	x.reads, x.usages, x.tries = nil, nil, 0
	x.counts = x.counts[:len(x.deltas):len(x.deltas)]
	r.ring = append(r.ring, x)
	r.ringSize += x.size()
	for len(r.ring) > ringBatches || r.ringSize > ringBytes && len(r.ring) > 1 {
		r.ringSize -= r.ring[0].size()
		r.ring = slices.Delete(r.ring, 0, 1)
	}
}

func (x *sent) size() int {
	n := 96
	for _, d := range x.deltas {
		n += 80 + len(d.ID)
	}
	return n
}

// unsure records that a batch was applied, perhaps in an earlier generation.
func (r *repair) unsure(x *sent) {
	if len(x.deltas) == 0 || slices.Contains(r.unverified, x) {
		return
	}
	if len(r.unverified) == 2*ringBatches {
		r.unverified = slices.Delete(r.unverified, 0, 1)
	}
	r.unverified = append(r.unverified, x)
}

// probe asks whether the store still has the newest batch of the ring. If so, the store has
// lost none of them.
func (r *repair) probe() {
	if n := len(r.ring); n > 0 && !r.pending() {
		r.again, r.probing, r.found = []*sent{r.ring[n-1]}, true, false
	}
}

// replay makes the bucket send all batches of the ring again.
func (s *Syncer) replay(b *bucket, now int64) {
	b.probing, b.found, b.recheck = false, false, false
	b.again = slices.DeleteFunc(slices.Clone(b.ring), func(x *sent) bool { return x.dead(now) })
	b.hold(now)
}

// pop removes the first batch of again. After the last one it ends the replay or the probe.
func (s *Syncer) pop(b *bucket) {
	if b.again = b.again[1:]; len(b.again) == 0 {
		b.again = nil
		b.recheck = b.recheck || b.found
		b.found, b.probing = false, false
	}
}

// hold keeps the other nodes' usage from falling until every node has had time to restore
// what the store has lost. In a window that had begun before the loss, verify is then of no
// use: a node may have returned usage that the store has lost and may take long to restore
// it. Until then a total can be lower than one node's usage without another loss.
func (b *bucket) hold(now int64) {
	b.shaken = now / 1e9
	b.floor = now + int64(2*b.interval()+refresh)
}

// reseed handles a store that was emptied. Only batch x, which the store has just applied,
// and the unverified batches, which it may have applied after the loss, still count as
// acked. The unverified ones are sent again to find out. A window that no node reads any
// more is left alone.
func (s *Syncer) reseed(b *bucket, x *sent, now int64) {
	for _, d := range b.deployments {
		d.cool.acked = 0
		for _, u := range d.windows {
			if !u.past(now) {
				u.acked = Count{}
			}
		}
	}
	b.unverified = slices.DeleteFunc(b.unverified, func(u *sent) bool { return u == x || u.dead(now) })
	b.again, b.ring, b.ringSize = b.unverified, nil, 0
	b.probing, b.found, b.recheck = false, false, false
	for _, u := range b.unverified {
		s.commit(u, now)
		b.remember(u)
	}
	b.unverified = nil
	s.commit(x, now)
	b.hold(now)
}

// commit adds the accepted part of a batch to the acked usage of windows that reseed has
// reset.
func (s *Syncer) commit(x *sent, now int64) {
	for _, d := range x.deltas {
		s.addAcked(d, 1, now)
		if known := s.deployments[d.ID]; known != nil {
			known.cool.commit(d.CoolUntil)
		}
	}
	for _, d := range x.refused {
		s.addAcked(d, -1, now)
	}
}

// addAcked adds a tally, times sign, to the acked usage of its window.
func (s *Syncer) addAcked(t window.Tally, sign, now int64) {
	if u := s.usage(t); u != nil && !u.past(now) {
		u.acked = u.acked.plus(countOf(t).times(sign))
	}
}
