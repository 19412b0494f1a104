package syncer

import (
	"slices"

	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	ringBatches = 100
	ringBytes   = 1 << 20 // roughly
)

// repair is what a bucket remembers to make good what a store without epochs has
// lost: a store that keeps LiteLLM's counters under LiteLLM's names.
type repair struct {
	generation uint64 // of the last reply that had one; 0 = none yet
	ring       []*sent
	ringSize   int // bytes
	// again holds acknowledged batches to send again under their own Seq, oldest
	// first: the store adds those that it has lost. All of them count as
	// committed.
	again []*sent
	// probing says that again is there to find out whether the store has lost
	// anything, found that it has.
	probing, found bool
	// recheck asks for another round of the ring after the next new batch: a
	// store may lose a batch between being sent it again and the next new one.
	recheck bool
	// unverified are batches known to be applied, but not to which generation:
	// the answers to them carried none.
	unverified []*sent
	// floor is until when others' usage may not go down: nodes have yet to add
	// what the store has lost.
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

// unsure notes that a batch is applied, but perhaps in an earlier generation.
func (r *repair) unsure(x *sent) {
	if len(x.deltas) == 0 || slices.Contains(r.unverified, x) {
		return
	}
	if len(r.unverified) == 2*ringBatches {
		r.unverified = slices.Delete(r.unverified, 0, 1)
	}
	r.unverified = append(r.unverified, x)
}

// probe asks whether the store still has the newest batch in the ring: if it
// has, it has lost none.
func (r *repair) probe() {
	if n := len(r.ring); n > 0 && !r.pending() {
		r.again, r.probing, r.found = []*sent{r.ring[n-1]}, true, false
	}
}

// replay has all batches in the ring sent again.
func (s *Syncer) replay(b *bucket, now int64) {
	b.probing, b.found, b.recheck = false, false, false
	b.again = slices.DeleteFunc(slices.Clone(b.ring), func(x *sent) bool { return x.dead(now) })
	b.hold(now)
}

// pop takes the first batch off again, and looks what is to be done when it was
// the last.
func (s *Syncer) pop(b *bucket) {
	if b.again = b.again[1:]; len(b.again) == 0 {
		b.again = nil
		b.recheck = b.recheck || b.found
		b.found, b.probing = false, false
	}
}

// hold keeps what others have used from going down until every node can have
// made good what the store has lost. A node may have given back what the store
// has just lost, and take long to make it good: until then a total of a window
// that had begun can be lower than what one node has put in, which therefore
// proves nothing any more.
func (b *bucket) hold(now int64) {
	b.shaken = now / 1e9
	b.floor = now + int64(2*b.interval()+refresh)
}

// reseed begins again with a store that was emptied: nothing counts as committed
// but batch x, which it has just applied, and those that may have come after the
// loss too. These are sent again, to be sure of them. A window that no node reads any
// more stays as it was reported.
func (s *Syncer) reseed(b *bucket, x *sent, now int64) {
	for _, d := range b.deployments {
		d.cool.committed = 0
		for _, u := range d.windows {
			if !u.past(now) {
				u.committed = Count{}
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

// commit adds what the store has taken of a batch to what is committed of windows
// that reseed has begun again.
func (s *Syncer) commit(x *sent, now int64) {
	for _, d := range x.deltas {
		s.committed(d, 1, now)
		if known := s.deployments[d.ID]; known != nil {
			known.cool.commit(d.CoolUntil)
		}
	}
	for _, d := range x.refused {
		s.committed(d, -1, now)
	}
}

func (s *Syncer) committed(t window.Tally, sign, now int64) {
	if u := s.usage(t); u != nil && !u.past(now) {
		u.committed = u.committed.plus(countOf(t).times(sign))
	}
}
