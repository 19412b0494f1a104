package syncer

import (
	"github.com/plimsoll-dev/plimsoll/sync/internal/escrow"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A bucket of L that refills by L/60 a second is held in slices of a second. With A_k what
// is committed in slice k, V_k+1 = A_k + max(0, V_k - L/60) is at least what a bucket would
// hold at the beginning of slice k+1 that was charged A_k at the end of slice k, and slice k
// admits at most L - V_k. So slice j may come to
//
//	L - max(V_j, A_j+1 + max(0, V_j - L/60), A_j+1 + A_j+2 + max(0, V_j - L/60) - L/60)
//
// where the other terms keep what was reserved of the next two slices within their own bounds. What
// a slice may come to depends on totals of its neighbours that are of the same transaction:
// with them the rule of escrow holds as it is, since every later grant, of whichever slice,
// sees the totals that this one has changed.

const (
	sliceCount = 64 // slices that are remembered; a bucket forgets in 60
	// unsettled is for how many seconds after its end a slice's total may grow, by nodes
	// whose clocks are late. A total that was read later is final.
	unsettled = 2
)

// sliceTotals are those of a deployment's last slices. What came before is in the level at
// the beginning of slice from: that of a full bucket, where a node knows nothing older than
// the 60 slices that it reads first.
type sliceTotals struct {
	ring  [sliceCount]sliceTotal
	tick  int64 // of the latest answer
	from  int64
	level [4]escrow.Bucket
}

type sliceTotal struct {
	start int64
	total [4]int64
	final bool
	tick  int64 // of the answer that brought it
}

// begin has the totals reach back no further than is needed before slice j.
func (s *sliceTotals) begin(j int64, limits Count) {
	if s.from >= j-escrow.Slices {
		return
	}
	s.from = j - escrow.Slices
	for i, limit := range limits.list() {
		s.level[i] = escrow.FullBucket(max(limit, 0))
	}
}

// fold takes final totals into the level.
func (s *sliceTotals) fold(limits Count) {
	for s.known(s.from) {
		for i, limit := range limits.list() {
			s.level[i].Resize(max(limit, 0))
			s.level[i].Next(s.total(s.from, i))
		}
		s.from++
	}
}

// of returns what is known of the slice that begins at start, nil if nothing is.
func (s *sliceTotals) of(start int64) *sliceTotal {
	if t := &s.ring[start%sliceCount]; t.start == start && t.tick != 0 {
		return t
	}
	return nil
}

// learn takes in a total of an answer.
func (s *sliceTotals) learn(start int64, total Count, now int64) {
	s.ring[start%sliceCount] = sliceTotal{start, total.list(), now/1e9 > start+unsettled, s.tick}
}

// known reports whether a slice's total need not be read again.
func (s *sliceTotals) known(start int64) bool {
	t := s.of(start)
	return t != nil && t.final
}

// fresh reports whether a slice's total is final, or of the latest answer.
func (s *sliceTotals) fresh(start int64) bool {
	t := s.of(start)
	return t != nil && (t.final || t.tick == s.tick)
}

// most returns what slice j may come to of a bucket; 0 if a total is missing that matters.
// Without sure it is what that is by what is known, for asks: totals that are neither final nor of
// the latest answer count as none, because what nodes had reserved they may have returned since.
func (s *sliceTotals) most(j int64, i int, limit int64, sure bool) int64 {
	if s == nil {
		if sure {
			return 0
		}
		return limit
	}
	b := s.level[i]
	if b.Resize(limit); s.from < j-escrow.Slices {
		b = escrow.FullBucket(limit)
	}
	for k := max(s.from, j-escrow.Slices); k < j; k++ {
		if sure && !s.fresh(k) {
			return 0
		}
		b.Next(s.total(k, i))
	}
	if sure && !(s.fresh(j+1) && s.fresh(j+2)) {
		return 0
	}
	return b.Most(s.total(j+1, i), s.total(j+2, i))
}

// total returns a slice's total, 0 if it is not known or not fresh.
func (s *sliceTotals) total(start int64, i int) int64 {
	if s.fresh(start) {
		return s.of(start).total[i]
	}
	return 0
}

// neighbours appends reads of the slices on whose totals it depends what a slice of a batch
// may come to, unless these are final or in the batch. A slice that is only read has those
// read that are over: a node that uses nothing for a while knows the level all the same.
func (s *Syncer) neighbours(x *sent) {
	for i, n := 0, len(x.usages); i < n; i++ {
		u := x.usages[i]
		if u.kind != window.KindSlice || u.accounts.none() {
			continue
		}
		d, last := u.d, u.start+2
		switch asks := i < len(x.deltas) || u.holds(); {
		case !asks && d.slices == nil:
			continue
		case !asks:
			last = u.start - unsettled - 1
		case d.slices == nil:
			d.slices = new(sliceTotals)
		}
		d.slices.begin(u.start, u.limits())
		for k := d.slices.from; k <= last; k++ {
			if k == u.start || d.slices.known(k) {
				continue
			}
			if of := d.open(window.KindSlice, k); of.seq != x.seq && of.read != x.seq {
				of.read = x.seq
				x.reads = append(x.reads, Count{}.tally(of))
				x.usages = append(x.usages, of)
			}
		}
	}
}

// learnSlices takes in the totals of slices of an answer, before any is turned into grants.
func (x *sent) learnSlices(totals []window.Tally, now int64) {
	for i, t := range totals {
		if u := x.usages[i]; u.kind == window.KindSlice && u.d.slices != nil {
			u.d.slices.tick = int64(x.seq)
			u.d.slices.learn(u.start, countOf(t), now)
		}
	}
	for _, u := range x.usages {
		if u.kind == window.KindSlice && u.d.slices != nil {
			u.d.slices.fold(u.limits())
		}
	}
}
